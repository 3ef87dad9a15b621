// What a store consists of: small ports, each in the words of the domain. Commands and workers see
// these, and nothing of what is behind them.
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
  /** What users call it: the path of a folder, or a URL without a password. */
  readonly name: string;
  /** The absolute path of the data folder; null where the store is none. */
  readonly dataDir: string | null;

  /**
   * Makes what has to be there before a command may use it.
   * @throws QueueError `refused` if it is not ours
   */
  prepare(): void;

  /** @param warn told of what can't be read, in place of the command's own way */
  openJobs(warn?: (message: string) => void): Promise<JobStore>;
  /** The part of the jobs that shows what is there: quicker to open. */
  openReader(): Promise<JobReader>;
  /** The part of the jobs that takes new ones: quicker to open. */
  openInbox(): Promise<Inbox>;
  /**
   * @param firing where the jobs go that schedules make, without which none can be fired, and who
   *   is told of what can't be read
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

  /** What belongs to this host, and not to the store. */
  host(): Promise<Host>;

  /**
   * The store as the workers of this host use it. Says what is wrong with it here, once, rather than
   * in each worker.
   */
  forWorkers(): Promise<Store>;
}

/** What belongs to this host rather than to the store. */
export interface Host {
  /** The options that name the store on the command line of a worker. */
  readonly options: readonly string[];
  /** The folder that workers of the store read and write. */
  readonly folder: string;
  /** Where `start --detach` writes what it tells. */
  readonly startLog: string;
  /** The journal that the shell of a worker keeps of the jobs it runs. */
  journal(worker: string): string;
  /** The file that takes what an attempt prints while it runs. */
  log(id: string, attempt: number): string;
}

/** Where a store is. */
export type StoreLocation = { readonly kind: "folder"; readonly path: string };
