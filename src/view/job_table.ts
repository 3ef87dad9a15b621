// Tables of jobs: for `list` and `dlq list`.
import { stillAwaitedBy } from "../queue/dependencies.ts";
import { attemptsBegun, DEFAULT_QUEUE, isWaiting, type Job, updatedAt } from "../queue/job.ts";
import { countedAttempts } from "../queue/retry.ts";
import { shortIds } from "./ids.ts";
import { endingText } from "./outcomes.ts";
import { STATE_COLOURS } from "./style.ts";
import { type Cell, type Column, renderTable, type TableStyle } from "./table.ts";
import { agoText } from "./times.ts";

export interface JobTableOptions {
  readonly verbose: boolean;
  readonly now: number;
  /** Which of the less usual columns are shown; by default those that the jobs need. */
  readonly more?: MoreColumns;
}

export interface MoreColumns {
  readonly queue: boolean;
  readonly group: boolean;
  readonly awaited: boolean;
}

/** The columns that these jobs need, in addition to those that are shown already. */
export function moreColumns(jobs: readonly Job[], shown?: MoreColumns): MoreColumns {
  return {
    queue: shown?.queue === true || jobs.some(({ queue }) => queue !== DEFAULT_QUEUE),
    group: shown?.group === true || jobs.some(({ group }) => group !== null),
    awaited: shown?.awaited === true || jobs.some(({ status }) => status.state === "blocked"),
  };
}

type JobColumn = Column & { readonly cell: (job: Job, now: number) => Cell };

const ID: JobColumn = { title: "ID", cell: (job) => job.id };
const STATE: JobColumn = {
  title: "STATE",
  cell: ({ status: { state } }) => ({ text: state, colour: STATE_COLOURS[state] }),
};
const QUEUE: JobColumn = { title: "QUEUE", cell: (job) => job.queue };
const GROUP: JobColumn = { title: "GROUP", cell: (job) => job.group ?? "-" };
const TRIES: JobColumn = { title: "TRIES", right: true, cell: (job) => String(attemptsBegun(job)) };
const RETRIES: JobColumn = {
  title: "RETRIES",
  right: true,
  cell: (job) => `${Math.max(0, countedAttempts(job) - 1)}/${job.maxRetries}`,
};
const PRIORITY: JobColumn = { title: "PRIO", right: true, cell: (job) => String(job.priority) };
const ENQUEUED: JobColumn = { title: "ENQUEUED", cell: (job, now) => agoText(job.createdAt, now) };
const CHANGED: JobColumn = { title: "CHANGED", cell: (job, now) => agoText(updatedAt(job), now) };
const NEXT: JobColumn = { title: "NEXT", cell: nextRun };
const WAITS_FOR: JobColumn = { title: "WAITS FOR", cell: waitsFor };
const DIED: JobColumn = { ...CHANGED, title: "DIED" };
const LAST: JobColumn = {
  title: "LAST",
  cell: (job) => {
    const last = job.history.at(-1);
    return last === undefined ? "-" : endingText(last);
  },
};
const FOLDER: JobColumn = { title: "FOLDER", cell: (job) => job.cwd };
const COMMAND: JobColumn = { title: "COMMAND", cut: true, cell: (job) => job.command };

/** How many ids of awaited jobs are shown. */
const MOST_AWAITED = 3;

function waitsFor(job: Job): string {
  const ids = stillAwaitedBy(job).map(({ id }) => id);
  if (ids.length === 0) return "-";
  const more = ids.length > MOST_AWAITED ? ` +${ids.length - MOST_AWAITED}` : "";
  return ids.slice(0, MOST_AWAITED).join(",") + more;
}

/** When a job with a later time will run: `in 5m`. */
function nextRun(job: Job, now: number): string {
  const { status } = job;
  if (!isWaiting(status)) return "-";
  return status.runAt === null || status.runAt <= now ? "now" : agoText(status.runAt, now);
}

/** The table of jobs in any state. */
export function jobTable(
  jobs: readonly Job[],
  options: JobTableOptions,
  style: TableStyle,
): Promise<string> {
  const columns = options.verbose
    ? [ID, STATE, PRIORITY, TRIES, RETRIES, ENQUEUED, CHANGED, NEXT, LAST, FOLDER, COMMAND]
    : [ID, STATE, TRIES, ENQUEUED, NEXT, COMMAND];
  return table(columns, jobs, options, style);
}

/** The table of dead jobs. */
export function deadTable(
  jobs: readonly Job[],
  options: JobTableOptions,
  style: TableStyle,
): Promise<string> {
  const columns = options.verbose
    ? [ID, PRIORITY, TRIES, RETRIES, ENQUEUED, DIED, LAST, FOLDER, COMMAND]
    : [ID, TRIES, DIED, LAST, COMMAND];
  return table(columns, jobs, options, style);
}

// Ids are shortened only on a terminal: scripts read them from a pipe, and a short id that is
// unique today may not be tomorrow.
function table(
  always: readonly JobColumn[],
  jobs: readonly Job[],
  { now, more = moreColumns(jobs) }: JobTableOptions,
  style: TableStyle,
): Promise<string> {
  const added = [...(more.queue ? [QUEUE] : []), ...(more.group ? [GROUP] : [])];
  const columns = always.flatMap((column) =>
    column === TRIES
      ? [...added, column]
      : column === COMMAND && more.awaited
      ? [WAITS_FOR, column]
      : [column]
  );
  const short = style.width === undefined ? undefined : shortIds(jobs.map(({ id }) => id));
  const rows = jobs.map((job) =>
    columns.map((column) => column === ID ? short?.get(job.id) ?? job.id : column.cell(job, now))
  );
  return renderTable(columns, rows, style);
}
