// A table of jobs. Its rows can be walked through, picked, and acted on, by pointer and by keys.
import type { Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { jobAt, jobsAt } from "../address.ts";
import type { Job } from "../api.ts";
import { canChange } from "../status.ts";
import { actOn, busy, canBe, dropRefusal, nameOf, refusals, type Verb, VERBS } from "./act.tsx";
import { useKeys } from "./keys.tsx";
import { Ago, Command, Detail, Id, State, Trouble } from "./words.tsx";

interface TableProps {
  readonly jobs: readonly Job[];
  /** Those that were removed since. */
  readonly gone?: ReadonlySet<string>;
  /** Ids; undefined: none can be picked. */
  readonly picked?: Signal<ReadonlySet<string>> | undefined;
  readonly onChanged?: () => void;
}

export function JobTable({ jobs, gone = new Set(), picked, onChanged = () => {} }: TableProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const lastPick = useRef<string | undefined>(undefined);
  const hasQueue = jobs.some(({ queue }) => queue !== "default");
  const hasGroup = jobs.some(({ group }) => group !== null);

  const focused = () => document.activeElement?.closest<HTMLElement>("tr[data-id]") ?? undefined;
  const move = (by: number) => {
    const links = [...body.current?.querySelectorAll<HTMLElement>("a.open") ?? []];
    const at = links.findIndex((link) => link.closest("tr") === focused());
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by];
    next?.focus();
    next?.closest("tr")?.scrollIntoView({ block: "nearest" });
  };
  const jobAtHand = () => jobs.find(({ id }) => id === focused()?.dataset.id);
  const act = (verb: Verb) => {
    const job = jobAtHand();
    if (job && canChange.value && canBe(verb, job.state)) actOn(verb, job, onChanged);
  };
  const pick = (id: string, isRange = false) => {
    if (picked === undefined) return;
    const next = new Set(picked.value);
    const isIn = !next.has(id);
    const ids = jobs.map((job) => job.id);
    const [from, to] = [ids.indexOf(lastPick.current ?? id), ids.indexOf(id)].sort((a, b) => a - b);
    const range = isRange && from! >= 0 ? ids.slice(from, to! + 1) : [id];
    for (const one of range) isIn ? next.add(one) : next.delete(one);
    lastPick.current = id;
    picked.value = next;
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    x: () => {
      const job = jobAtHand();
      if (job) pick(job.id);
    },
    ...(!picked?.value.size && {
      r: () => act("retry"),
      c: () => act("cancel"),
      Delete: () => act("remove"),
    }),
  });
  if (jobs.length === 0) return null;
  const columns = 6 + Number(hasQueue) + Number(hasGroup) + Number(picked !== undefined);
  return (
    <table
      class="jobs"
      onKeyDown={(event) => {
        if (event.key !== "ArrowDown" && event.key !== "ArrowUp" || !focused()) return;
        event.preventDefault();
        move(event.key === "ArrowDown" ? 1 : -1);
      }}
    >
      <thead>
        <tr>
          {picked && (
            <th class="pick">
              <input
                type="checkbox"
                aria-label="Select all on this page"
                checked={picked.value.size === jobs.length}
                onChange={({ currentTarget: { checked } }) =>
                  picked.value = new Set(checked ? jobs.map(({ id }) => id) : [])}
              />
            </th>
          )}
          <th class="state-column">State</th>
          <th class="command-column">Command</th>
          {hasQueue && <th>Queue</th>}
          {hasGroup && <th>Group</th>}
          <th class="right" title="Attempts">Tries</th>
          <th>Enqueued</th>
          <th>Id</th>
          {canChange.value && (
            <th class="actions">
              <span class="unseen">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody ref={body}>
        {jobs.map((job) => (
          <Row
            key={job.id}
            job={job}
            isGone={gone.has(job.id)}
            isPicked={picked?.value.has(job.id)}
            onPick={picked && ((isRange) => pick(job.id, isRange))}
            hasQueue={hasQueue}
            hasGroup={hasGroup}
            columns={columns}
            onChanged={onChanged}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  readonly job: Job;
  readonly isGone: boolean;
  readonly isPicked: boolean | undefined;
  readonly onPick: ((isRange: boolean) => void) | undefined;
  readonly hasQueue: boolean;
  readonly hasGroup: boolean;
  readonly columns: number;
  readonly onChanged: () => void;
}

function Row(
  { job, isGone, isPicked, onPick, hasQueue, hasGroup, columns, onChanged }: RowProps,
) {
  const problem = refusals.value.get(job.id);
  const classes = [isPicked && "picked", isGone && "gone"].filter(Boolean).join(" ");
  return (
    <>
      <tr class={classes} data-id={job.id}>
        {onPick && (
          <td class="pick">
            <input
              type="checkbox"
              aria-label={`Select ${job.id}`}
              checked={isPicked ?? false}
              disabled={isGone}
              onClick={(event) => onPick(event.shiftKey)}
            />
          </td>
        )}
        <td class="state-column">
          <State state={isGone ? null : job.state} />
          {!isGone && (
            <span class="detail">
              <Detail job={job} />
            </span>
          )}
        </td>
        <td class="command-column">
          <a class="open" href={jobAt(job.id)}>
            <Command text={job.command} />
          </a>
        </td>
        {hasQueue && (
          <td class="cut">
            <a href={jobsAt({ queue: job.queue })}>{job.queue}</a>
          </td>
        )}
        {hasGroup && (
          <td class="cut">
            {job.group && <a href={jobsAt({ group: job.group })}>{job.group}</a>}
          </td>
        )}
        <td class="right tries">{job.attempts || ""}</td>
        <td class="age">
          <Ago time={job.created_at} />
        </td>
        <td class="id-column">
          <Id id={job.id} />
        </td>
        {canChange.value && (
          <td class="actions">
            {!isGone && <Actions job={job} onChanged={onChanged} isSmall />}
          </td>
        )}
      </tr>
      {problem && (
        <tr class="refused">
          <td colSpan={columns}>
            <Trouble problem={problem} onClose={() => dropRefusal(job.id)} />
          </td>
        </tr>
      )}
    </>
  );
}

/** What can be done to one job. */
export function Actions({ job, onChanged, isSmall = false }: {
  job: Job;
  onChanged: () => void;
  isSmall?: boolean;
}) {
  const isBusy = busy.value.has(job.id);
  return (
    <>
      {VERBS.filter((verb) => canBe(verb, job.state)).map((verb) => (
        <button
          key={verb}
          type="button"
          class={isSmall ? "plain" : ""}
          disabled={isBusy}
          onClick={() => actOn(verb, job, onChanged)}
        >
          {isBusy && verb !== "remove" ? "Working…" : nameOf(verb)}
        </button>
      ))}
    </>
  );
}
