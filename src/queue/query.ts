// The one definition of which jobs a query selects, for stores that look at each job. A database
// expresses it in SQL.
import { hasEnded, type Job, lastExitCode, updatedAt } from "./job.ts";
import type { Query } from "./store.ts";

/**
 * A function that tells whether a job is selected; it ignores `limit`. Asynchronous only because
 * the code that few queries need is loaded for those.
 */
export async function matches(query: Query): Promise<(job: Job) => boolean> {
  const { states, queue, group, command, exitCode, since, endedBefore, before } = query;
  const fits = command === undefined ? undefined : (await import("./glob.ts")).globMatcher(command);
  const compare = before && (await import("./order.ts")).compareArrival;
  return (job) =>
    (before === undefined || compare!(job, before) < 0) &&
    (states === undefined || states.includes(job.status.state)) &&
    (queue === undefined || job.queue === queue) &&
    (group === undefined || job.group === group) &&
    (exitCode === undefined || lastExitCode(job) === exitCode) &&
    (since === undefined || job.createdAt >= since) &&
    (endedBefore === undefined || hasEnded(job) && updatedAt(job) < endedBefore) &&
    (fits === undefined || fits(job.command));
}
