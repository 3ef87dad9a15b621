// Which jobs are meant: the parameters of a list, and the filter of a change, as a query. Pure.
import { DURATION_FORMS, parseDuration } from "../queue/durations.ts";
import { checkName } from "../queue/enqueue.ts";
import { QueueError } from "../queue/errors.ts";
import type { JobState } from "../queue/job.ts";
import { statesOf } from "../queue/states.ts";
import type { Query } from "../queue/store.ts";
import { parseTime, TIME_FORMS } from "../queue/times.ts";

/** What jobs can be told by, as clients name it. */
export interface Filter {
  /** Separated by commas. */
  readonly state?: string | undefined;
  readonly queue?: string | undefined;
  readonly group?: string | undefined;
  readonly command?: string | undefined;
  /** A whole number, or `none`. */
  readonly exit_code?: string | undefined;
  /** So long ago, or a time. */
  readonly since?: string | undefined;
}

/**
 * Characters of a GLOB with a `*`. To match it takes time in proportion to its length times that of
 * the command, which may have a million characters, and nothing else is answered meanwhile.
 */
const LONGEST_GLOB = 500;

/** @throws QueueError `usage` */
export function queryOf(filter: Filter, now: number): Query {
  const { state, queue, group, command, exit_code, since } = filter;
  if (queue !== undefined) checkName("queue", queue);
  if (group !== undefined) checkName("group", group);
  if (command !== undefined && command.length > LONGEST_GLOB && hasStar(command)) {
    throw new QueueError("usage", `A GLOB with a * has at most ${LONGEST_GLOB} characters`);
  }
  return {
    ...(state !== undefined && { states: statesOf("state", state) }),
    ...(queue !== undefined && { queue }),
    ...(group !== undefined && { group }),
    ...(command !== undefined && { command }),
    ...(exit_code !== undefined && { exitCode: exitCodeOf(exit_code) }),
    ...(since !== undefined && { since: sinceOf(since, now) }),
  };
}

/** Whether a `*` stands for anything: in brackets it stands for itself. */
function hasStar(glob: string): boolean {
  return glob.replace(/\[[^\]]+\]/g, "").includes("*");
}

/** The same query, of jobs in these states alone. */
export function within(query: Query, states: readonly JobState[]): Query {
  const { states: wanted = states } = query;
  return { ...query, states: states.filter((state) => wanted.includes(state)) };
}

function exitCodeOf(text: string): number | null {
  if (text === "none") return null;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new QueueError("usage", `exit_code takes a whole number or none, not "${text}"`);
}

function sinceOf(text: string, now: number): number {
  const seconds = parseDuration(text);
  const time = seconds === undefined ? parseTime(text, now) : now - seconds * 1000;
  if (time !== undefined) return time;
  throw new QueueError("usage", `since takes ${DURATION_FORMS}, or ${TIME_FORMS}, not "${text}"`);
}
