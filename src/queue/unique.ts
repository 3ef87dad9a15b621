// Keys: of the jobs with the same one, one at most has not ended. A store keeps to that when jobs
// are added, and when one that has ended is retried. Pure.
import { QueueError } from "./errors.ts";
import { hasEnded, type Job } from "./job.ts";

const LONGEST = 256;

/** Whether a text may be a key. */
export function isUniqueKey(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return /^[^\x00-\x1f\x7f-\x9f]+$/.test(text) && [...text].length <= LONGEST;
}

/** Whether a job keeps others with this key out. */
export function holdsKey(job: Job | undefined, key: string): job is Job {
  return job !== undefined && job.unique === key && !hasEnded(job);
}

/** Whether a change needs the job's key: it had ended, and would go on. */
export function needsKey(before: Job, after: Job): boolean {
  return before.unique !== null && hasEnded(before) && !hasEnded(after);
}

/** Why a job that has ended can't go on. */
export function keyTaken(job: Job, holder: string): QueueError {
  return new QueueError(
    "wrong_state",
    `Cannot retry job "${job.id}": job "${holder}" has its key by now`,
    { hint: `Wait for that one: queuectl job wait ${holder}` },
  );
}
