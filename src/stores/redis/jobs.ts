// The store of jobs in Redis. A change is read, made by the pure transition, and written if nobody else
// was quicker; else it is made again. What every job goes through is in claim_steps.ts.
import { QueueError } from "../../queue/errors.ts";
import { type Claim, isClaimOn, type Job } from "../../queue/job.ts";
import type { Adds, Claimant, JobStore } from "../../queue/store.ts";
import { claimLost, mustNotRun, noJob, type Transition } from "../../queue/transitions.ts";
import { keyTaken, needsKey } from "../../queue/unique.ts";
import { Claims } from "../shared/claims.ts";
import { IdleTime } from "../shared/idle_time.ts";
import { ClaimedChange, unlessAdded } from "../shared/lost_answers.ts";
import type { JobsOptions } from "../shared/server_store.ts";
import type { Wake } from "../shared/wake.ts";
import { type NextDue, WorkerWaits } from "../shared/worker_waits.ts";
import { askScript, type Known, readJobs } from "./asking.ts";
import { addAll } from "./batch.ts";
import { wakeOf } from "./channel.ts";
import { RedisClaimSteps } from "./claim_steps.ts";
import { Commit, isFailed } from "./commit.ts";
import type { Redis } from "./connection.ts";
import { batchOver, type Left } from "./new_jobs.ts";
import { RedisReader } from "./reader.ts";
import { HAS_WORK, NEXT_DUE } from "./script_read.ts";
import { fateOwed, Undone } from "./undone.ts";

export class RedisJobs extends RedisReader implements JobStore {
  readonly #options: JobsOptions;
  readonly #wake: Wake;
  readonly #waits: WorkerWaits;
  readonly #claims: Claims;
  readonly #undone: Undone;

  constructor(redis: Redis, options: JobsOptions = {}) {
    super(redis);
    this.#options = options;
    this.#wake = wakeOf(redis, "jobs", options.listens);
    this.#undone = new Undone(redis, options.now);
    const { host, lookout } = options;
    const [wake, idle] = [this.#wake, new IdleTime(this.#wake)];
    const dueAfter = (ago: number) => this.#dueAfter(ago);
    this.#waits = new WorkerWaits({ host, lookout, idle, wake, dueAfter });
    this.#claims = new Claims({
      ...options,
      steps: new RedisClaimSteps(redis, (id) => this.get(id)),
      wake,
      idle,
      change: (id, transition, claim) => this.change(id, transition, claim),
    });
  }

  async add(jobs: Iterable<Job>, taken: Left = () => {}): Promise<number> {
    const list = Array.isArray(jobs) ? jobs as Job[] : undefined;
    const parts = { redis: this.redis, undone: this.#undone, now: this.#options.now };
    const late = (added: number) => {
      throw unconfirmed(list, added);
    };
    const there = (id: string) =>
      this.redis.replicas.confirmed(
        () => this.get(id),
        () => late(1),
        (job) => job && "seen" || false,
      );
    // Where none is added, those who have the keys are to be confirmed.
    const all = () => addAll(parts, jobs, taken);
    return await this.redis.replicas.confirmed(all, late, (added) => added > 0 || "seen")
      .catch((error) => unlessAdded(error, list, there));
  }

  async claim(by: Claimant, now: number, queues?: readonly string[]): Promise<Job | undefined> {
    return await this.#claims.claim(by, now, queues);
  }

  async change(id: string, transition: Transition, claim?: Claim, adds?: Adds): Promise<Job> {
    if (claim === undefined) return await this.#change(id, transition);
    const after = await this.#claims.end(id, transition, claim, adds);
    if (after instanceof Object) return after;
    const { redis } = this;
    const get = () => redis.replicas.confirmed(() => this.get(id), undefined, () => "seen");
    const again = new ClaimedChange(claim, get, after === "unanswered");
    return await redis.again(() =>
      again.try(id, () => redis.replicas.confirmed(() => this.#change(id, transition, claim, adds)))
    );
  }

  async remove(id: string, unless: (job: Job) => QueueError | undefined): Promise<void> {
    for (;;) {
      const { known } = await this.#told(id);
      const { job } = known;
      const refusal = unless(job);
      if (refusal !== undefined) throw refusal;
      mustNotRun(job);
      const commit = new Commit().sameJob(known).absent("owes", id).remove(known).step(
        "forget",
        id,
      );
      const result = await commit.run(this.redis);
      if (isFailed(result)) continue;
      if (result.owes) await this.#undone.tellAllOrLeave();
      return;
    }
  }

  nextDue(): Promise<number | undefined> {
    return this.#waits.nextDue();
  }

  /** When the next job falls due after a time that is so many milliseconds ago. */
  async #dueAfter(ago: number): Promise<NextDue> {
    const [due, now] = await askScript(this.redis, NEXT_DUE, [this.#at(), String(ago)]) as [
      string,
      string,
    ];
    return { due: due === "" ? undefined : Number(due), now: Number(now) };
  }

  async hasWork(queues: readonly string[] = []): Promise<boolean> {
    return await askScript(this.redis, HAS_WORK, [this.#at(), ...queues]) === 1;
  }

  override async claimedBy(worker: string): Promise<Job[]> {
    await this.#claims.giveBack();
    const jobs = await super.claimedBy(worker);
    const { host } = this.#options;
    if (host === undefined || jobs.length === 0) return jobs;
    return await this.redis.read("HGET", "places", worker) === host ? jobs : [];
  }

  waitForChange(timeout: number, signal?: AbortSignal): Promise<void> {
    return this.#waits.forChange(timeout, signal);
  }

  async recover(): Promise<void> {
    if (!this.#waits.isTimeToRecover()) return;
    await this.#undone.callOffExpired();
    await this.#undone.tellAll();
    if (await this.redis.read("EXISTS", "batch") === 1) await batchOver(this.redis);
  }

  override async close(): Promise<void> {
    this.#waits.close();
    await this.#claims.giveBack().catch(() => {});
    await this.#wake.close();
  }

  async #change(id: string, transition: Transition, claim?: Claim, adds?: Adds): Promise<Job> {
    for (;;) {
      const after = await this.#tryChange(id, transition, claim, adds);
      if (after !== undefined) return after;
    }
  }

  /** @returns undefined if somebody else was quicker */
  async #tryChange(
    id: string,
    transition: Transition,
    claim?: Claim,
    adds?: Adds,
  ): Promise<Job | undefined> {
    const { known, now } = await this.#told(id);
    const { job } = known;
    if (claim !== undefined && !isClaimOn(job, claim)) throw claimLost(id);
    const after = transition(job, now);
    if (after instanceof QueueError) throw after;
    const commit = new Commit().sameJob(known).absent("owes", id);
    if (claim === undefined) {
      mustNotRun(job);
      if (needsKey(job, after)) {
        const holder = await this.#undone.holderOf(job.unique!);
        if (holder !== undefined) throw keyTaken(job, holder);
        commit.absent("keys", job.unique!).absent("staged_keys", job.unique!);
      }
    }
    commit.replace(known, after).say("jobs");
    const added = claim === undefined ? undefined : adds?.(after, now);
    // If its id is there already it counts as added.
    if (added !== undefined && await this.get(added.id) === undefined) {
      commit.absent("jobs", added.id).absent("staged", added.id).put(added);
    }
    const result = await commit.run(this.redis);
    if (isFailed(result)) {
      if (result.key.startsWith("staged")) await batchOver(this.redis);
      return undefined;
    }
    if (result.owes) await this.#undone.tellAllOrLeave();
    return after;
  }

  /** A job all whose dependents have been told of its end, and the time. */
  async #told(id: string): Promise<{ known: Known; now: number }> {
    for (;;) {
      const { now, jobs: [known] } = await readJobs(this.redis, [id]);
      if (known === undefined) throw noJob(id);
      const fate = fateOwed(known.owes);
      if (fate === undefined) return { known, now: this.#options.now?.() ?? now };
      await this.#undone.tell(id, fate);
    }
  }

  #at(): string {
    const { now } = this.#options;
    return now === undefined ? "" : String(now());
  }
}

/**
 * What is said of new jobs that are there, but for too few replicas.
 * @param added how many they are; fewer where others have their keys, who are not confirmed either
 */
function unconfirmed(jobs: readonly Job[] | undefined, added: number): QueueError {
  const what = jobs?.length !== 1
    ? "The jobs are enqueued"
    : added === 1
    ? `Job "${jobs[0]!.id}" is enqueued`
    : "The job with that key is enqueued";
  return new QueueError("unfinished", `${what}, but too few replicas have confirmed it in time`, {
    hint: "A failover may lose it. Enqueuing it once more does no harm with the same --job-id or " +
      "--unique",
  });
}
