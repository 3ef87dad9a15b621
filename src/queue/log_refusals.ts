// Why there is no log to show.
import { QueueError } from "./errors.ts";
import { attemptsBegun, hasEnded, type Job } from "./job.ts";

/** The job has had no attempt. */
export function notRun(job: Job): QueueError {
  const hint = hasEnded(job) ? {} : { hint: `Wait for it: queuectl job logs ${job.id} --follow` };
  return new QueueError("not_found", `Job "${job.id}" has not run`, hint);
}

/** The job has not had that attempt. */
export function noAttempt(job: Job, attempt: number): QueueError {
  const begun = attemptsBegun(job);
  const had = begun === 1 ? "1 attempt" : `${begun} attempts`;
  return new QueueError(
    "not_found",
    `Job "${job.id}" has had ${had}, no attempt ${attempt}`,
  );
}

/** The attempt was, and its log is not there. */
export function noLog(job: Job, attempt: number): QueueError {
  return new QueueError("not_found", `There is no log of attempt ${attempt} of job "${job.id}"`);
}
