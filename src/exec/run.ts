// One run of one shell command: the input of an executor, and what it guarantees. No processes
// here.

import type { Ending } from "../queue/outcome.ts";

/** An attempt to run. `cwd` is an absolute path; the folder of `log` exists. */
export interface Run {
  readonly id: string;
  /** Numbered from 1. */
  readonly attempt: number;
  /** A text for `/bin/sh -c`, or for `cmd /c` on Windows. */
  readonly command: string;
  readonly cwd: string;
  /** Added to the worker's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Seconds after which it is killed; 0 for no timeout. */
  readonly timeout: number;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly killGrace: number;
  /** The file for what the job prints; created with mode 0600. */
  readonly log: string;
  /** The maximal number of bytes that are kept of its output; 0 for all. */
  readonly logMax: number;
  /** The name of the worker, as the job sees it. */
  readonly worker: string;
  /** The lease under which it was claimed, where there are any: see guard.ts. */
  readonly epoch?: string | undefined;
  /** When it was claimed, in milliseconds since 1970. An earlier job may have had the same id. */
  readonly startedAt: number;
}

/** The data needed to watch a running attempt. */
export type WatchedAttempt = Pick<
  Run,
  "id" | "attempt" | "startedAt" | "timeout" | "killGrace"
>;

/** Why a run is killed: the `reason` of the abort signal given to `run` and `adopt`. */
export type StopReason = "cancelled" | "released";

/** All reasons for which a run is killed. */
export type KillCause = StopReason | "timed_out";

const KILL_CAUSES: ReadonlySet<string> = new Set<KillCause>(["cancelled", "released", "timed_out"]);

export function isKillCause(text: string): text is KillCause {
  return KILL_CAUSES.has(text);
}

/** Runs one command at a time. */
export interface Executor {
  /**
   * Starts what the first run needs, so that it begins without delay. `run` tries again if need be.
   *
   * @throws Error if no shell can be started
   */
  ready(): Promise<void>;

  /**
   * Runs the command to its end. When `stop` aborts, with a `StopReason` as its reason, the run is
   * killed; if it ends by itself at that moment, that ending counts. Record the ending before the
   * next run, since the journal may forget it then.
   *
   * @throws Error if no shell can be started, if the deadline has passed, or if another run is under
   *   way: then nothing was begun
   */
  run(run: Run, stop?: AbortSignal): Promise<Ending>;
  /** Frees what `run` keeps. Processes that jobs left in the background go on. */
  close(): Promise<void>;
}
