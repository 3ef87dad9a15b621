// Which jobs failed last. Pure.
import { type Job, updatedAt } from "./job.ts";

/** Those that are dead or wait for a retry, the last failure first, at most so many. */
export function latestFailures(jobs: Iterable<Job>, limit: number): Job[] {
  return [...jobs]
    .filter(({ status: { state } }) => state === "dead" || state === "failed")
    .sort((a, b) => updatedAt(b) - updatedAt(a) || (a.id < b.id ? -1 : 1))
    .slice(0, limit);
}
