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

/**
 * Goes through the buckets that may have to be read for it, and returns at the end how many jobs
 * have ended at or after a time, and how.
 *
 * @param lastEnds when the last job of a sealed bucket ended, by its path, as far as known; a sealed
 *   bucket never changes
 */
export function* countEndedSince(
  { files, ended }: Pick<Places, "files" | "ended">,
  since: number,
  lastEnds: Map<string, number>,
): Generator<void, Record<EndedState, number>> {
  const counts = { completed: 0, dead: 0, cancelled: 0 };
  for (const state of ["completed", "dead", "cancelled"] as const) {
    const index = ended[state];
    for (const bucket of index.buckets()) {
      const path = index.path(bucket.name);
      const isWithin = Number(bucket.lower.slice(0, 13)) >= since;
      if (isWithin && bucket.count !== undefined) {
        counts[state] += bucket.count;
        continue;
      }
      const lastEnd = lastEnds.get(path);
      if (lastEnd !== undefined && lastEnd < since) continue;
      // A bucket that was last changed before that time has no later tickets.
      const changedAt = isWithin || lastEnd !== undefined
        ? undefined
        : files.info(path)?.modifiedAt;
      if (changedAt !== undefined && changedAt < since) continue;
      const times = index.tickets(bucket).map((name) => parseTicket(name)!.at);
      if (bucket.count !== undefined) lastEnds.set(path, times.at(-1) ?? 0);
      counts[state] += times.filter((at) => at >= since).length;
      yield;
    }
  }
  return counts;
}
