// The rules of states: (job, facts, now) -> job, or the reason why not. Pure; everything else
// carries values in and out.
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

/** What an event makes of a job: the job afterwards, or a refusal (a value, not thrown here). */
export type TransitionResult = Job | QueueError;

/** `now` is the time of the store, which is one for all machines that share it. */
export type Transition = (job: Job, now: number) => TransitionResult;

/** A new job: pending, or blocked if it is to wait for others. */
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

/** No other job keeps this one from running any more: it takes its turn from now, or its time. */
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

/** A claim is given back before the attempt began: no attempt, no retry used. */
export function unclaimed(job: Job): TransitionResult {
  return job.status.state === "processing"
    ? { ...job, status: job.status.before }
    : refusal("give back", job);
}

/** The running attempt has ended. `backoff` is what is configured at this moment. */
export function ended(job: Job, ending: Ending, backoff: Backoff, now: number): TransitionResult {
  if (job.status.state !== "processing") return refusal("end", job);
  const { running } = job.status;
  const attempt: Attempt = {
    ...running,
    endedAt: Math.max(now, running.startedAt), // a clock set back makes no negative durations
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
      // What vanished says nothing about the job itself, so there is no reason to wait.
      const wait = attempt.outcome === "lost" ? 0 : retryDelay(failures, backoff);
      // By the clock as it is now: one that was set back must not make the retry wait for `since`.
      return { state: "failed", since, runAt: now + Math.round(wait * 1000) };
    }
  }
}

/**
 * A job that does not run is called off. A running one is cancelled by whoever runs it: see `ended`.
 * @param reason why, if it is not a user who wants it
 */
export function cancelled(job: Job, now: number, reason: string | null = null): TransitionResult {
  const { state } = job.status;
  if (!isWaiting(job.status) && state !== "blocked") {
    return refusal("cancel", job);
  }
  return { ...job, status: { state: "cancelled", since: latest(job, now), reason } };
}

/**
 * A user takes a job out of the dead letter queue: pending again, its retries anew, its history
 * kept.
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

/** Whether a job may be removed from the dead letter queue; a refusal if not. */
export function removableFromDlq(job: Job): QueueError | undefined {
  return job.status.state === "dead" ? undefined : refusal("remove", job);
}

/**
 * Whether `storage cleanup` may remove a job: completed or cancelled, and ended before `cutoff`.
 */
export function removableByCleanup(job: Job, cutoff: number): QueueError | undefined {
  const { state } = job.status;
  if (state !== "completed" && state !== "cancelled") return refusal("clean up", job);
  return job.status.since < cutoff
    ? undefined
    : new QueueError("wrong_state", `Cannot clean up job "${job.id}": it ended too recently`);
}

/** The status in which a job waits, if it does; the one before the claim if it runs. */
export function waitingStatus(job: Job): Waiting | undefined {
  const { status } = job;
  if (status.state === "processing") return status.before;
  return isWaiting(status) ? status : undefined;
}

function latest(job: Job, now: number): number {
  return Math.max(now, updatedAt(job));
}

/** The refusal of an event, in words. */
export function refusal(verb: string, job: Job, hint?: string): QueueError {
  const is = job.status.state === "processing" ? "running" : job.status.state;
  return new QueueError(
    "wrong_state",
    `Cannot ${verb} job "${job.id}": it is ${is}`,
    hint === undefined ? {} : { hint },
  );
}
