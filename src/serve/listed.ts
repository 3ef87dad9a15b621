// Jobs of lists, as the API has them. Pure.
import type { Job } from "../queue/job.ts";
import { type AttemptJson, attemptToJson, type JobJson } from "../queue/job_json.ts";
import { listedJob } from "../view/json.ts";

/** As `list --json` has it, and with the last attempt that ended: a list tells how, and how long. */
export function listedWithEnd(job: Job): JobJson & { readonly last: AttemptJson | null } {
  const last = job.history.at(-1);
  return { ...listedJob(job), last: last === undefined ? null : attemptToJson(last) };
}
