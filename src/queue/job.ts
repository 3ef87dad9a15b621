// A job as a value. A state carries exactly the data that exist in that state; nothing here changes
// anything.
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

/** What was asked for. Only a user changes it, as long as the job waits; see revise.ts. */
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
  /** Milliseconds since 1970, as all times of the domain. */
  readonly createdAt: number;
  /**
   * The place within a batch that was enqueued at one moment; it settles the order of equal times.
   */
  readonly sequence: number;
  /** Not before this time, if the user gave one. */
  readonly runAt: number | null;
  readonly queue: string;
  /** A name that jobs carry which belong together. */
  readonly group: string | null;
  /** The ids of the jobs that have to complete before this one may run. */
  readonly after: readonly string[];
  /** The ids of those that have to end first, whichever way. */
  readonly afterAny: readonly string[];
  /** Of the jobs with the same key, one at most is not at its end. */
  readonly unique: string | null;
  /** Not begun by this time, it is called off. */
  readonly startBy: number | null;
  /** The name of the schedule that enqueued it. */
  readonly schedule: string | null;
}

/** The queue of a job of which nothing else is said. */
export const DEFAULT_QUEUE = "default";

/** An attempt that goes on now. */
export interface RunningAttempt {
  readonly attempt: number;
  readonly worker: string;
  /** The machine, or container, of the worker; null if that is not known. */
  readonly host: string | null;
  readonly pid: number;
  readonly startedAt: number;
}

/**
 * One claim of a job, told from every other: whoever speaks of a job that a worker has claimed shows
 * it. A later claim by the same worker, or by a later process of its name, is another.
 */
export type Claim = Pick<RunningAttempt, "worker" | "pid" | "attempt" | "startedAt">;

/** The claim on a running job. @throws Error if it does not run, which is a bug */
export function claimOf({ id, status }: Pick<Job, "id" | "status">): Claim {
  if (status.state === "processing") return status.running;
  throw new Error(`Nobody has claimed job "${id}"`);
}

/** Whether this is the claim on the job. */
export function isClaimOn({ status }: Pick<Job, "status">, claim: Claim): boolean {
  if (status.state !== "processing") return false;
  const { worker, pid, attempt, startedAt } = status.running;
  return worker === claim.worker && pid === claim.pid && attempt === claim.attempt &&
    startedAt === claim.startedAt;
}

export type Status =
  /** `since` is when it became pending: it takes its turn from then, or from `runAt`. */
  | { readonly state: "pending"; readonly since: number; readonly runAt: number | null }
  /**
   * Waits for other jobs, of which those in `met` no longer count; `runAt` holds from when it no
   * longer waits.
   */
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
  /** `reason`: why, if it was not a user who called it off. */
  | { readonly state: "cancelled"; readonly since: number; readonly reason: string | null };

/** The states in which a job can be claimed. */
export type Waiting = Extract<Status, { state: "pending" | "failed" }>;

/** Whether a job waits to be run, now or later: it can be claimed when it is due. */
export function isWaiting(status: Status): status is Waiting {
  return status.state === "pending" || status.state === "failed";
}

/** The state of a job that waits for others. */
export type Blocked = Extract<Status, { state: "blocked" }>;

/** The states in which a job has ended. */
export type EndedState = "completed" | "dead" | "cancelled";

export interface Job extends JobRequest {
  readonly status: Status;
  /** Every attempt that has ended, in order. */
  readonly history: readonly Attempt[];
  /**
   * Attempts before this index in `history` no longer count against `maxRetries`: the user retried
   * the job since.
   */
  readonly countedFrom: number;
}

/**
 * Whether a waiting job may run at `now`. One that waits for no time may always: whatever the clock
 * says, which may have been set back since.
 */
export function isDue({ runAt }: Waiting, now: number): boolean {
  return runAt === null || runAt <= now;
}

/**
 * The time by which a waiting job takes its turn. A time before its arrival, given by a user, gains
 * it no better place; a retry may come before it, where the clock was set back.
 */
export function turnTime({ createdAt }: JobRequest, status: Waiting): number {
  if (status.state === "failed") return status.runAt;
  return Math.max(status.runAt ?? status.since, createdAt);
}

/** When the job last changed its state. */
export function updatedAt(job: Job): number {
  return job.status.state === "processing" ? job.status.running.startedAt : job.status.since;
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

/** Whether nothing more becomes of a job, unless a person wants it. */
export function hasEnded({ status: { state } }: Job): boolean {
  return state === "completed" || state === "dead" || state === "cancelled";
}

const ID = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Whether `id` may be the id of a job: it is safe as a part of a file name on every platform. */
export function isJobId(id: string): boolean {
  return ID.test(id);
}

/** Whether a queue or a group may have this name. */
export const isName = isJobId;

/** Priorities go from minus this to this. */
export const PRIORITY_LIMIT = 1_000_000;

/** The name of an environment variable, as POSIX shells take it. */
export function isEnvName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}
