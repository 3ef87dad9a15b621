// Jobs that are to begin by a certain time or not at all.
import { attemptsBegun, type Job } from "./job.ts";
import { cancelled, type Transition, type TransitionResult } from "./transitions.ts";
import { QueueError } from "./errors.ts";

/** Why such a job was cancelled. */
export const EXPIRED = "expired";

/**
 * Whether a job has not begun in time. What a person has put back after that time is wanted all
 * the same.
 */
export function hasExpired(job: Job, now: number): boolean {
  const { startBy, status } = job;
  if (startBy === null || now <= startBy) return false;
  if (status.state !== "pending" && status.state !== "blocked") return false;
  return attemptsBegun(job) === 0 && status.since <= startBy;
}

/** A job that has not begun in time is called off; a refusal if it has, or has time yet. */
export function expired(job: Job, now: number): TransitionResult {
  return hasExpired(job, now)
    ? cancelled(job, now, EXPIRED)
    : new QueueError("wrong_state", `Cannot call off job "${job.id}": it has not expired`);
}

/**
 * A job that has not begun in time is called off: it must not keep another from being made only
 * because no `start` was there that does so.
 * @param change changes it, as `JobStore.change` does
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
    if (error instanceof QueueError) return job; // begun after all, or in other hands
    throw error;
  }
}
