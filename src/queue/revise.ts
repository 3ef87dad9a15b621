// What a user may still change of a job, or do with one that has ended: rules beside those of
// transitions.ts, for `job update`, `job retry` and `job remove`. Pure.
import { attemptsBegun, hasEnded, type Job, updatedAt } from "./job.ts";
import { QueueError } from "./errors.ts";
import { refusal, type TransitionResult } from "./transitions.ts";

/** What is to be changed; what is left out stays as it is. */
export interface Revision {
  readonly priority?: number | undefined;
  readonly queue?: string | undefined;
  readonly maxRetries?: number | undefined;
  /** Seconds; 0 for none. */
  readonly timeout?: number | undefined;
  /** Not before this time. */
  readonly runAt?: number | undefined;
}

/**
 * A user changes a job that waits. Its place in the line stays that of its arrival, unless the time
 * changes.
 */
export function updated(job: Job, revision: Revision): TransitionResult {
  const { status } = job;
  if (status.state !== "pending" && status.state !== "blocked" && status.state !== "failed") {
    return refusal("update", job, "Only jobs that wait can be changed");
  }
  const {
    priority = job.priority,
    queue = job.queue,
    maxRetries = job.maxRetries,
    timeout = job.timeout,
    runAt,
  } = revision;
  // As `enqueue` refuses it; one that has begun once expires no more.
  if (
    runAt !== undefined && job.startBy !== null && runAt > job.startBy && attemptsBegun(job) === 0
  ) {
    return new QueueError(
      "wrong_state",
      `Cannot update job "${job.id}": it is to begin by a time before which it may not run then`,
    );
  }
  const after = { ...job, priority, queue, maxRetries, timeout };
  return runAt === undefined ? after : { ...after, runAt, status: { ...status, runAt } };
}

/**
 * A user puts a job back that has ended, however: pending again, its retries anew. The time by which
 * it was to begin no longer holds if it is over.
 */
export function retriedOnceEnded(job: Job, now: number): TransitionResult {
  if (!hasEnded(job)) return refusal("retry", job, "Only jobs that have ended can be retried");
  return {
    ...job,
    startBy: job.startBy !== null && job.startBy <= now ? null : job.startBy,
    countedFrom: job.history.length,
    status: { state: "pending", since: Math.max(now, updatedAt(job)), runAt: null },
  };
}

/** Whether a user may remove a job: one that has ended; a refusal if not. */
export function removableOnceEnded(job: Job): QueueError | undefined {
  if (hasEnded(job)) return undefined;
  return refusal("remove", job, `Call it off first: queuectl job cancel ${job.id}`);
}
