// The rules of `job update`, `job retry` and `job remove`, in addition to those of transitions.ts.
// Pure.
import { attemptsBegun, hasEnded, type Job, updatedAt } from "./job.ts";
import { QueueError } from "./errors.ts";
import { refusal, type TransitionResult } from "./transitions.ts";

/** The fields to change; fields that are left out stay as they are. */
export interface Revision {
  readonly priority?: number | undefined;
  readonly queue?: string | undefined;
  readonly maxRetries?: number | undefined;
  /** Seconds; 0 for none. */
  readonly timeout?: number | undefined;
  /** The earliest time to run it. */
  readonly runAt?: number | undefined;
}

/** A user changes a waiting job. Its arrival still decides its turn, unless the time changes. */
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
  const { startBy } = job;
  if (runAt !== undefined && startBy !== null && runAt >= startBy && attemptsBegun(job) === 0) {
    return new QueueError(
      "wrong_state",
      `Cannot update job "${job.id}": it must begin by ${new Date(startBy).toISOString()}`,
    );
  }
  const after = { ...job, priority, queue, maxRetries, timeout };
  return runAt === undefined ? after : { ...after, runAt, status: { ...status, runAt } };
}

/**
 * A user puts an ended job back, whatever its state: it is pending again and has all its retries. A
 * `startBy` that has passed is dropped.
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

/** A refusal unless the job has ended; only then may a user remove it. */
export function removableOnceEnded(job: Job): QueueError | undefined {
  if (hasEnded(job)) return undefined;
  return refusal("remove", job, `Cancel it first: queuectl job cancel ${job.id}`);
}
