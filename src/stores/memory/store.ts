// The readable reference of the port: what a store must do, with nothing in the way. Keeps everything in memory, so it is
// for tests; every method is atomic because none of them waits halfway.
import { dueAt, type Job, JOB_STATES, type JobState } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import { compareArrival, compareTurns, turnOf } from "../../queue/order.ts";
import type { Claimant, Counts, JobStore, Outlook, Query } from "../../queue/store.ts";
import { claimed, type Event, type Step, waitingStatus } from "../../queue/transitions.ts";

/** A store of jobs that forgets them with the process. */
export class MemoryStore implements JobStore {
  readonly #jobs = new Map<string, Job>();
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  // Each method is async although nothing waits: so a refusal is a rejection here as in every other store.
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

  idsBeginning(prefix: string, limit: number): Promise<string[]> {
    return Promise.resolve([...this.#jobs.keys()].filter((id) => id.startsWith(prefix)).slice(0, limit));
  }

  async *list(query: Query): AsyncIterable<Job> {
    const { states, since = -Infinity, where = () => true, limit = Infinity } = query;
    const found = [...this.#jobs.values()].filter((job) =>
      (states?.includes(job.status.state) ?? true) && job.createdAt >= since && where(job)
    );
    yield* found.sort((a, b) => compareArrival(b, a)).slice(0, limit);
  }

  count(): Promise<Counts> {
    const counts = Object.fromEntries(JOB_STATES.map((state) => [state, 0])) as Record<JobState, number>;
    for (const job of this.#jobs.values()) counts[job.status.state] += 1;
    return Promise.resolve(counts);
  }

  // deno-lint-ignore require-await
  async claim(by: Claimant, now: number): Promise<Job | undefined> {
    const turns = [];
    for (const job of this.#jobs.values()) {
      const { status } = job;
      if ((status.state === "pending" || status.state === "failed") && dueAt(status) <= now) {
        turns.push(turnOf(job, status));
      }
    }
    const next = turns.sort(compareTurns)[0];
    return next && this.#put(claimed(this.#jobs.get(next.id)!, by, now));
  }

  heldBy(worker: string): Promise<Job[]> {
    return Promise.resolve([...this.#jobs.values()].filter((job) => holderOf(job) === worker));
  }

  // deno-lint-ignore require-await
  async change(id: string, event: Event, holder?: string): Promise<Job> {
    const job = this.#need(id);
    if (holder !== undefined && holderOf(job) !== holder) throw claimLost(id);
    const step = event(job);
    if (!(step instanceof QueueError) && holder === undefined && holderOf(job) !== undefined) {
      throw claimLost(id); // only the worker that runs a job moves it on
    }
    return this.#put(step);
  }

  // deno-lint-ignore require-await
  async remove(id: string, unless: (job: Job) => QueueError | undefined): Promise<void> {
    const refusal = unless(this.#need(id));
    if (refusal !== undefined) throw refusal;
    this.#jobs.delete(id);
  }

  outlook(): Promise<Outlook> {
    const now = this.#now();
    let nextDue: number | undefined;
    let unfinished = false;
    for (const job of this.#jobs.values()) {
      const { state } = job.status;
      const waiting = waitingStatus(job);
      if (state === "processing" || state === "failed") unfinished = true;
      if (waiting === undefined || state === "processing") continue;
      const due = dueAt(waiting);
      if (due <= now) unfinished = true;
      nextDue = Math.min(nextDue ?? due, due);
    }
    return Promise.resolve({ nextDue, unfinished });
  }

  changed(timeout: number, signal?: AbortSignal): Promise<void> {
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

  close(): void {
    this.#wake();
  }

  #need(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new QueueError("not_found", `No job "${id}"`);
    return job;
  }

  #put(step: Step): Job {
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

function claimLost(id: string): QueueError {
  return new QueueError("claim_lost", `Cannot change job "${id}": another worker holds it, or none`);
}
