// What others have left undone, or left to whoever comes next: jobs that are to be told of an end, and
// jobs that have not begun in time. Each portion is one step, which fails if somebody was quicker.
import { type Fate, isFinal, settled } from "../../queue/dependencies.ts";
import { hasEnded, isWaiting } from "../../queue/job.ts";
import { expired, hasExpired } from "../../queue/start_by.ts";
import { isUnavailable, QueueError } from "../../queue/errors.ts";
import { readJobs } from "./asking.ts";
import { Commit, isFailed } from "./commit.ts";
import type { Redis } from "./connection.ts";
import { decode } from "./record.ts";
import { TO_TELL } from "./script_read.ts";

/** Jobs that are changed in one step: the server does nothing else meanwhile. */
const PORTION = 200;

export class Undone {
  readonly #redis: Redis;
  readonly #now: (() => number) | undefined;

  /** @param now the time of the store, in place of that of the server */
  constructor(redis: Redis, now?: () => number) {
    this.#redis = redis;
    this.#now = now;
  }

  /** Tells all who have not been told of an end. @returns whether there were any */
  async tellAll(): Promise<boolean> {
    for (let any = false;; any = true) {
      const owed = await this.#redis.read("HGETALL", "owes") as Record<string, Fate>;
      if (Object.keys(owed).length === 0) return any;
      for (const [id, fate] of Object.entries(owed)) await this.tell(id, fate);
    }
  }

  /**
   * As `tellAll`, after a change that is made already: where the server can't be reached any more, others
   * do it, and the change is still made.
   */
  async tellAllOrLeave(): Promise<void> {
    await this.tellAll().catch((error) => {
      if (!isUnavailable(error)) throw error;
    });
  }

  /** Tells all who wait for this one. */
  async tell(id: string, fate: Fate): Promise<void> {
    while (await this.#tellSome(id, fate));
  }

  /** @returns whether there may be more */
  async #tellSome(id: string, fate: Fate): Promise<boolean> {
    const [serverTime, members, records] = await this.#redis.again(() =>
      this.#redis.run(TO_TELL, [id, fate, String(PORTION)])
    ) as [number, string[], string[]];
    const now = this.#now?.() ?? serverTime;
    const commit = new Commit().same("owes", id, fate);
    let isFreed = false;
    for (const [i, member] of members.entries()) {
      commit.step("-", "waits", member);
      if (records[i] === "") continue;
      const stored = decode(records[i]!);
      const after = settled(stored.job, id, fate, now);
      if (after === stored.job) continue;
      commit.same("jobs", after.id, stored.record).replace(stored, after);
      isFreed ||= isWaiting(after.status);
    }
    commit.step("told", id, fate);
    if (isFreed) commit.say("jobs");
    const result = await commit.run(this.#redis);
    // Where somebody else has told them all, nothing is owed any more.
    if (isFailed(result)) return result.key !== "owes";
    return members.length === PORTION;
  }

  /** Calls off all jobs that have not begun in time. Those that wait for them are to be told. */
  async callOffExpired(): Promise<void> {
    const tried = new Set<string>();
    for (;;) {
      const until = this.#now?.() ?? (await readJobs(this.#redis, ["-"])).now;
      const ids = await this.#redis.read(
        "ZRANGEBYSCORE",
        "expiring",
        "-inf",
        `(${until}`,
        "LIMIT",
        "0",
        String(PORTION),
      ) as string[];
      if (ids.every((id) => tried.has(id))) return;
      for (const id of ids) tried.add(id);
      await this.callOff(ids);
    }
  }

  /** Who has a unique key; one that has not begun in time is called off. */
  async holderOf(key: string): Promise<string | undefined> {
    for (;;) {
      const id = await this.#redis.read("HGET", "keys", key) as string | null;
      if (id === null) return undefined;
      const { now, jobs: [holder] } = await readJobs(this.#redis, [id]);
      if (holder === undefined || !hasExpired(holder.job, this.#now?.() ?? now)) return id;
      await this.callOff([id]);
      await this.tellAll();
    }
  }

  /** Calls off those of these jobs that have not begun in time. @returns whether there were any */
  async callOff(ids: readonly string[]): Promise<boolean> {
    if (ids.length === 0) return false;
    for (;;) {
      const known = await readJobs(this.#redis, ids);
      const now = this.#now?.() ?? known.now;
      const commit = new Commit();
      for (const one of known.jobs) {
        if (one === undefined || !hasExpired(one.job, now)) continue;
        const after = expired(one.job, now);
        if (after instanceof QueueError || !hasEnded(after)) continue;
        commit.sameJob(one).replace(one, after);
      }
      if (commit.steps.length === 0) return false;
      if (!isFailed(await commit.run(this.#redis))) return true;
    }
  }
}

/** What is owed of a job, as a fate. */
export function fateOwed(text: string | undefined): Fate | undefined {
  const fate = text as Fate | undefined;
  return fate !== undefined && isFinal(fate) ? fate : undefined;
}
