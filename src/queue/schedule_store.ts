// The port for schedules: what a store has to provide. The store provides atomicity; the rules are
// in schedule.ts.
import type { QueueError } from "./errors.ts";
import type { Job } from "./job.ts";
import type { ScheduleEntry, ScheduleState } from "./schedule.ts";
import type { Transition } from "./transitions.ts";

/** Reads schedules. */
export interface ScheduleReader {
  /** @throws QueueError `damaged` */
  get(name: string): Promise<ScheduleEntry | undefined>;

  /** All schedules, sorted by name. Those that can't be read are left out, with a warning. */
  list(): Promise<ScheduleEntry[]>;
}

/** The new state of a schedule, and the job to enqueue with it, if any. */
export interface Firing {
  readonly state: ScheduleState;
  readonly job: Job | undefined;
}

/** Decides what to do with a schedule. */
export type Decide = (
  entry: ScheduleEntry,
  last: Job | undefined,
  change: (transition: Transition) => Promise<Job>,
) => Promise<Firing | undefined>;

/** Any number of processes may use it at once; every method is atomic. */
export interface ScheduleStore extends ScheduleReader {
  /**
   * Replaces the entry by what `make` returns. When it returns, the change survives a power cut.
   *
   * @throws what `make` returns if that is an error; QueueError `damaged`
   */
  put(
    name: string,
    make: (before: ScheduleEntry | undefined) => ScheduleEntry | QueueError,
  ): Promise<ScheduleEntry>;

  /**
   * Removes a schedule, even if it can't be read; its jobs stay.
   *
   * @throws QueueError `not_found`
   */
  remove(name: string): Promise<void>;

  /**
   * Makes one step: stores the new state and enqueues the job, or does neither. A job whose id
   * exists counts as enqueued, since another process was faster. If its unique key is taken,
   * `keyTaken` of schedule.ts is applied to the state.
   *
   * @param decide called with the schedule as it is now and its last job, if that exists; it
   *   returns undefined if there is nothing to do. It may use `change` to change that job first, as
   *   `JobStore.change` does
   *
   * @returns undefined if nothing was done, if another process is firing it, or if there is no such
   *   schedule
   */
  fire(
    name: string,
    decide: Decide,
  ): Promise<ScheduleEntry | undefined>;
}

/** Watches for changes of schedules. */
export interface ScheduleWatch {
  /**
   * A value that changes whenever a schedule changes; undefined if there are no schedules. Cheap.
   */
  version(): Promise<string | undefined>;

  /**
   * Resolves when a schedule has changed, when `signal` aborts, or after `timeout` milliseconds.
   */
  wait(timeout: number, signal: AbortSignal): Promise<void>;

  close(): void;
}
