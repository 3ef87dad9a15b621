// Finds the jobs that may have failed last, of those that are dead or wait for a retry, by the names
// of tickets and the times of files alone.
import { letterOf, parseTicket, type Ticket } from "./layout.ts";
import { type Known, type Places, whereTicketsWait } from "./listing.ts";

/** Milliseconds by which the times of files may lag behind those in the names of tickets. */
const LAG = 1000;

/**
 * The ids of the last `limit` jobs that died, and of the last ones that wait for a retry, in any
 * order.
 */
export function lastFailures(places: Places, limit: number, known: Known): Set<string> {
  return new Set([...lastDead(places, limit), ...lastRetrying(places, limit, known)]);
}

/** A bucket that was last changed before a time has no later tickets, so most are not read. */
function lastDead({ files, ended: { dead } }: Places, limit: number): string[] {
  const buckets = dead.buckets()
    .map((bucket) => ({ bucket, changedAt: files.info(dead.path(bucket.name))?.modifiedAt ?? 0 }))
    .sort((a, b) => b.changedAt - a.changedAt);
  let found: Ticket[] = [];
  for (const { bucket, changedAt } of buckets) {
    const last = found[limit - 1];
    if (last !== undefined && last.at > changedAt + LAG) break;
    const more = dead.tickets(bucket).map((name) => parseTicket(name)!);
    found = [...found, ...more].sort((a, b) => b.at - a.at).slice(0, limit);
  }
  return found.map(({ id }) => id);
}

/** The file of a job, which its ticket is a link to, was last written when its attempt failed. */
function lastRetrying(places: Places, limit: number, known: Known): string[] {
  const found: { readonly id: string; readonly failedAt: number }[] = [];
  for (const index of whereTicketsWait(places)) {
    for (const bucket of index.buckets()) {
      // Of a sealed one all are pending.
      if (bucket.count !== undefined || known(index, bucket)?.failed === 0) continue;
      for (const name of index.tickets(bucket)) {
        if (letterOf(name) !== "f") continue;
        const info = places.files.info(index.path(bucket.name, name));
        if (info !== undefined) {
          found.push({ id: parseTicket(name)!.id, failedAt: info.modifiedAt });
        }
      }
    }
  }
  return found.sort((a, b) => b.failedAt - a.failedAt).slice(0, limit).map(({ id }) => id);
}
