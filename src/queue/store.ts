// The port for jobs: what a store has to provide. The store provides atomicity; the rules are in
// the domain.
import type { Claim, EndedState, Job, JobState } from "./job.ts";
import type { QueueError } from "./errors.ts";
import type { Transition } from "./transitions.ts";

export type Counts = Readonly<Record<JobState, number>>;

/** Selects jobs: those that match all the given fields. `matches` in query.ts defines the rule. */
export interface Query {
  /** Only jobs in these states. */
  readonly states?: readonly JobState[];
  /** Only jobs in this queue. */
  readonly queue?: string;
  /** Only jobs in this group. */
  readonly group?: string;
  /** Only jobs whose command matches this pattern (see glob.ts). */
  readonly command?: string;
  /** Only jobs whose last attempt that ended left this exit code; null: left none. */
  readonly exitCode?: number | null;
  /** Only jobs created at or after this time. */
  readonly since?: number;
  /** Only jobs that ended before this time. */
  readonly endedBefore?: number;
  /** Only jobs that arrived before this one: so a list goes on where its last page ended. */
  readonly before?: Arrival;
  /** At most this many. */
  readonly limit?: number;
}

/** The place of a job in the order of arrival: see `compareArrival` in order.ts. */
export type Arrival = Pick<Job, "createdAt" | "sequence" | "id">;

/** How whoever has other things to do meanwhile reads a list. */
export interface Watching {
  /** Aborts when the list shall end where it is. */
  readonly signal: AbortSignal;
  /** Told again and again how far the list has come, also where no job fits. */
  readonly passed: (at: Arrival) => void;
}

/** Who claims a job: the worker's name, its process id and its machine. */
export interface Claimant {
  readonly worker: string;
  readonly pid: number;
  readonly host: string;
}

/** Returns the job to add when another one has ended, if any; `now` is the store's time. */
export type Adds = (after: Job, now: number) => Job | undefined;

/** The results of `waitingEnds`; undefined where there is no such job. */
export interface WaitingEnds {
  readonly oldest: Job | undefined;
  readonly next: Job | undefined;
}

/** Reads jobs. */
export interface JobReader {
  /** The job with this id as it is now. */
  get(id: string): Promise<Job | undefined>;

  /** At most `limit` ids that begin with `prefix`, in any order. */
  findIdsByPrefix(prefix: string, limit: number): Promise<string[]>;

  /**
   * Jobs, newest first, each at most once.
   * @param watching if given, other tasks of this process get their turn while jobs are looked at
   */
  list(query: Query, watching?: Watching): AsyncIterable<Job>;

  count(): Promise<Counts>;

  /**
   * At most `limit` ids of jobs in these states that ended before a time, in any order. The cost
   * must not grow with the number of jobs that ended later.
   */
  idsEndedBefore(states: readonly EndedState[], before: number, limit: number): Promise<string[]>;

  /** How many of the existing jobs ended at or after a time, by state. */
  countEndedSince(since: number): Promise<Readonly<Record<EndedState, number>>>;

  /**
   * Among the waiting jobs: the one that has been due for the longest, and the one that falls due
   * next. The cost must not grow with their number.
   */
  waitingEnds(now: number): Promise<WaitingEnds>;

  /**
   * At most `limit` of the jobs that are dead or wait for a retry, the last failure first. The cost
   * must not grow with the number of those that died earlier.
   */
  lastFailures(limit: number): Promise<Job[]>;

  /** The jobs that this worker has claimed and whose attempts have not ended. */
  claimedBy(worker: string): Promise<Job[]>;

  /** The ids of the jobs that wait for this one, in any order. */
  dependentsOf(id: string): Promise<string[]>;

  close(): Promise<void>;
}

/** The part of a store that takes new jobs. */
export type Inbox = Pick<JobStore, "add" | "close">;

/**
 * A store of jobs. Any number of processes may use it at once; every method is atomic. When a job
 * ends or is removed, the store applies `settled` of dependencies.ts to each job that waits for it,
 * and then to those that wait for these, and so on. It does the same for a new job if jobs that it
 * waits for have ended. It may do that in portions after the end was recorded: each `claim` does
 * one, or all if there is nothing else to claim; `hasWork` and `recover` do what is left, also by a
 * process that died. It is done at the latest before anyone changes or removes the job that ended.
 */
export interface JobStore extends JobReader {
  /**
   * Adds all jobs, or none. When it returns, they survive a power cut. A job is left out if its
   * unique key belongs to another job that has not ended (see unique.ts), in the store or within
   * `jobs`; but if that one has expired (see start_by.ts), it is cancelled instead.
   *
   * @param taken called with each job that is left out, and the id of the one that has its key;
   *   required if `jobs` is not an array and some have keys
   * @returns how many were added
   *
   * @throws QueueError `duplicate_id` if one of the ids exists already, in the store or within
   *   `jobs`
   */
  add(jobs: Iterable<Job>, taken?: (job: Job, holder: string) => void): Promise<number>;

  /**
   * Takes the job whose turn it is (see `order.ts`) for a worker, among those that are due at `now`
   * and that their queues let begin (`roomIn` in queues.ts); undefined if there is none. A job
   * whose turn comes too late (see start_by.ts) is cancelled instead.
   *
   * @param queues only jobs in these queues; in all if left out
   */
  claim(by: Claimant, now: number, queues?: readonly string[]): Promise<Job | undefined>;

  /**
   * Applies `transition` to a job atomically: nobody else changes it meanwhile. Whoever holds the
   * claim on a running job passes `claim`. Without it, the transition sees a running job as
   * `processing`, and changing it is refused.
   *
   * @param adds makes, from the job afterwards, a job that is added in the same atomic step; if its
   *   id exists already it counts as added. Only for the holder of a claim
   *
   * @returns the job afterwards
   *
   * @throws the transition's refusal; `keyTaken` if an ended job would go on but another job has
   *   its key; QueueError `not_found`; `claim_lost` if this claim no longer holds the job
   */
  change(id: string, transition: Transition, claim?: Claim, adds?: Adds): Promise<Job>;

  /**
   * Removes a job, its history and its logs.
   *
   * @throws what `unless` returns, if it returns an error; QueueError `not_found`
   */
  remove(id: string, unless: (job: Job) => QueueError | undefined): Promise<void>;

  /**
   * When the next job falls due, or a queue's rate lets the next job begin; undefined if no job
   * waits for a time. It may return a time at which nothing can be claimed after all.
   */
  nextDue(): Promise<number | undefined>;

  /**
   * Whether any job is due, running, or waiting for a retry. Jobs that wait for a time given by the
   * user don't count, nor do those in a paused queue.
   *
   * @param queues only jobs in these queues count; in all if left out
   */
  hasWork(queues?: readonly string[]): Promise<boolean>;

  /**
   * Resolves when there may be something new to claim, when `signal` aborts, or after `timeout`
   * milliseconds.
   */
  waitForChange(timeout: number, signal?: AbortSignal): Promise<void>;

  /**
   * Completes or undoes what commands left half done when they died; the jobs of dead workers are
   * not touched. Cancels the jobs that have not begun in time.
   *
   * @param patience milliseconds after which jobs that wait for an ended one are left to the next
   *   claims and calls; if left out, all are told
   */
  recover(patience?: number): Promise<void>;
}
