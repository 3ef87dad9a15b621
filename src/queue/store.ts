// The port: what a store of jobs must do, in the words of the domain. The store gives atomicity,
// the domain the rules.
import type { Claim, EndedState, Job, JobState } from "./job.ts";
import type { QueueError } from "./errors.ts";
import type { Transition } from "./transitions.ts";

export type Counts = Readonly<Record<JobState, number>>;

/** Which jobs: all for which each field that is given holds. `matches` in query.ts is the rule. */
export interface Query {
  /** Only these states; all if left out. */
  readonly states?: readonly JobState[];
  /** Only jobs of this queue. */
  readonly queue?: string;
  /** Only jobs of this group. */
  readonly group?: string;
  /** Only jobs whose command fits this pattern (see glob.ts). */
  readonly command?: string;
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

/** Who claims: the worker's name, its process id and its machine. */
export interface Claimant {
  readonly worker: string;
  readonly pid: number;
  readonly host: string;
}

/** The job that the end of another adds, if any; `now` is the time of the store. */
export type Adds = (after: Job, now: number) => Job | undefined;

/** Where no job waits so, there is none. */
export interface WaitingEnds {
  readonly oldest: Job | undefined;
  readonly next: Job | undefined;
}

/** What can be seen of a store. */
export interface JobReader {
  /** The job with this id as it is now. */
  get(id: string): Promise<Job | undefined>;

  /** At most `limit` ids that begin with `prefix`, in no order. */
  findIdsByPrefix(prefix: string, limit: number): Promise<string[]>;

  /**
   * Jobs, newest first, each at most once.
   * @param watching if given, other tasks of this process get their turn while jobs are looked at
   */
  list(query: Query, watching?: Watching): AsyncIterable<Job>;

  count(): Promise<Counts>;

  /**
   * At most `limit` ids of jobs in these states that ended before a time, in no order. What it
   * costs must not grow with the number of those that ended later.
   */
  idsEndedBefore(states: readonly EndedState[], before: number, limit: number): Promise<string[]>;

  /** How many of the jobs that are there have ended at or after a time, and how. */
  countEndedSince(since: number): Promise<Readonly<Record<EndedState, number>>>;

  /**
   * Of the jobs that wait: the one that may run and has been due for the longest, and the one that
   * falls due next. What it costs must not grow with their number.
   */
  waitingEnds(now: number): Promise<WaitingEnds>;

  /** The jobs that this worker has claimed and not settled. */
  claimedBy(worker: string): Promise<Job[]>;

  /** The ids of the jobs that wait for this one, in no order. */
  dependentsOf(id: string): Promise<string[]>;

  close(): Promise<void>;
}

/** The part of a store that takes new jobs. */
export type Inbox = Pick<JobStore, "add" | "close">;

/**
 * A store of jobs. Safe with any number of users at once; every method is atomic. When a job that
 * others wait for ends or is removed, the store applies `settled` of dependencies.ts to each of
 * those, and so on down the line; likewise to a new one whose others have ended. If who did it dies
 * before all are told, the others are told by `recover`, at the latest before that job is changed
 * or removed by anyone.
 */
export interface JobStore extends JobReader {
  /**
   * Adds all jobs, or none. When it returns they survive a power cut. One whose key another job
   * has that has not ended (see unique.ts), in the store or within `jobs`, is left out.
   * @param taken told of each that is left out, and of the one that has its key; must be given if
   *   `jobs` is no array and some have keys
   * @returns how many were added
   * @throws QueueError `duplicate_id` if one of the ids is taken, in the store or within `jobs`
   */
  add(jobs: Iterable<Job>, taken?: (job: Job, holder: string) => void): Promise<number>;

  /**
   * Takes the job whose turn it is (see `order.ts`) for a worker, of those that are due at `now` and
   * that their queues let begin then (`roomIn` in queues.ts); undefined if there is none. One that
   * comes to its turn too late (see start_by.ts) is called off instead.
   * @param queues only of these; of all if left out
   */
  claim(by: Claimant, now: number, queues?: readonly string[]): Promise<Job | undefined>;

  /**
   * Applies `transition` to a job, atomically: nobody else changes it meanwhile. `claim` is given
   * by whoever speaks of a job that was claimed; without it a running job is seen as `processing`,
   * and a transition that moves it on is refused.
   * @param adds the job that a holder adds in the same step, both or neither, made of the job
   *   afterwards; one whose id is taken counts as added
   * @returns the job afterwards
   * @throws the transition's refusal; `keyTaken` if the job had ended, would go on, and another has
   *   its key; QueueError `not_found`; `claim_lost` if the job is no longer held by this claim
   */
  change(id: string, transition: Transition, claim?: Claim, adds?: Adds): Promise<Job>;

  /**
   * Removes a job and all that belongs to it.
   * @throws what `unless` returns for it; QueueError `not_found`
   */
  remove(id: string, unless: (job: Job) => QueueError | undefined): Promise<void>;

  /**
   * When the next job falls due that is not due yet, or the rate of a queue lets the next one begin;
   * undefined if none waits for a time. It may be told of a time at which nothing can be claimed.
   */
  nextDue(): Promise<number | undefined>;

  /**
   * Whether anything is due, runs, or waits for a retry. Jobs that wait for a time given by the
   * user don't count, nor do those that wait in a paused queue.
   * @param queues only jobs of these count; of all if left out
   */
  hasWork(queues?: readonly string[]): Promise<boolean>;

  /**
   * Resolves when there may be something new to claim, when `signal` aborts, or after `timeout`
   * milliseconds.
   */
  waitForChange(timeout: number, signal?: AbortSignal): Promise<void>;

  /**
   * Completes, or takes back, what was left half done by processes that are no more; workers' jobs
   * excepted. Calls off the jobs that have not begun in time.
   */
  recover(): Promise<void>;
}
