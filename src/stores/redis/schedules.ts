// Schedules as texts of a hash. A firing is one step: the new state and its job, or neither.
import { QueueError } from "../../queue/errors.ts";
import type { Job } from "../../queue/job.ts";
import { keyTaken, type ScheduleEntry } from "../../queue/schedule.ts";
import { decideOn, noSchedule } from "../../queue/schedule_firing.ts";
import { scheduleStateToJson, scheduleToJson } from "../../queue/schedule_json.ts";
import type { Decide, ScheduleStore } from "../../queue/schedule_store.ts";
import {
  entryFrom,
  type FiringParts,
  readable,
  ServerScheduleWatch,
} from "../shared/server_schedules.ts";
import { readJobs } from "./asking.ts";
import { wakeOf } from "./channel.ts";
import { Commit, isFailed } from "./commit.ts";
import type { Redis } from "./connection.ts";
import { batchOver } from "./new_jobs.ts";
import { fateOwed, Undone } from "./undone.ts";

export class RedisSchedules implements ScheduleStore {
  readonly #redis: Redis;
  readonly #firing: FiringParts | undefined;

  /** @param firing without it nothing can be fired */
  constructor(redis: Redis, firing?: FiringParts) {
    this.#redis = redis;
    this.#firing = firing;
  }

  async get(name: string): Promise<ScheduleEntry | undefined> {
    const text = await this.#text(name);
    return text === undefined ? undefined : decoded(name, text);
  }

  async list(): Promise<ScheduleEntry[]> {
    const texts = await this.#redis.read("HGETALL", "schedules") as Record<string, string>;
    const decode = (name: string) => decoded(name, texts[name]!);
    return readable(Object.keys(texts).sort(), decode, this.#firing?.warn);
  }

  async put(
    name: string,
    make: (before: ScheduleEntry | undefined) => ScheduleEntry | QueueError,
  ): Promise<ScheduleEntry> {
    for (;;) {
      const text = await this.#text(name);
      const entry = make(text === undefined ? undefined : decoded(name, text));
      if (entry instanceof QueueError) throw entry;
      const commit = new Commit();
      if (text === undefined) commit.absent("schedules", name);
      else commit.same("schedules", name, text);
      commit.set("schedules", name, encodeEntry(entry)).step("count", "schedules")
        .say("schedules");
      if (!isFailed(await commit.run(this.#redis))) return entry;
    }
  }

  async remove(name: string): Promise<void> {
    for (;;) {
      const text = await this.#text(name);
      if (text === undefined) throw noSchedule(name);
      const commit = new Commit().same("schedules", name, text).unset("schedules", name)
        .step("count", "schedules").say("schedules");
      if (!isFailed(await commit.run(this.#redis))) return;
    }
  }

  async fire(name: string, decide: Decide): Promise<ScheduleEntry | undefined> {
    return await this.#redis.replicas.confirmed(() => this.#fire(name, decide));
  }

  async #fire(name: string, decide: Decide): Promise<ScheduleEntry | undefined> {
    const { jobs } = this.#firing!;
    const text = await this.#text(name);
    if (text === undefined) return undefined;
    const entry = decoded(name, text);
    const firing = await decideOn(entry, jobs, decide);
    if (firing === undefined) return undefined;
    for (;;) {
      const commit = new Commit().same("schedules", name, text);
      const holder = firing.job && await this.#enqueue(commit, firing.job);
      const state = holder === undefined ? firing.state : keyTaken(firing.state, holder);
      const after = { schedule: entry.schedule, state };
      const result = await commit.set("schedules", name, encodeEntry(after)).run(this.#redis);
      if (!isFailed(result)) return after;
      // Whoever has changed it meanwhile has the last word.
      if (result.key === "schedules") return undefined;
      if (result.key.startsWith("staged")) await batchOver(this.#redis);
    }
  }

  /** The job, as a part of the firing, unless it is there. @returns who has its key instead */
  async #enqueue(commit: Commit, job: Job): Promise<string | undefined> {
    const { jobs: [there] } = await readJobs(this.#redis, [job.id]);
    if (there !== undefined) return undefined;
    const owed = fateOwed(
      await this.#redis.read("HGET", "owes", job.id) as string | null ?? undefined,
    );
    const undone = new Undone(this.#redis);
    if (owed !== undefined) await undone.tell(job.id, owed);
    commit.absent("jobs", job.id).absent("staged", job.id).absent("owes", job.id);
    if (job.unique !== null) {
      const holder = await undone.holderOf(job.unique);
      if (holder !== undefined) return holder;
      commit.absent("keys", job.unique).absent("staged_keys", job.unique);
    }
    commit.put(job).say("jobs");
    return undefined;
  }

  async #text(name: string): Promise<string | undefined> {
    return await this.#redis.read("HGET", "schedules", name) as string | null ?? undefined;
  }
}

/** Watches for changes of schedules. */
export function scheduleWatch(redis: Redis): ServerScheduleWatch {
  return new ServerScheduleWatch(wakeOf(redis, "schedules"), async () => {
    const [version, isThere] = await Promise.all([
      redis.read("HGET", "versions", "schedules"),
      redis.read("EXISTS", "schedules"),
    ]);
    return isThere === 1 ? String(version) : undefined;
  });
}

export function encodeEntry({ schedule, state }: ScheduleEntry): string {
  return JSON.stringify({ ...scheduleToJson(schedule), ...scheduleStateToJson(state) });
}

/** @throws QueueError `damaged` */
function decoded(name: string, text: string): ScheduleEntry {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Not even JSON.
  }
  return entryFrom(name, json, "record");
}

/** All schedules, for a backup. @throws QueueError `damaged` */
export async function allSchedules(redis: Redis): Promise<ScheduleEntry[]> {
  const texts = await redis.read("HGETALL", "schedules") as Record<string, string>;
  return Object.entries(texts).map(([name, text]) => decoded(name, text));
}
