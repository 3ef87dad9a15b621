// A job as an immutable value. Each state has exactly the data that exist in that state.
import type { Attempt } from "./outcome.ts";

export const JOB_STATES = [
  "pending",
  "blocked",
  "processing",
  "completed",
  "failed",
  "dead",
  "cancelled",
] as const;

export type JobState = typeof JOB_STATES[number];

/** What the user asked for. It changes only if a user updates a waiting job; see revise.ts. */
export interface JobRequest {
  readonly id: string;
  readonly command: string;
  /** Higher runs first. */
  readonly priority: number;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly maxRetries: number;
  /** Seconds; 0 for none. */
  readonly timeout: number;
  /** Milliseconds since 1970, like all times here. */
  readonly createdAt: number;
  /** The place within its batch, which decides the order of jobs with the same `createdAt`. */
  readonly sequence: number;
  /** The earliest time to run it, if the user gave one. */
  readonly runAt: number | null;
  readonly queue: string;
  /** A name that related jobs share. */
  readonly group: string | null;
  /** The ids of the jobs that have to complete before this one may run. */
  readonly after: readonly string[];
  /** The ids of the jobs that have to end first, in any way. */
  readonly afterAny: readonly string[];
  /** At most one job with the same key has not ended. */
  readonly unique: string | null;
  /** If it has not begun by this time, it is cancelled. */
  readonly startBy: number | null;
  /** The name of the schedule that enqueued it. */
  readonly schedule: string | null;
}

/** The queue of a job if no other is given. */
export const DEFAULT_QUEUE = "default";

/** A running attempt. */
export interface RunningAttempt {
  readonly attempt: number;
  readonly worker: string;
  /** The machine, or container, of the worker; null if that is not known. */
  readonly host: string | null;
  readonly pid: number;
  readonly startedAt: number;
}

/**
 * Identifies one claim of a job. Whoever changes a claimed job has to show its claim. A later claim
 * by the same worker, or by a later process with its name, is a different one.
 */
export type Claim = Pick<RunningAttempt, "worker" | "pid" | "attempt" | "startedAt">;

/**
 * The claim on a running job.
 * @throws Error if it is not running, which is a bug
 */
export function claimOf({ id, status }: Pick<Job, "id" | "status">): Claim {
  if (status.state === "processing") return status.running;
  throw new Error(`Nobody has claimed job "${id}"`);
}

/** Whether `claim` is the present claim on the job. */
export function isClaimOn({ status }: Pick<Job, "status">, claim: Claim): boolean {
  if (status.state !== "processing") return false;
  const { worker, pid, attempt, startedAt } = status.running;
  return worker === claim.worker && pid === claim.pid && attempt === claim.attempt &&
    startedAt === claim.startedAt;
}

export type Status =
  /** `since` is when it became pending. Its turn counts from then, or from `runAt`. */
  | { readonly state: "pending"; readonly since: number; readonly runAt: number | null }
  /** Waits for other jobs, except those in `met`. `runAt` applies once it is unblocked. */
  | {
    readonly state: "blocked";
    readonly since: number;
    readonly runAt: number | null;
    readonly met: readonly string[];
  }
  | { readonly state: "processing"; readonly running: RunningAttempt; readonly before: Waiting }
  | { readonly state: "failed"; readonly since: number; readonly runAt: number }
  | { readonly state: "completed"; readonly since: number }
  | { readonly state: "dead"; readonly since: number }
  /** `reason` is set if something other than a user cancelled it. */
  | { readonly state: "cancelled"; readonly since: number; readonly reason: string | null };

/** The states in which a job can be claimed. */
export type Waiting = Extract<Status, { state: "pending" | "failed" }>;

/** Whether a job waits to be run, so that it can be claimed when it is due. */
export function isWaiting(status: Status): status is Waiting {
  return status.state === "pending" || status.state === "failed";
}

/** The state of a job that waits for others. */
export type Blocked = Extract<Status, { state: "blocked" }>;

/** The states in which a job has ended. */
export type EndedState = "completed" | "dead" | "cancelled";

export interface Job extends JobRequest {
  readonly status: Status;
  /** All attempts that have ended, in order. */
  readonly history: readonly Attempt[];
  /**
   * Attempts before this index in `history` do not count against `maxRetries`, since the user
   * retried the job after them.
   */
  readonly countedFrom: number;
}

/**
 * Whether a waiting job may run at `now`. A job without `runAt` always may, even if the clock has
 * been set back since.
 */
export function isDue({ runAt }: Waiting, now: number): boolean {
  return runAt === null || runAt <= now;
}

/**
 * The time that decides the turn of a waiting job. If a user gave a time before its arrival, the
 * arrival counts, so that it gains nothing. The time of a retry counts as it is, even if the clock
 * was set back and it is before the arrival.
 */
export function turnTime({ createdAt }: JobRequest, status: Waiting): number {
  if (status.state === "failed") return status.runAt;
  return Math.max(status.runAt ?? status.since, createdAt);
}

/** When the job last changed its state. */
export function updatedAt(job: Job): number {
  return job.status.state === "processing" ? job.status.running.startedAt : job.status.since;
}

/** The exit code of the last attempt that ended; null if it left none, or none has ended. */
export function lastExitCode({ history }: Pick<Job, "history">): number | null {
  return history.at(-1)?.exitCode ?? null;
}

/** How many attempts have begun, the running one included. */
export function attemptsBegun(job: Job): number {
  return job.status.state === "processing" ? job.status.running.attempt : lastAttempt(job);
}

/**
 * The number of the last attempt that ended; 0 before the first. Numbers may skip one whose record
 * was damaged.
 */
export function lastAttempt(job: Job): number {
  return job.history.at(-1)?.attempt ?? 0;
}

/** Whether a job has ended, so that only a person can make it go on. */
export function hasEnded({ status: { state } }: Job): boolean {
  return state === "completed" || state === "dead" || state === "cancelled";
}

const ID = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * Whether `id` is valid as a job's id; then it is safe as part of a file name on every platform.
 */
export function isJobId(id: string): boolean {
  return ID.test(id);
}

/** Whether a queue or a group may have this name. */
export const isName = isJobId;

/** Priorities range from minus this to plus this. */
export const PRIORITY_LIMIT = 1_000_000;

/** Whether this is a valid name of an environment variable in POSIX shells. */
export function isEnvName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}
