// The port for a store as a whole: its size, backups, and checks for damage.
import type { Claim } from "./job.ts";
import type { Progress } from "./operations.ts";

/** How much a store holds. */
export interface StoreSize {
  readonly files: number;
  readonly bytes: number;
  /** How many of these bytes are logs. */
  readonly logBytes: number;
}

/** Something that `storage check` found. */
export interface Finding {
  readonly path: string;
  readonly problem: string;
  /** How it was repaired; null if it was not. */
  readonly repaired: string | null;
  /** What somebody with more rights has to run, if only that helps. */
  readonly script?: string;
}

/** A file that a backup or a restore did not include. */
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

/** The attempt that a worker's shell began last, ended or not; undefined if there is none. */
export type LastRun = (
  worker: string,
) => Omit<Claim, "worker" | "pid"> & { id: string } | undefined;

export interface CheckOptions {
  readonly repair: boolean;
  /**
   * Finds what a worker runs: a running job must not be put back to wait, whatever the store has
   * lost.
   */
  readonly lastRun?: LastRun;
}

/** A transaction that has been open for long, so that the store can't clear away what is old. */
export interface OpenTransaction {
  /** Whose it is, for a user. */
  readonly who: string;
  readonly seconds: number;
  /** What ends it. */
  readonly remedy: string;
}

export interface RestoreOptions {
  /** Whether jobs, schedules and settings may be replaced, also those that are added meanwhile. */
  readonly over: boolean;
}

export interface Maintenance {
  size(): Promise<StoreSize>;

  /** What users should know of how the store is set up, a sentence each; nothing if all is well. */
  cautions?(): Promise<readonly string[]>;

  /** Where there are such: the transactions that slow this store down. */
  openTransactions?(): Promise<readonly OpenTransaction[]>;

  /**
   * Copies the whole store to a new folder.
   *
   * @param target an absolute path
   *
   * @throws QueueError `refused` if it exists and is not empty
   */
  backup(target: string, progress: Progress): Promise<BackupResult>;

  /**
   * Replaces the contents of the store by a backup.
   *
   * @throws QueueError `refused` while workers or jobs run, or if there is something that may not be
   *   replaced; `damaged` if it is not a valid backup. Then nothing was changed
   */
  restore(
    from: string,
    options: RestoreOptions,
    progress: Progress,
  ): Promise<{ readonly jobs: number; readonly leftOut: readonly LeftOut[] }>;

  /** Looks for damage and inconsistencies, and repairs what can be repaired if asked to. */
  check(options: CheckOptions, progress: Progress): Promise<Finding[]>;

  /** Restores what a restart of the machine has lost, if the store can tell. */
  afterReboot(): Promise<void>;
}
