// The port for a store as a whole: its size, backups, and what is damaged in it.
import type { Claim } from "./job.ts";
import type { Progress } from "./operations.ts";

/** How much a store holds. */
export interface StoreSize {
  readonly files: number;
  readonly bytes: number;
  /** Of those, what jobs printed. */
  readonly logBytes: number;
}

/** Something that `storage check` found. */
export interface Finding {
  readonly path: string;
  readonly problem: string;
  /** What was done about it, if anything. */
  readonly repaired: string | null;
}

/** A file that a backup or a restore has left out. */
export interface LeftOut {
  readonly path: string;
  readonly why: string;
}

export interface BackupResult {
  readonly jobs: number;
  readonly files: number;
  readonly bytes: number;
  readonly leftOut: readonly LeftOut[];
}

/**
 * The attempt that the shell of a worker has begun last, whether it has ended or not; undefined if
 * it has begun none.
 */
export type LastRun = (
  worker: string,
) => Omit<Claim, "worker" | "pid"> & { id: string } | undefined;

export interface CheckOptions {
  readonly repair: boolean;
  /** Who runs what: a job that runs must not be put back to wait, whatever the store has lost. */
  readonly lastRun?: LastRun;
}

export interface Maintenance {
  size(): Promise<StoreSize>;

  /**
   * Copies all that is kept to a new folder.
   * @param target an absolute path
   * @throws QueueError `refused` if it is there and not empty
   */
  backup(target: string, progress: Progress): Promise<BackupResult>;

  /**
   * Puts a backup in the place of all that is kept.
   * @throws QueueError `refused` while workers or jobs run; `damaged` if it is no backup
   */
  restore(
    from: string,
    progress: Progress,
  ): Promise<{ readonly jobs: number; readonly leftOut: readonly LeftOut[] }>;

  /** Looks for what is damaged or inconsistent, and mends what can be mended if asked to. */
  check(options: CheckOptions, progress: Progress): Promise<Finding[]>;

  /** Puts back what a restart of the machine has lost, where the store can tell. */
  afterReboot(): Promise<void>;
}
