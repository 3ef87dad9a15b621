// The rules of state changes: (job, facts, now) -> the new job, or a refusal. Pure.
import {
  isWaiting,
  type Job,
  type JobRequest,
  lastAttempt,
  type RunningAttempt,
  updatedAt,
  type Waiting,
} from "./job.ts";
import type { Attempt, Ending } from "./outcome.ts";
import { QueueError } from "./errors.ts";
import { type Backoff, countedAttempts, retryDelay } from "./retry.ts";

/** The result of a transition: the job afterwards, or a refusal as a value (not thrown here). */
export type TransitionResult = Job | QueueError;

/** `now` is the store's time, which is the same for all machines that share the store. */
export type Transition = (job: Job, now: number) => TransitionResult;

/** A new job: pending, or blocked if it has to wait for others. */
export function created(request: JobRequest): Job {
  const { after, afterAny, createdAt: since, runAt } = request;
  const isFree = after.length === 0 && afterAny.length === 0;
  return {
    ...request,
    status: isFree
      ? { state: "pending", since, runAt }
      : { state: "blocked", since, runAt, met: [] },
    history: [],
    countedFrom: 0,
  };
}

/** The job no longer waits for others. Its turn counts from now, or from its `runAt`. */
export function unblocked(job: Job, now: number): TransitionResult {
  const { status } = job;
  if (status.state !== "blocked") return refusal("unblock", job);
  return { ...job, status: { state: "pending", since: latest(job, now), runAt: status.runAt } };
}

/** A worker takes a waiting job to run it. */
export function claimed(
  job: Job,
  by: { worker: string; pid: number; host: string | null },
  now: number,
): TransitionResult {
  const { status } = job;
  if (!isWaiting(status)) return refusal("claim", job);
  const running: RunningAttempt = { attempt: lastAttempt(job) + 1, ...by, startedAt: now };
  return { ...job, status: { state: "processing", running, before: status } };
}

/** A claim is given back before the attempt began. No attempt is recorded, and no retry is used. */
export function unclaimed(job: Job): TransitionResult {
  return job.status.state === "processing"
    ? { ...job, status: job.status.before }
    : refusal("give back", job);
}

/** The running attempt has ended. `backoff` is the present configuration. */
export function ended(job: Job, ending: Ending, backoff: Backoff, now: number): TransitionResult {
  if (job.status.state !== "processing") return refusal("end", job);
  const { running } = job.status;
  const attempt: Attempt = {
    ...running,
    endedAt: Math.max(now, running.startedAt), // no negative durations if the clock was set back
    outcome: ending.outcome,
    exitCode: ending.exitCode,
    signal: ending.signal,
    error: ending.error,
  };
  const after: Job = { ...job, history: [...job.history, attempt] };
  return { ...after, status: statusAfter(after, attempt, backoff, now) };
}

function statusAfter(job: Job, attempt: Attempt, backoff: Backoff, now: number): Job["status"] {
  const since = attempt.endedAt;
  switch (attempt.outcome) {
    case "succeeded":
      return { state: "completed", since };
    case "cancelled":
      return { state: "cancelled", since, reason: null };
    case "released":
      return { state: "pending", since, runAt: null };
    case "failed":
    case "timed_out":
    case "lost": {
      const failures = countedAttempts(job);
      if (failures > job.maxRetries) return { state: "dead", since };
      // A lost attempt says nothing about the job itself, so there is no reason to wait.
      const wait = attempt.outcome === "lost" ? 0 : retryDelay(failures, backoff);
      // Counted from now, not from `since`: if the clock was set back, the retry must not wait
      // longer.
      return { state: "failed", since, runAt: now + Math.round(wait * 1000) };
    }
  }
}

/**
 * Cancels a job that is not running. A running one is cancelled by its worker: see `ended`.
 *
 * @param reason set if something other than a user cancels it
 */
export function cancelled(job: Job, now: number, reason: string | null = null): TransitionResult {
  const { state } = job.status;
  if (!isWaiting(job.status) && state !== "blocked") {
    return refusal("cancel", job);
  }
  return { ...job, status: { state: "cancelled", since: latest(job, now), reason } };
}

/**
 * A user takes a job out of the dead letter queue: it is pending again, has all its retries, and
 * keeps its history.
 */
export function retried(job: Job, now: number): TransitionResult {
  if (job.status.state !== "dead") {
    return refusal(
      "retry",
      job,
      "Only jobs in the dead letter queue can be retried: queuectl dlq list",
    );
  }
  return {
    ...job,
    countedFrom: job.history.length,
    status: { state: "pending", since: latest(job, now), runAt: null },
  };
}

/** A refusal unless the job may be removed from the dead letter queue. */
export function removableFromDlq(job: Job): QueueError | undefined {
  return job.status.state === "dead" ? undefined : refusal("remove", job);
}

/**
 * A refusal unless `storage cleanup` may remove the job: completed or cancelled, and ended before
 * `cutoff`.
 */
export function removableByCleanup(job: Job, cutoff: number): QueueError | undefined {
  const { state } = job.status;
  if (state !== "completed" && state !== "cancelled") return refusal("clean up", job);
  return job.status.since < cutoff
    ? undefined
    : new QueueError("wrong_state", `Cannot clean up job "${job.id}": it ended too recently`);
}

/**
 * The status in which a job waits to be run; for a running job, the one before the claim. Undefined
 * otherwise.
 */
export function waitingStatus(job: Job): Waiting | undefined {
  const { status } = job;
  if (status.state === "processing") return status.before;
  return isWaiting(status) ? status : undefined;
}

function latest(job: Job, now: number): number {
  return Math.max(now, updatedAt(job));
}

/** The error for a transition that the job's state does not allow. */
export function refusal(verb: string, job: Job, hint?: string): QueueError {
  const is = job.status.state === "processing" ? "running" : job.status.state;
  return new QueueError(
    "wrong_state",
    `Cannot ${verb} job "${job.id}": it is ${is}`,
    hint === undefined ? {} : { hint },
  );
}

/** @throws QueueError `wrong_state` if the job runs, so that its worker alone may change it */
export function mustNotRun(job: Job): void {
  if (job.status.state === "processing") throw refusal("change", job);
}

export function noJob(id: string): QueueError {
  return new QueueError("not_found", `No job "${id}"`);
}

/** What a worker is told that no longer has the job. */
export function claimLost(id: string): QueueError {
  return new QueueError(
    "claim_lost",
    `Cannot change job "${id}": another worker holds it, or none`,
  );
}
