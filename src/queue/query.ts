// Which jobs a query means, stated once, for stores that look at each; a database says it in SQL.
import { hasEnded, type Job, updatedAt } from "./job.ts";
import type { Query } from "./store.ts";

/**
 * Whether a job is one of those that are asked for; `limit` is not its matter. Asynchronous only
 * because what few queries need is loaded for those.
 */
export async function matches(query: Query): Promise<(job: Job) => boolean> {
  const { states, queue, group, command, since, endedBefore, before } = query;
  const fits = command === undefined ? undefined : (await import("./glob.ts")).globMatcher(command);
  const compare = before && (await import("./order.ts")).compareArrival;
  return (job) =>
    (before === undefined || compare!(job, before) < 0) &&
    (states === undefined || states.includes(job.status.state)) &&
    (queue === undefined || job.queue === queue) &&
    (group === undefined || job.group === group) &&
    (since === undefined || job.createdAt >= since) &&
    (endedBefore === undefined || hasEnded(job) && updatedAt(job) < endedBefore) &&
    (fits === undefined || fits(job.command));
}
