// Finds jobs that ended before or since a time, only by the names of tickets. A bucket's name
// begins with the time of its first ticket, so buckets that begin too late, or are wholly after a
// time, are not read.
import type { EndedState } from "../../queue/job.ts";
import { parseTicket } from "./layout.ts";
import type { Places } from "./listing.ts";

/** At most `limit` ids of jobs in these states that ended before a time. */
export function idsEndedBefore(
  { ended }: Pick<Places, "ended">,
  states: readonly EndedState[],
  before: number,
  limit: number,
): string[] {
  const ids: string[] = [];
  for (const state of states) {
    const index = ended[state];
    for (const bucket of index.buckets()) {
      if (ids.length >= limit || Number(bucket.lower.slice(0, 13)) >= before) break;
      for (const name of index.tickets(bucket)) {
        const { at, id } = parseTicket(name)!;
        if (at < before && ids.length < limit) ids.push(id);
      }
    }
  }
  return ids;
}

/** How many jobs have ended at or after a time, and how. */
export function countEndedSince(
  { files, ended }: Pick<Places, "files" | "ended">,
  since: number,
): Record<EndedState, number> {
  const count = (state: EndedState) => {
    const index = ended[state];
    let sum = 0;
    for (const bucket of index.buckets()) {
      const isWithin = Number(bucket.lower.slice(0, 13)) >= since;
      if (isWithin && bucket.count !== undefined) {
        sum += bucket.count;
        continue;
      }
      // A bucket that was last changed before that time has no later tickets.
      const changedAt = files.info(index.path(bucket.name))?.modifiedAt;
      if (!isWithin && changedAt !== undefined && changedAt < since) continue;
      sum += index.tickets(bucket).filter((name) => parseTicket(name)!.at >= since).length;
    }
    return sum;
  };
  return { completed: count("completed"), dead: count("dead"), cancelled: count("cancelled") };
}
