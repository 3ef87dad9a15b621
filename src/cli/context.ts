// Everything of the outside world that commands touch. main.ts makes the real one, tests a fake
// one.
import type { Job } from "../queue/job.ts";
import type { Progress } from "../queue/operations.ts";
import type { JobReader, JobStore } from "../queue/store.ts";
import type { ScheduleStore } from "../queue/schedule_store.ts";
import type { FileSystem } from "../system/file_system.ts";
import type { WorkerInfo } from "../worker/worker_lock.ts";

/** A stream that text goes to. */
export interface Output {
  /** @throws Deno.errors.BrokenPipe when nobody reads any more */
  write(content: string | Uint8Array): void;
  readonly isTerminal: boolean;
  /** Its size, where it is a terminal. */
  readonly columns: number;
  readonly rows: number;
}

export interface Input {
  readonly isTerminal: boolean;
  readAll(): Promise<Uint8Array>;
  /** From now on each key counts at once, and is not echoed; back to normal with `false`. */
  setRaw(raw: boolean): void;
  /** The next key, or undefined if none comes within `timeout` milliseconds. */
  nextKey(timeout: number): Promise<string | undefined>;
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

/** The part of a store that takes new jobs. */
export type Inbox = Pick<JobStore, "add" | "close">;

/** What can be done with a data folder beside the jobs in it. Loaded when it is called. */
export interface DataFolder {
  openStore(dataDir: string): Promise<JobStore>;
  /** The part of the store that shows what is there: quicker to open. */
  openReader(dataDir: string): Promise<JobReader>;
  /** The part of the store that takes new jobs: quicker to open. */
  openInbox(dataDir: string): Promise<Inbox>;
  openSchedules(dataDir: string): Promise<ScheduleStore>;
  /** The path of an attempt's log. */
  logPath(dataDir: string, id: string, attempt: number): Promise<string>;
  liveWorkers(dataDir: string): Promise<WorkerInfo[]>;
  /** Asks the worker that runs a job to call it off. */
  requestCancel(dataDir: string, id: string): Promise<void>;
  /** Takes that back. */
  clearCancel(dataDir: string, id: string): Promise<void>;
  /**
   * Signals those supervisors and workers of this machine that have these names. @returns the names
   * of those that could be reached
   */
  signal(
    dataDir: string,
    names: readonly string[],
    signal: "SIGCONT" | "SIGKILL",
  ): Promise<string[]>;
  /**
   * Ends a running job whose worker has died. @returns false if it lives, or another has taken its
   * place
   */
  endOrphan(
    dataDir: string,
    store: JobStore,
    job: Job,
    reason: "cancelled" | "released",
  ): Promise<boolean>;
  backup(
    dataDir: string,
    target: string,
    progress: Progress,
  ): Promise<{ jobs: number; files: number; bytes: number; leftOut: readonly LeftOut[] }>;
  restore(
    dataDir: string,
    from: string,
    progress: Progress,
  ): Promise<{ jobs: number; leftOut: readonly LeftOut[] }>;
  check(dataDir: string, options: { repair: boolean }, progress: Progress): Promise<Finding[]>;
}

export interface Context {
  readonly args: readonly string[];
  /** Whether `args` are what was typed: bytes that are no text are lost in them. */
  readonly areArgsIntact: () => Promise<boolean>;
  readonly version: () => Promise<string>;
  readonly os: string;
  readonly cwd: () => string;
  readonly env: (name: string) => string | undefined;
  /** The user that this process acts for; null where the platform has none. */
  readonly userId: () => number | null;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => Job["id"];
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly files: FileSystem;
  /** At most `length` bytes of a file from `offset`; undefined if there is no such file. */
  readonly readBytes: (path: string, offset: number, length: number) => Uint8Array | undefined;
  /** All bytes of a file, also of one that can be read but once, such as a pipe. */
  readonly readAllBytes: (path: string) => Uint8Array;
  readonly folder: DataFolder;
  /** Runs `undo` if the process is told to end before `release` is called. */
  readonly onEnd: (undo: () => void) => { release(): void };
}
