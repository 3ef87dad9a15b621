// The rules of `--start-by`: jobs that have to begin by a certain time or not at all.
import { attemptsBegun, type Job } from "./job.ts";
import { cancelled, type Transition, type TransitionResult } from "./transitions.ts";
import { QueueError } from "./errors.ts";

/** The reason with which such a job is cancelled. */
export const EXPIRED = "expired";

/**
 * Whether a job has not begun in time. A job that a person has put back after that time does not
 * count, since it is wanted all the same.
 */
export function hasExpired(job: Job, now: number): boolean {
  const { startBy, status } = job;
  if (startBy === null || now <= startBy) return false;
  if (status.state !== "pending" && status.state !== "blocked") return false;
  return attemptsBegun(job) === 0 && status.since <= startBy;
}

/**
 * Cancels a job that has not begun in time; a refusal if it has begun, or its time has not passed.
 */
export function expired(job: Job, now: number): TransitionResult {
  return hasExpired(job, now)
    ? cancelled(job, now, EXPIRED)
    : new QueueError("wrong_state", `Cannot cancel job "${job.id}": it has not expired`);
}

/**
 * Cancels the job if it has expired. An expired job must not keep a new one out only because no
 * `start` was running to cancel it.
 *
 * @param change changes the job, as `JobStore.change` does
 */
export async function unlessExpired(
  job: Job,
  change: (transition: Transition) => Promise<Job>,
  now: number,
): Promise<Job> {
  if (!hasExpired(job, now)) return job;
  try {
    return await change((job) => expired(job, now));
  } catch (error) {
    if (error instanceof QueueError) return job; // it has begun, or another process holds it
    throw error;
  }
}
