// Finds the job that has been due for the longest, and the one that falls due next, only by the
// names of tickets.
import type { BucketedIndex } from "./bucketed_index.ts";
import { type Bucket, parseTicket, type Ticket } from "./layout.ts";
import type { Places } from "./listing.ts";

export interface WaitingEnds {
  readonly oldest: Ticket | undefined;
  readonly next: Ticket | undefined;
}

/**
 * Among the jobs that may run now, the one that has been due for the longest; among the others, the
 * next.
 */
export function waitingEnds(
  { ready, later, held }: Pick<Places, "ready" | "later" | "held">,
  now: number,
) {
  let oldest: Ticket | undefined;
  let next: Ticket | undefined;
  const isFirst = (time: number, best: Ticket | undefined) => best === undefined || time < best.at;
  // Due tickets may still be in `later` for a moment, or as long as no worker runs.
  const atOnce = [ready, ...held.all()].flatMap((index) => timed(index, 8));
  for (const [index, bucket] of [...timed(later, 0), ...atOnce]) {
    const lower = Number(bucket.lower.slice(index === later ? 0 : 8).slice(0, 13));
    const mayBeNext = index === later && isFirst(Math.max(lower, now), next);
    const mayBeOldest = (index !== later || lower <= now) && isFirst(lower, oldest);
    if (!mayBeNext && !mayBeOldest) continue;
    for (const name of index.tickets(bucket)) {
      const ticket = parseTicket(name)!;
      const isDue = index !== later || ticket.at <= now;
      if (isDue && isFirst(ticket.at, oldest)) oldest = ticket;
      if (!isDue && isFirst(ticket.at, next)) next = ticket;
    }
  }
  return { oldest, next } satisfies WaitingEnds;
}

/** The buckets of an index, sorted by their times, which begin at position `at` of their names. */
function timed(index: BucketedIndex, at: number): [BucketedIndex, Bucket][] {
  const order = ({ lower }: Bucket) => lower.slice(at);
  return index.buckets().sort((a, b) => order(a) < order(b) ? -1 : 1)
    .map((bucket) => [index, bucket]);
}
