// Actions on jobs: on one, on the selected ones, on all that match a filter. Refusals are kept by
// job, so that they can be shown next to it.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { severalLines } from "../../src/view/escape.ts";
import type { JobState } from "../../src/queue/job.ts";
import { askedFor, type Filter, inWords } from "../address.ts";
import { type BulkDone, type Job, jobPath, type Problem, problemOf, tell } from "../api.ts";
import { useSignal } from "@preact/signals";
import { closeDialog, note, openDialog, Question } from "./dialog.tsx";
import { countText, number, shortId, Trouble } from "./words.tsx";

export type Verb = "retry" | "cancel" | "remove";

export const VERBS: readonly Verb[] = ["retry", "cancel", "remove"];
const NAMES = { retry: "Retry", cancel: "Cancel", remove: "Remove" } as const;
const DONE = { retry: "Retried", cancel: "Cancelled", remove: "Removed" } as const;

const ENDED: readonly JobState[] = ["completed", "dead", "cancelled"];

/** Whether a job in this state can be retried, cancelled or removed. */
export function canBe(verb: Verb, state: JobState): boolean {
  return ENDED.includes(state) !== (verb === "cancel");
}

export function nameOf(verb: Verb): string {
  return NAMES[verb];
}

/** The refusals, by job id. */
export const refusals = signal<ReadonlyMap<string, Problem>>(new Map());
/** The ids of jobs with an action under way. */
export const busy = signal<ReadonlySet<string>>(new Set());

export function dropRefusal(id: string): void {
  const left = new Map(refusals.value);
  if (left.delete(id)) refusals.value = left;
}

/** Acts on one job, after asking where that is risky. */
export function actOn(verb: Verb, job: Job, after?: () => void): void {
  const act = () => void doTo(verb, job.id, after);
  const question = questionOf(verb, job.state);
  if (question === undefined) return act();
  const { title, yes, about } = question;
  openDialog(
    <Question title={title} yes={yes} isBad={verb !== "retry"} onYes={act}>
      <p class="mono subject">{severalLines(job.command)}</p>
      <p class="quiet">{about}</p>
    </Question>,
  );
}

/** The question before an action that destroys something or runs a command twice. */
function questionOf(verb: Verb, state: JobState) {
  if (verb === "remove") {
    return {
      title: "Remove this job?",
      yes: "Remove",
      about: "Its history and output are removed, too. This can't be undone.",
    };
  }
  if (verb === "cancel" && state === "processing") {
    return {
      title: "Cancel this running job?",
      yes: "Cancel the job",
      about: "It gets SIGTERM, and SIGKILL if it does not stop.",
    };
  }
  if (verb === "retry" && state === "completed") {
    return {
      title: "Run this job again?",
      yes: "Retry",
      about: "It has completed. Its history stays.",
    };
  }
  return undefined;
}

async function doTo(verb: Verb, id: string, after?: () => void): Promise<void> {
  dropRefusal(id);
  busy.value = new Set([...busy.value, id]);
  try {
    await tell(jobPath(id, `/${verb}`));
    note(`${DONE[verb]}: ${shortId(id)}`);
    after?.();
  } catch (error) {
    refusals.value = new Map([...refusals.value, [id, problemOf(error)]]);
  } finally {
    busy.value = new Set([...busy.value].filter((one) => one !== id));
  }
}

export type Target = { readonly ids: readonly string[] } | { readonly filter: Filter };

/** Counts the jobs on the server, asks, acts on the server, and reports refusals. */
export function actOnMany(verb: Verb, target: Target, after: () => void): void {
  openDialog(<Many verb={verb} target={target} after={after} />);
}

function Many({ verb, target, after }: { verb: Verb; target: Target; after: () => void }) {
  const counted = useSignal<BulkDone | undefined>(undefined);
  const done = useSignal<BulkDone | undefined>(undefined);
  const problem = useSignal<Problem | undefined>(undefined);
  const isActing = useSignal(false);
  const send = (isDry: boolean) =>
    tell<BulkDone>(`api/jobs/${verb}`, {
      ...("ids" in target ? target : { filter: askedFor(target.filter) }),
      dry_run: isDry,
    });
  useEffect(() => {
    send(true).then((answer) => counted.value = answer, (error) => {
      problem.value = problemOf(error);
    });
  }, []);
  const act = async () => {
    isActing.value = true;
    try {
      const answer = await send(false);
      after();
      if (answer.refused > 0 || !answer.complete) return done.value = answer;
      closeDialog();
      note(`${DONE[verb]}: ${countText(answer.done, "job")}`);
    } catch (error) {
      problem.value = problemOf(error);
    } finally {
      isActing.value = false;
    }
  };
  if (done.value !== undefined) return <Outcome verb={verb} result={done.value} />;
  const { matched, complete } = counted.value ?? { matched: 0, complete: true };
  const which = "ids" in target ? "" : inWords(target.filter) || "all jobs";
  const count = `${complete ? "" : "more than "}${countText(matched, "job")}`;
  return (
    <>
      <h2 id="dialog-title">
        {counted.value === undefined ? `${NAMES[verb]}: counting…` : `${NAMES[verb]} ${count}?`}
      </h2>
      {which && <p>Matching: {which}.</p>}
      <p class="quiet">{ABOUT[verb]}</p>
      <Trouble problem={problem.value} />
      <p class="answers">
        <button type="button" onClick={closeDialog}>Back</button>
        <button
          type="button"
          class={verb === "retry" ? "main" : "bad"}
          disabled={matched === 0 || isActing.value}
          onClick={() => void act()}
        >
          {isActing.value ? "Working…" : `${NAMES[verb]} ${count}`}
        </button>
      </p>
    </>
  );
}

const ABOUT = {
  retry: "They go back to pending and get all their retries again. Their history stays.",
  cancel: "Waiting jobs do not run any more; running ones are stopped.",
  remove: "Their history and output are removed, too. This can't be undone.",
} as const;

function Outcome({ verb, result }: { verb: Verb; result: BulkDone }) {
  const { done, refused, complete } = result;
  return (
    <>
      <h2 id="dialog-title">
        {DONE[verb]}: {number(done)}. Refused: {number(refused)}.
      </h2>
      {!complete && <p>There may be more: the server stopped before it had seen all jobs.</p>}
      <ul class="refusals">
        {result.refusals.map(({ message, hint }, i) => (
          <li key={i}>{message}{hint && <span class="quiet">· {hint}</span>}</li>
        ))}
        {refused > result.refusals.length && <li>… and {refused - result.refusals.length} more</li>}
      </ul>
      <p class="answers">
        <button type="button" class="main" autofocus onClick={closeDialog}>Close</button>
      </p>
    </>
  );
}
