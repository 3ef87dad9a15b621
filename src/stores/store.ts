// What a store consists of: small ports in terms of the domain. Commands and workers know only
// these.
import type { LogReader } from "../queue/logs.ts";
import type { Maintenance } from "../queue/maintenance.ts";
import type { QueueStore } from "../queue/queues.ts";
import type { Requests } from "../queue/requests.ts";
import type { ScheduleStore, ScheduleWatch } from "../queue/schedule_store.ts";
import type { SettingsStore } from "../queue/settings_store.ts";
import type { Inbox, JobReader, JobStore } from "../queue/store.ts";
import type { Tallies } from "../queue/tally.ts";
import type { Workers } from "../queue/workers.ts";

/** Each part is loaded when it is asked for, so that `enqueue` loads only its own. */
export interface Store {
  /** The name that is shown to users: the path of a folder, or a URL without a password. */
  readonly name: string;
  /** The absolute path of the data folder; null if the store is not a folder. */
  readonly dataDir: string | null;

  /**
   * Makes what has to exist before a command uses the store.
   *
   * @throws QueueError `refused` if it belongs to another user
   */
  prepare(): void;

  /** @param warn called about what can't be read, instead of the command's own way to warn */
  openJobs(warn?: (message: string) => void): Promise<JobStore>;
  /** The part of the job store that only reads; faster to open. */
  openReader(): Promise<JobReader>;
  /** The part of the job store that takes new jobs; faster to open. */
  openInbox(): Promise<Inbox>;
  /**
   * @param firing needed for firing: where jobs are enqueued, and what is called about schedules
   *   that can't be read
   */
  openSchedules(
    firing?: { readonly jobs: JobStore; readonly warn: (message: string) => void },
  ): Promise<ScheduleStore>;
  watchSchedules(): Promise<ScheduleWatch>;
  queues(): Promise<QueueStore>;
  workers(): Promise<Workers>;
  openRequests(): Promise<Requests>;
  logs(): Promise<LogReader>;
  settings(): Promise<SettingsStore>;
  tallies(): Promise<Tallies>;
  maintenance(): Promise<Maintenance>;

  /** What belongs to this host and not to the store. */
  host(): Promise<Host>;

  /**
   * The store for the workers of this host. If something is wrong with it, this throws once, so
   * that not every worker reports it.
   */
  forWorkers(): Promise<Store>;
}

/** What belongs to this host rather than to the store. */
export interface Host {
  /** The options that name the store on the command line of a worker. */
  readonly options: readonly string[];
  /**
   * What workers are told by their standard input: all users can read options, and jobs the
   * environment.
   */
  readonly handover?: string;
  /**
   * The variables that may hold what is secret, as a `start` in the background is to have them.
   * Workers have none of them.
   */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Where on the network the store is, as Deno's permissions have it; nowhere if left out. */
  readonly net?: readonly string[];
  /**
   * The file that says until when jobs may run here; for as long as they like if left out. See
   * exec/guard.ts.
   */
  readonly deadline?: string;
  /**
   * The lease by which jobs may run here, which is another one after this host was taken for gone;
   * undefined if it was not renewed lately. What was claimed under one may not begin under another.
   */
  epoch?(): string | undefined;
  /**
   * Which start of which server keeps the store, as far as this host knows: another one may have
   * lost what was done last. Left out where no server does.
   */
  server?(): string | undefined;
  /** The folder that workers of the store read and write. */
  readonly folder: string;
  /** The file for the output of `start --detach`. */
  readonly startLog: string;
  /** The journal in which a worker's shell records the jobs that it runs. */
  journal(worker: string): string;
  /** The file for what an attempt prints. */
  log(id: string, attempt: number): string;
  /**
   * Begins to send what an attempt prints to where all hosts can read it, and to cut off what its
   * file has too much; left out where the file is that place.
   */
  sendOutput?(printing: PrintingAttempt): OutputSender;
  /** Sends what attempts have printed that have ended, and that nobody sends any more. */
  settleOutput?(): Promise<void>;
}

/** An attempt whose output is sent. */
export interface PrintingAttempt {
  readonly id: string;
  readonly attempt: number;
  /** The most bytes that are kept of its output; 0 for all. */
  readonly limit: number;
  /** Whether it is yet to begin, so that nothing can have been sent of it. */
  readonly isNew: boolean;
}

/** Sends what an attempt prints, while it does. */
export interface OutputSender {
  /**
   * The attempt has ended: resolves when all of its output is sent.
   * @param signal where it aborts, the rest is given up
   */
  finish(signal: AbortSignal): Promise<void>;
}

/** Where a store is. */
export type StoreLocation = FolderLocation | ServerLocation;

export interface FolderLocation {
  readonly kind: "folder";
  readonly path: string;
}

export interface ServerLocation {
  readonly kind: "postgres" | "redis";
  /** Without a password. */
  readonly url: string;
  /** The password, where the variable that named the URL had one. */
  readonly password: string | undefined;
  /** What a worker was told by the `start` that it belongs to: see `Host.handover`. */
  readonly handover?: string;
  /** Milliseconds after which all is given up that is not answered; as long as it takes if left out. */
  readonly within?: number;
}
