// The two ends of what waits, from the names of tickets alone: what has been due for the longest,
// and what falls due next.
import type { BucketedIndex } from "./bucketed_index.ts";
import { type Bucket, parseTicket, type Ticket } from "./layout.ts";
import type { Places } from "./listing.ts";

export interface WaitingEnds {
  readonly oldest: Ticket | undefined;
  readonly next: Ticket | undefined;
}

/** Of the jobs that may run now the one that is due for the longest; of the others the next. */
export function waitingEnds(
  { ready, later, held }: Pick<Places, "ready" | "later" | "held">,
  now: number,
) {
  let oldest: Ticket | undefined;
  let next: Ticket | undefined;
  const isFirst = (time: number, best: Ticket | undefined) => best === undefined || time < best.at;
  // What is due may lie with what is not for a moment, or for as long as no worker is there.
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

/** The buckets of an index by their times, which begin at this place of their names. */
function timed(index: BucketedIndex, at: number): [BucketedIndex, Bucket][] {
  const order = ({ lower }: Bucket) => lower.slice(at);
  return index.buckets().sort((a, b) => order(a) < order(b) ? -1 : 1)
    .map((bucket) => [index, bucket]);
}
