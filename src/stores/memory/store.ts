// The reference implementation of the port for jobs: what a store has to do, in its simplest form.
// It keeps everything in memory, so it is for tests. Every method is atomic because none of them
// waits in between.
import { settledAll, stillAwaitedBy } from "../../queue/dependencies.ts";
import {
  type Claim,
  type EndedState,
  hasEnded,
  isClaimOn,
  isDue,
  isWaiting,
  type Job,
  JOB_STATES,
  type JobState,
  turnTime,
  updatedAt,
  type Waiting,
} from "../../queue/job.ts";
import { idIsTaken, QueueError } from "../../queue/errors.ts";
import { compareArrival, compareTurns, turnOf } from "../../queue/order.ts";
import { latestFailures } from "../../queue/failures.ts";
import { matches } from "../../queue/query.ts";
import type {
  Adds,
  Claimant,
  Counts,
  JobStore,
  Query,
  WaitingEnds,
  Watching,
} from "../../queue/store.ts";
import { holdsKey, keyTaken, needsKey } from "../../queue/unique.ts";
import { expired, hasExpired } from "../../queue/start_by.ts";
import {
  claimed,
  claimLost,
  mustNotRun,
  noJob,
  type Transition,
  type TransitionResult,
} from "../../queue/transitions.ts";
import { MemoryQueues } from "./queues.ts";

/** A store that keeps its jobs in memory. */
export class MemoryStore implements JobStore {
  readonly #jobs = new Map<string, Job>();
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();
  /** The settings of queues. */
  readonly queues = new MemoryQueues(() => this.#jobs.values(), () => this.#wake());

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  // Methods are async although they wait for nothing, so that errors become rejections.
  // deno-lint-ignore require-await
  async add(
    jobs: Iterable<Job>,
    taken: (job: Job, holder: string) => void = () => {},
  ): Promise<number> {
    const added = new Map<string, Job>();
    for (const job of jobs) {
      let holder = this.#holderOf(job, added);
      if (holder !== undefined && hasExpired(holder, this.#now())) {
        this.#put(expired(holder, this.#now()));
        holder = this.#holderOf(job, added);
      }
      if (holder !== undefined) {
        taken(job, holder.id);
        continue;
      }
      if (this.#jobs.has(job.id) || added.has(job.id)) {
        throw idIsTaken(job.id);
      }
      added.set(job.id, job);
    }
    for (const [id, job] of added) this.#jobs.set(id, job);
    this.#settleBlocked();
    this.#wake();
    return added.size;
  }

  get(id: string): Promise<Job | undefined> {
    return Promise.resolve(this.#jobs.get(id));
  }

  findIdsByPrefix(prefix: string, limit: number): Promise<string[]> {
    return Promise.resolve(
      [...this.#jobs.keys()].filter((id) => id.startsWith(prefix)).slice(0, limit),
    );
  }

  async *list(query: Query, watching?: Watching): AsyncIterable<Job> {
    const found = [...this.#jobs.values()].filter(await matches(query));
    for (const job of found.sort((a, b) => compareArrival(b, a)).slice(0, query.limit)) {
      watching?.passed(job);
      if (watching?.signal.aborted) return;
      yield job;
    }
  }

  count(): Promise<Counts> {
    const counts = Object.fromEntries(JOB_STATES.map((state) => [state, 0])) as Record<
      JobState,
      number
    >;
    for (const job of this.#jobs.values()) counts[job.status.state] += 1;
    return Promise.resolve(counts);
  }

  idsEndedBefore(states: readonly EndedState[], before: number, limit: number): Promise<string[]> {
    const found = [...this.#jobs.values()].filter((job) =>
      hasEnded(job) && updatedAt(job) < before &&
      (states as readonly JobState[]).includes(job.status.state)
    );
    return Promise.resolve(found.slice(0, limit).map(({ id }) => id));
  }

  countEndedSince(since: number): Promise<Record<EndedState, number>> {
    const counts = { completed: 0, dead: 0, cancelled: 0 };
    for (const job of this.#jobs.values()) {
      if (hasEnded(job) && updatedAt(job) >= since) counts[job.status.state as EndedState] += 1;
    }
    return Promise.resolve(counts);
  }

  lastFailures(limit: number): Promise<Job[]> {
    return Promise.resolve(latestFailures(this.#jobs.values(), limit));
  }

  waitingEnds(now: number): Promise<WaitingEnds> {
    const waiting = [...this.#jobs.values()].flatMap((job) => {
      const { status } = job;
      if (!isWaiting(status)) return [];
      return [{ job, at: turnTime(job, status), due: isDue(status, now) }];
    }).sort((a, b) => a.at - b.at || compareArrival(a.job, b.job));
    const first = (due: boolean) => waiting.find((one) => one.due === due)?.job;
    return Promise.resolve({ oldest: first(true), next: first(false) });
  }

  // deno-lint-ignore require-await
  async claim(
    by: Claimant,
    now: number,
    queues?: readonly string[],
  ): Promise<Job | undefined> {
    const turns = [];
    for (const job of this.#jobs.values()) {
      const { status } = job;
      if (queues?.includes(job.queue) === false || !this.queues.hasRoom(job.queue, now)) continue;
      if (isWaiting(status) && isDue(status, now)) {
        turns.push(turnOf(job, status));
      }
    }
    for (const { id } of turns.sort(compareTurns)) {
      const job = this.#jobs.get(id)!;
      if (!hasExpired(job, now)) {
        return this.#put(claimed(job, by, this.queues.begin(job.queue, now)));
      }
      this.#put(expired(job, now));
    }
    return undefined;
  }

  claimedBy(worker: string): Promise<Job[]> {
    return Promise.resolve([...this.#jobs.values()].filter((job) => holderOf(job) === worker));
  }

  // deno-lint-ignore require-await
  async change(
    id: string,
    transition: Transition,
    claim?: Claim,
    adds: Adds = () => undefined,
  ): Promise<Job> {
    const job = this.#need(id);
    if (claim !== undefined && !isClaimOn(job, claim)) throw claimLost(id);
    const step = transition(job, this.#now());
    // A running job is changed only by its worker.
    if (!(step instanceof QueueError) && claim === undefined) {
      mustNotRun(job);
      let other = needsKey(job, step) ? this.#holderOf(job) : undefined;
      if (other !== undefined && hasExpired(other, this.#now())) {
        this.#put(expired(other, this.#now()));
        other = this.#holderOf(job);
      }
      if (other !== undefined) throw keyTaken(job, other.id);
    }
    const added = step instanceof QueueError || claim === undefined
      ? undefined
      : adds(step, this.#now());
    if (added !== undefined && !this.#jobs.has(added.id)) this.#jobs.set(added.id, added);
    return this.#put(step);
  }

  // deno-lint-ignore require-await
  async remove(id: string, unless: (job: Job) => QueueError | undefined): Promise<void> {
    const job = this.#need(id);
    const refusal = unless(job);
    if (refusal !== undefined) throw refusal;
    mustNotRun(job);
    this.#jobs.delete(id);
    this.#settleBlocked();
  }

  dependentsOf(id: string): Promise<string[]> {
    const waiting = [...this.#jobs.values()].filter((job) =>
      stillAwaitedBy(job).some((one) => one.id === id)
    );
    return Promise.resolve(waiting.map((job) => job.id));
  }

  nextDue(): Promise<number | undefined> {
    const now = this.#now();
    const dues = this.#waitingJobs()
      .flatMap(({ queue, status }) => [status.runAt ?? 0, this.queues.opensAt(queue, now) ?? 0])
      .filter((due) => due > now);
    return Promise.resolve(dues.length === 0 ? undefined : Math.min(...dues));
  }

  hasWork(queues?: readonly string[]): Promise<boolean> {
    const served = (job: Job) => queues?.includes(job.queue) ?? true;
    const isRunning = (job: Job) => served(job) && job.status.state === "processing";
    return Promise.resolve(
      [...this.#jobs.values()].some(isRunning) ||
        this.#waitingJobs().some((job) =>
          served(job) && !this.queues.settingsOf(job.queue).paused &&
          (job.status.state === "failed" || isDue(job.status, this.#now()))
        ),
    );
  }

  /** Nothing is left half done, so this only cancels expired jobs. */
  recover(): Promise<void> {
    const now = this.#now();
    for (const job of this.#jobs.values()) if (hasExpired(job, now)) this.#put(expired(job, now));
    return Promise.resolve();
  }

  waitForChange(timeout: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeout);
      signal?.addEventListener("abort", done);
      this.#waiting.add(done);
      if (signal?.aborted) done();
    });
  }

  close(): Promise<void> {
    this.#wake();
    return Promise.resolve();
  }

  #waitingJobs(): (Job & { readonly status: Waiting })[] {
    return [...this.#jobs.values()].filter((job): job is Job & { status: Waiting } =>
      isWaiting(job.status)
    );
  }

  /** Another job that has this job's unique key. */
  #holderOf({ unique }: Job, added = new Map<string, Job>()): Job | undefined {
    if (unique === null) return undefined;
    return [...this.#jobs.values(), ...added.values()].find((job) => holdsKey(job, unique));
  }

  #need(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) throw noJob(id);
    return job;
  }

  #put(step: TransitionResult): Job {
    if (step instanceof QueueError) throw step;
    this.#jobs.set(step.id, step);
    this.#settleBlocked();
    this.#wake();
    return step;
  }

  /** Tells blocked jobs what became of the jobs they wait for, until nothing changes any more. */
  #settleBlocked(): void {
    for (let isNew = true; isNew;) {
      isNew = false;
      for (const job of this.#jobs.values()) {
        if (job.status.state !== "blocked") continue;
        const after = settledAll(job, (id) => this.#jobs.get(id), this.#now());
        if (after === job) continue;
        this.#jobs.set(job.id, after);
        isNew = true;
      }
    }
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

function holderOf(job: Job): string | undefined {
  return job.status.state === "processing" ? job.status.running.worker : undefined;
}
