// The one definition of the order of claiming and of listing.
import { type Job, turnTime, type Waiting } from "./job.ts";

/** What decides the place of a waiting job in the order of claiming. */
export interface Turn {
  readonly priority: number;
  readonly due: number;
  readonly createdAt: number;
  readonly sequence: number;
  readonly id: string;
}

export function turnOf(job: Job, status: Waiting): Turn {
  return {
    priority: job.priority,
    due: turnTime(job, status),
    createdAt: job.createdAt,
    sequence: job.sequence,
    id: job.id,
  };
}

/** Claim order: priority, then time due, then order of arrival. For `Array.sort`. */
export function compareTurns(a: Turn, b: Turn): number {
  return b.priority - a.priority || a.due - b.due || compareArrival(a, b);
}

/** Order of arrival, oldest first. For `Array.sort`. The id decides between equal times. */
export function compareArrival(
  a: Pick<Turn, "createdAt" | "sequence" | "id">,
  b: Pick<Turn, "createdAt" | "sequence" | "id">,
): number {
  return a.createdAt - b.createdAt || a.sequence - b.sequence ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
