// How an attempt ended, as its watcher reports it, and what is recorded of it.

/** The outcome of an attempt. `released` gives the job back unfinished and uses no retry. */
export type Outcome = "succeeded" | "failed" | "timed_out" | "lost" | "cancelled" | "released";

export const OUTCOMES: readonly Outcome[] = [
  "succeeded",
  "failed",
  "timed_out",
  "lost",
  "cancelled",
  "released",
];

/** The end of a run. `exitCode` is null if there is none. */
export interface Ending {
  readonly outcome: Outcome;
  readonly exitCode: number | null;
  /** Name of the signal that ended it, such as `SIGKILL`. */
  readonly signal: string | null;
  /** One line for users; null if it succeeded. */
  readonly error: string | null;
}

/** One run of a job, numbered from 1. Times are milliseconds since 1970. */
export interface Attempt extends Ending {
  readonly attempt: number;
  readonly worker: string;
  /** The machine, or container, of the worker; null if that is not known. */
  readonly host: string | null;
  /** The process id of the worker. */
  readonly pid: number;
  readonly startedAt: number;
  readonly endedAt: number;
}
