// The readable reference of the port: what a store must do, with nothing in the way. Keeps
// everything in memory, so it is for tests; every method is atomic because none of them waits
// halfway.
import { isDue, type Job, JOB_STATES, type JobState, type Waiting } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import { compareArrival, compareTurns, turnOf } from "../../queue/order.ts";
import { matches } from "../../queue/query.ts";
import type { Claimant, Counts, JobStore, Query } from "../../queue/store.ts";
import { claimed, type Transition, type TransitionResult } from "../../queue/transitions.ts";
import { MemoryQueues } from "./queues.ts";

/** A store of jobs that forgets them with the process. */
export class MemoryStore implements JobStore {
  readonly #jobs = new Map<string, Job>();
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();
  /** What is set of the queues of these jobs. */
  readonly queues = new MemoryQueues(() => this.#jobs.values(), () => this.#wake());

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  // Each method is async although nothing waits: so a refusal is a rejection here as in every other
  // store.
  // deno-lint-ignore require-await
  async add(jobs: Iterable<Job>): Promise<number> {
    const added = new Map<string, Job>();
    for (const job of jobs) {
      if (this.#jobs.has(job.id) || added.has(job.id)) {
        throw new QueueError("duplicate_id", `Cannot add job "${job.id}": the id is taken`);
      }
      added.set(job.id, job);
    }
    for (const [id, job] of added) this.#jobs.set(id, job);
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

  async *list(query: Query): AsyncIterable<Job> {
    const found = [...this.#jobs.values()].filter(await matches(query));
    yield* found.sort((a, b) => compareArrival(b, a)).slice(0, query.limit);
  }

  count(): Promise<Counts> {
    const counts = Object.fromEntries(JOB_STATES.map((state) => [state, 0])) as Record<
      JobState,
      number
    >;
    for (const job of this.#jobs.values()) counts[job.status.state] += 1;
    return Promise.resolve(counts);
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
      if ((status.state === "pending" || status.state === "failed") && isDue(status, now)) {
        turns.push(turnOf(job, status));
      }
    }
    const next = turns.sort(compareTurns)[0];
    if (next === undefined) return undefined;
    const job = this.#jobs.get(next.id)!;
    return this.#put(claimed(job, by, this.queues.begin(job.queue, now)));
  }

  claimedBy(worker: string): Promise<Job[]> {
    return Promise.resolve([...this.#jobs.values()].filter((job) => holderOf(job) === worker));
  }

  // deno-lint-ignore require-await
  async change(id: string, transition: Transition, holder?: string): Promise<Job> {
    const job = this.#need(id);
    if (holder !== undefined && holderOf(job) !== holder) throw claimLost(id);
    const step = transition(job);
    // Only the worker that runs a job moves it on.
    if (!(step instanceof QueueError) && holder === undefined) mustNotRun(job);
    return this.#put(step);
  }

  // deno-lint-ignore require-await
  async remove(id: string, unless: (job: Job) => QueueError | undefined): Promise<void> {
    const job = this.#need(id);
    const refusal = unless(job);
    if (refusal !== undefined) throw refusal;
    mustNotRun(job);
    this.#jobs.delete(id);
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

  recover(): Promise<void> {
    return Promise.resolve(); // nothing outlives the process
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
      job.status.state === "pending" || job.status.state === "failed"
    );
  }

  #need(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new QueueError("not_found", `No job "${id}"`);
    return job;
  }

  #put(step: TransitionResult): Job {
    if (step instanceof QueueError) throw step;
    this.#jobs.set(step.id, step);
    this.#wake();
    return step;
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

function holderOf(job: Job): string | undefined {
  return job.status.state === "processing" ? job.status.running.worker : undefined;
}

function mustNotRun({ id, status }: Job): void {
  if (status.state !== "processing") return;
  throw new QueueError("wrong_state", `Cannot change job "${id}": it is running`);
}

function claimLost(id: string): QueueError {
  return new QueueError(
    "claim_lost",
    `Cannot change job "${id}": another worker holds it, or none`,
  );
}
