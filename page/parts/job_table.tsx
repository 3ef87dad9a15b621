// A table of jobs. Rows can be selected and acted on, by pointer and by keyboard.
import type { Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { jobAt, jobsAt } from "../address.ts";
import type { Job } from "../api.ts";
import { canChange } from "../status.ts";
import { actOn, busy, canBe, dropRefusal, nameOf, refusals, type Verb, VERBS } from "./act.tsx";
import { useKeys } from "./keys.tsx";
import { ActionsHead } from "./change.tsx";
import { Ago, Command, Detail, Id, State, Trouble } from "./words.tsx";

interface TableProps {
  readonly jobs: readonly Job[];
  /** Jobs that have been removed meanwhile. */
  readonly gone?: ReadonlySet<string>;
  /** Ids; undefined if rows can't be selected. */
  readonly selected?: Signal<ReadonlySet<string>> | undefined;
  readonly onChanged?: () => void;
}

export function JobTable({ jobs, gone = new Set(), selected, onChanged = () => {} }: TableProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const lastSelected = useRef<string | undefined>(undefined);
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
  const select = (id: string, isRange = false) => {
    if (selected === undefined) return;
    const next = new Set(selected.value);
    const isIn = !next.has(id);
    const ids = jobs.map((job) => job.id);
    const [from, to] = [ids.indexOf(lastSelected.current ?? id), ids.indexOf(id)].sort((a, b) =>
      a - b
    );
    const range = isRange && from! >= 0 ? ids.slice(from, to! + 1) : [id];
    for (const one of range) isIn ? next.add(one) : next.delete(one);
    lastSelected.current = id;
    selected.value = next;
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    x: () => {
      const job = jobAtHand();
      if (job) select(job.id);
    },
    ...(!selected?.value.size && {
      r: () => act("retry"),
      c: () => act("cancel"),
      Delete: () => act("remove"),
    }),
  });
  if (jobs.length === 0) return null;
  const columns = 6 + Number(hasQueue) + Number(hasGroup) + Number(selected !== undefined);
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
          {selected && (
            <th class="check">
              <input
                type="checkbox"
                aria-label="Select all on this page"
                checked={selected.value.size === jobs.length}
                onChange={({ currentTarget: { checked } }) =>
                  selected.value = new Set(checked ? jobs.map(({ id }) => id) : [])}
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
          <ActionsHead />
        </tr>
      </thead>
      <tbody ref={body}>
        {jobs.map((job) => (
          <Row
            key={job.id}
            job={job}
            isGone={gone.has(job.id)}
            isSelected={selected?.value.has(job.id)}
            onSelect={selected && ((isRange) => select(job.id, isRange))}
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
  readonly isSelected: boolean | undefined;
  readonly onSelect: ((isRange: boolean) => void) | undefined;
  readonly hasQueue: boolean;
  readonly hasGroup: boolean;
  readonly columns: number;
  readonly onChanged: () => void;
}

function Row(
  { job, isGone, isSelected, onSelect, hasQueue, hasGroup, columns, onChanged }: RowProps,
) {
  const problem = refusals.value.get(job.id);
  const classes = [isSelected && "selected", isGone && "gone"].filter(Boolean).join(" ");
  return (
    <>
      <tr class={classes} data-id={job.id}>
        {onSelect && (
          <td class="check">
            <input
              type="checkbox"
              aria-label={`Select ${job.id}`}
              checked={isSelected ?? false}
              disabled={isGone}
              onClick={(event) => onSelect(event.shiftKey)}
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

/** The buttons for one job. */
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
