// The port for schedules: what a store must do, in the words of the domain. The store gives
// atomicity, schedule.ts the rules.
import type { QueueError } from "./errors.ts";
import type { Job } from "./job.ts";
import type { ScheduleEntry, ScheduleState } from "./schedule.ts";
import type { Transition } from "./transitions.ts";

/** What can be seen of schedules. */
export interface ScheduleReader {
  /** @throws QueueError `damaged` */
  get(name: string): Promise<ScheduleEntry | undefined>;

  /** All of them, by name. Those that can't be read are left out, and told of. */
  list(): Promise<ScheduleEntry[]>;
}

/** The state that a schedule shall have, and the job that is enqueued with it, if one is. */
export interface Firing {
  readonly state: ScheduleState;
  readonly job: Job | undefined;
}

/** Says what is to be done with a schedule. */
export type Decide = (
  entry: ScheduleEntry,
  last: Job | undefined,
  change: (transition: Transition) => Promise<Job>,
) => Promise<Firing | undefined>;

/** Safe with any number of users at once; every method is atomic. */
export interface ScheduleStore extends ScheduleReader {
  /**
   * Puts what `make` returns in the place of what there is. When it returns it survives a power
   * cut.
   * @throws what `make` returns if that is a refusal; QueueError `damaged`
   */
  put(
    name: string,
    make: (before: ScheduleEntry | undefined) => ScheduleEntry | QueueError,
  ): Promise<ScheduleEntry>;

  /**
   * Removes a schedule, also one that can't be read; its jobs stay.
   * @throws QueueError `not_found`
   */
  remove(name: string): Promise<void>;

  /**
   * One step: both the new state and the job, or neither. A job whose id is taken counts as
   * enqueued, since somebody was faster. Where its key is taken, `keyTaken` of schedule.ts is
   * applied to the state.
   * @param decide is given the schedule as it is now, and its last job, if that is there; it
   *   returns undefined if nothing is to be done. With `change` it may change that job first, as
   *   `JobStore.change` does
   * @returns undefined if nothing was done, or somebody else is at it, or there is no such schedule
   */
  fire(
    name: string,
    decide: Decide,
  ): Promise<ScheduleEntry | undefined>;
}

/** Tells that schedules have changed. */
export interface ScheduleWatch {
  /** Another one whenever a schedule has changed; undefined if there is none. Cheap. */
  version(): Promise<string | undefined>;

  /** Resolves after `timeout` milliseconds, when a schedule has changed, or `signal` aborts. */
  wait(timeout: number, signal: AbortSignal): Promise<void>;

  close(): void;
}
