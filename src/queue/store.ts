// The port: what a store of jobs must do, in the words of the domain. The store gives atomicity,
// the domain the rules.
import type { Job, JobState } from "./job.ts";
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
  /** At most this many. */
  readonly limit?: number;
}

/** Who claims: the worker's name, its process id and its machine. */
export interface Claimant {
  readonly worker: string;
  readonly pid: number;
  readonly host: string;
}

/** What can be seen of a store. */
export interface JobReader {
  /** The job with this id as it is now. */
  get(id: string): Promise<Job | undefined>;

  /** At most `limit` ids that begin with `prefix`, in no order. */
  findIdsByPrefix(prefix: string, limit: number): Promise<string[]>;

  /** Jobs, newest first, each at most once. */
  list(query: Query): AsyncIterable<Job>;

  count(): Promise<Counts>;

  /** The jobs that this worker has claimed and not settled. */
  claimedBy(worker: string): Promise<Job[]>;

  close(): Promise<void>;
}

/** The part of a store that takes new jobs. */
export type Inbox = Pick<JobStore, "add" | "close">;

/** A store of jobs. Safe with any number of users at once; every method is atomic. */
export interface JobStore extends JobReader {
  /**
   * Adds all jobs, or none. When it returns they survive a power cut.
   * @returns how many were added
   * @throws QueueError `duplicate_id` if one of the ids is taken, in the store or within `jobs`
   */
  add(jobs: Iterable<Job>): Promise<number>;

  /**
   * Takes the job whose turn it is (see `order.ts`) for a worker, of those that are due at `now` and
   * that their queues let begin then (`roomIn` in queues.ts); undefined if there is none.
   * @param queues only of these; of all if left out
   */
  claim(by: Claimant, now: number, queues?: readonly string[]): Promise<Job | undefined>;

  /**
   * Applies `transition` to a job, atomically: nobody else changes it meanwhile. `holder` is the
   * worker that speaks of a job it has claimed; without it a running job is seen as `processing`,
   * and an transition that moves it on is refused.
   * @returns the job afterwards
   * @throws the transition's refusal; QueueError `not_found`; `claim_lost` if `holder` does not
   *   hold the job
   */
  change(id: string, transition: Transition, holder?: string): Promise<Job>;

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
   * excepted.
   */
  recover(): Promise<void>;
}
