// Unique keys: at most one job with the same key has not ended. Stores check this when jobs are
// added, and when an ended job is retried. Pure.
import { QueueError } from "./errors.ts";
import { hasEnded, type Job } from "./job.ts";

const LONGEST = 256;

/** Whether a text is valid as a unique key: also without halves of characters. */
export function isUniqueKey(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return /^[^\x00-\x1f\x7f-\x9f]+$/.test(text) && text.isWellFormed() &&
    [...text].length <= LONGEST;
}

/** Whether a job holds this key, so that no other job with it may be added. */
export function holdsKey(job: Job | undefined, key: string): job is Job {
  return job !== undefined && job.unique === key && !hasEnded(job);
}

/** Whether a change needs the job's key again: the job had ended, and would go on. */
export function needsKey(before: Job, after: Job): boolean {
  return before.unique !== null && hasEnded(before) && !hasEnded(after);
}

/** The error that an ended job can't go on because `holder` has its key. */
export function keyTaken(job: Job, holder: string): QueueError {
  return new QueueError(
    "wrong_state",
    `Cannot retry job "${job.id}": job "${holder}" has its unique key now`,
    { hint: `Wait for that one: queuectl job wait ${holder}` },
  );
}
