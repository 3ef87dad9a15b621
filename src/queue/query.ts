// The one definition of which jobs a query selects, for stores that look at each job. A database
// expresses it in SQL.
import { hasEnded, type Job, updatedAt } from "./job.ts";
import type { Query } from "./store.ts";

/**
 * A function that tells whether a job is selected; it ignores `limit`. Asynchronous only because
 * the code for patterns is loaded when there is one.
 */
export async function matches(query: Query): Promise<(job: Job) => boolean> {
  const { states, queue, group, command, since, endedBefore } = query;
  const fits = command === undefined ? undefined : (await import("./glob.ts")).globMatcher(command);
  return (job) =>
    (states === undefined || states.includes(job.status.state)) &&
    (queue === undefined || job.queue === queue) &&
    (group === undefined || job.group === group) &&
    (since === undefined || job.createdAt >= since) &&
    (endedBefore === undefined || hasEnded(job) && updatedAt(job) < endedBefore) &&
    (fits === undefined || fits(job.command));
}
