// Actions on many jobs, the selected ones or all that match a filter: the server counts them, one is
// asked, the server does it in the background, and one may watch, stop it, or leave.
import { useSignal } from "@preact/signals";
import { effect, untracked } from "@preact/signals";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { askedFor, type Filter, inWords } from "../address.ts";
import { type BulkDone, type ManyChange, type Problem, problemOf, tell } from "../api.ts";
import { beginChange, changes, ended, stopChange } from "../changes.ts";
import { DONE, nameOf, type Verb } from "./act.tsx";
import { closeDialog, note, openDialog } from "./dialog.tsx";
import { countText, number, Trouble } from "./words.tsx";

export type Target = { readonly ids: readonly string[] } | { readonly filter: Filter };

/** Counts the jobs on the server, asks, and acts on the server. */
export function actOnMany(verb: Verb, target: Target, after: () => void): void {
  openDialog(<Asking verb={verb} target={target} after={after} />);
}

const ABOUT = {
  retry: "They go back to pending and get all their retries again. Their history stays.",
  cancel: "Waiting jobs do not run any more; running ones are stopped.",
  remove: "Their history and output are removed, too. This can't be undone.",
} as const;

function Asking({ verb, target, after }: { verb: Verb; target: Target; after: () => void }) {
  const counted = useSignal<BulkDone | undefined>(undefined);
  const problem = useSignal<Problem | undefined>(undefined);
  const isBusy = useSignal(false);
  const wish = "ids" in target ? target : { filter: askedFor(target.filter) };
  useEffect(() => {
    tell<BulkDone>(`api/jobs/${verb}`, { ...wish, dry_run: true })
      .then((answer) => counted.value = answer, (error) => problem.value = problemOf(error));
  }, []);
  const act = async () => {
    isBusy.value = true;
    try {
      const change = await beginChange({ ...wish, verb });
      if (change.ended_at === null) {
        afterwards.set(change.id, after);
        openDialog(<Watching id={change.id} last={change} />);
      } else {
        after();
        tellResult(change, true);
      }
    } catch (error) {
      problem.value = problemOf(error);
    } finally {
      isBusy.value = false;
    }
  };
  const { matched, complete } = counted.value ?? { matched: 0, complete: true };
  const which = "ids" in target ? "" : inWords(target.filter) || "all jobs";
  const count = `${complete ? "" : "more than "}${countText(matched, "job")}`;
  return (
    <>
      <h2 id="dialog-title">
        {counted.value === undefined ? `${nameOf(verb)}: counting…` : `${nameOf(verb)} ${count}?`}
      </h2>
      {which && <p>Matching: {which}.</p>}
      <p class="quiet">{ABOUT[verb]}</p>
      <Trouble problem={problem.value} />
      <p class="answers">
        <button type="button" autofocus onClick={closeDialog}>Back</button>
        <button
          type="button"
          class={verb === "retry" ? "main" : "bad"}
          disabled={matched === 0 || isBusy.value}
          onClick={() => void act()}
        >
          {isBusy.value ? "Working…" : `${nameOf(verb)} ${count}`}
        </button>
      </p>
    </>
  );
}

/** What to do when a change has ended, by its id. */
const afterwards = new Map<string, () => void>();
/** The change whose dialog is open. */
let watched: string | undefined;

effect(() => {
  const change = ended.value;
  if (change === undefined) return;
  untracked(() => {
    afterwards.get(change.id)?.();
    afterwards.delete(change.id);
    tellResult(change, watched === change.id);
  });
});

function Watching({ id, last }: { id: string; last: ManyChange }) {
  const problem = useSignal<Problem | undefined>(undefined);
  const isStopping = useSignal(false);
  useLayoutEffect(() => {
    watched = id;
    return () => watched = undefined;
  }, [id]);
  const { verb, state, matched, done, refused } = changes.value.get(id) ?? last;
  const stop = async () => {
    isStopping.value = true;
    try {
      await stopChange(id);
    } catch (error) {
      problem.value = problemOf(error);
      isStopping.value = false;
    }
  };
  const tried = done + refused;
  return (
    <>
      <h2 id="dialog-title">{NOW[verb]} {countText(matched, "job")}</h2>
      <progress
        {...(state === "changing" && { value: tried, max: Math.max(matched, 1) })}
        aria-label={NOW[verb]}
      />
      <p role="status">
        {state === "looking"
          ? `Looking for jobs that match: ${number(matched)} so far`
          : `${number(tried)} of ${number(matched)}`}
        {refused > 0 && `, ${number(refused)} refused`}
      </p>
      <p class="quiet">It goes on, also when you close this page.</p>
      <Trouble problem={problem.value} />
      <p class="answers">
        <button type="button" disabled={isStopping.value} onClick={() => void stop()}>
          {isStopping.value ? "Stopping…" : "Stop"}
        </button>
        <button type="button" class="main" autofocus onClick={closeDialog}>
          Go on in the background
        </button>
      </p>
    </>
  );
}

const NOW = { retry: "Retrying", cancel: "Cancelling", remove: "Removing" } as const;

/** @param isWatched whether somebody looks at its dialog, or else it is told in a note */
function tellResult(result: ManyChange, isWatched: boolean): void {
  const { verb, state, done, refused } = result;
  const isFine = state === "done" && refused === 0;
  const show = () => openDialog(<Outcome result={result} />);
  if (isWatched) closeDialog();
  if (isWatched && !isFine) return show();
  const how = state === "stopped" ? "stopped before the end" : state === "failed" ? "failed" : "";
  const what = [
    `${DONE[verb]}: ${countText(done, "job")}`,
    refused > 0 && `${refused} refused`,
    how,
  ];
  note(what.filter(Boolean).join(", "), isFine ? undefined : show);
}

function Outcome({ result }: { result: ManyChange }) {
  const { verb, state, error, done, refused, refusals } = result;
  return (
    <>
      <h2 id="dialog-title">
        {DONE[verb]}: {number(done)}. Refused: {number(refused)}.
      </h2>
      {state === "stopped" && <p>It was stopped before the end: other jobs stay as they are.</p>}
      {state === "failed" && <p class="trouble">It failed: {error}</p>}
      <ul class="refusals">
        {refusals.map(({ message, hint }, i) => (
          <li key={i}>{message} {hint && <span class="quiet">· {hint}</span>}</li>
        ))}
        {refused > refusals.length && <li>… and {number(refused - refusals.length)} more</li>}
      </ul>
      <p class="answers">
        <button type="button" class="main" autofocus onClick={closeDialog}>Close</button>
      </p>
    </>
  );
}

/** In the page's head: the changes that go on, each of which can be looked at. */
export function ChangesUnderWay() {
  return (
    <>
      {[...changes.value.values()].map((change) => (
        <button
          key={change.id}
          type="button"
          class="under-way"
          title="Look at it, or stop it"
          onClick={() => openDialog(<Watching id={change.id} last={change} />)}
        >
          {NOW[change.verb]} {change.state === "looking"
            ? "…"
            : `${number(change.done + change.refused)} of ${number(change.matched)}`}
        </button>
      ))}
    </>
  );
}
