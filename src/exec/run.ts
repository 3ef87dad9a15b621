// One run of one shell command: what an executor is told, and what it promises. No processes here.

import type { Ending } from "../queue/outcome.ts";

/** An attempt to be run. Its folder `cwd` is absolute; the folder of `log` exists. */
export interface Run {
  readonly id: string;
  /** Numbered from 1. */
  readonly attempt: number;
  /** A text for `/bin/sh -c`, or for `cmd /c` on Windows. */
  readonly command: string;
  readonly cwd: string;
  /** Added to the worker's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Seconds after which it is killed; 0 for never. */
  readonly timeout: number;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly killGrace: number;
  /** The file that gets what the job prints; made with mode 0600. */
  readonly log: string;
  /** The most bytes of output that are kept; 0 for all. */
  readonly logMax: number;
  /** The name of the worker, as the job sees it. */
  readonly worker: string;
  /** When it was claimed, in milliseconds since 1970. Another job may have had the id before. */
  readonly startedAt: number;
}

/** What is needed to watch an attempt that is under way. */
export type RunningAttempt = Pick<
  Run,
  "id" | "attempt" | "startedAt" | "timeout" | "killGrace"
>;

/** Why a run is to be ended early: the reason of the abort signal given to `run` and `adopt`. */
export type StopReason = "cancelled" | "released";

/** Runs one command at a time. */
export interface Executor {
  /**
   * Runs the command to its end. `stop`, with a `StopReason` as its reason, kills it early; if it
   * ends by itself at that moment, it is that ending which counts. Record the ending before the
   * next run: the journal then forgets it.
   * @throws Error if no shell can be started, if the deadline has passed, or if another run is under
   *   way: then nothing was begun
   */
  run(run: Run, stop?: AbortSignal): Promise<Ending>;
  /** Lets go of what `run` keeps. What the jobs left in the background lives on. */
  close(): Promise<void>;
}
