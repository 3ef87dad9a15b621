// New jobs: a few in one step; of many see batch.ts.
import { idIsTaken } from "../../queue/errors.ts";
import { hasEnded, type Job } from "../../queue/job.ts";
import { delay } from "../../system/delay.ts";
import { moveAll, readJobs } from "./asking.ts";
import { Commit, type Failed, isFailed } from "./commit.ts";
import type { Redis } from "./connection.ts";
import { hasExpired } from "../../queue/start_by.ts";
import { fateOwed, type Undone } from "./undone.ts";

/** Jobs that are added in one step: the server does nothing else meanwhile. */
export const PORTION = 250;

/** Milliseconds between looks whether a batch of somebody else is over. */
const LOOK = 50;
/**
 * After this time without progress a batch is taken for left behind, and after the shorter one if the
 * connection is gone by which it was begun. In milliseconds.
 */
const STALE = 30_000;
const STALE_WITHOUT_CONNECTION = 2_000;

/** Told of a job that is left out, and of the one that has its key. */
export type Left = (job: Job, holder: string) => void;

export interface NewJobsParts {
  readonly redis: Redis;
  readonly undone: Undone;
  /** The time of the store, in place of that of the server. */
  readonly now?: (() => number) | undefined;
}

/** What a step adds: what it checks beside the jobs, and where it puts them. */
export type Place = (jobs: readonly Job[], commit: Commit) => void;

/**
 * Adds a portion of jobs but those whose key is taken. @returns how many
 * @param place how; if left out, they are there at once
 * @throws QueueError `duplicate_id`; `Gone` if a check of `place` fails
 */
export async function addPortion(
  parts: NewJobsParts,
  jobs: readonly Job[],
  left: Left,
  place?: Place,
): Promise<number> {
  const { redis, undone } = parts;
  let isOwed = false;
  for (;;) {
    const { wanted, out, expired } = await sorted(parts, jobs, place !== undefined);
    if (await undone.callOff(expired)) {
      isOwed = true;
      continue;
    }
    mustDiffer(wanted);
    const commit = new Commit();
    for (const job of wanted) {
      const { id } = job;
      commit.absent("jobs", id).absent("staged", id).absent("owes", id);
      const key = heldKey(job);
      if (key !== null) commit.absent("keys", key).absent("staged_keys", key);
    }
    if (place !== undefined) place(wanted, commit);
    else {
      for (const job of wanted) commit.put(job);
      commit.say("jobs");
    }
    const result = wanted.length === 0 && place === undefined
      ? { owes: false }
      : await commit.run(redis);
    if (!isFailed(result)) {
      for (const [job, holder] of out) left(job, holder);
      if (isOwed || result.owes) await undone.tellAllOrLeave();
      return wanted.length;
    }
    await comeAgain(parts, result, place !== undefined);
  }
}

/** Somebody else has taken the place of a batch that came no further. */
export class Gone extends Error {}

/** What has to be before the next try. @throws QueueError `duplicate_id` */
async function comeAgain(
  { redis, undone }: NewJobsParts,
  { key, field, there }: Failed,
  isOfBatch: boolean,
): Promise<void> {
  switch (key) {
    case "jobs":
      throw idIsTaken(field);
    case "owes": {
      const fate = fateOwed(there);
      if (fate !== undefined) await undone.tell(field, fate);
      return;
    }
    case "batch":
      throw new Gone("the batch is gone");
    case "staged":
    case "staged_keys":
      if (isOfBatch && key === "staged") throw idIsTaken(field);
      await batchOver(redis);
  }
}

/** Waits until no batch of somebody else is under way, for a moment. One that is left behind is dropped. */
export async function batchOver(redis: Redis): Promise<void> {
  const fields = ["state", "owner", "at", "client"];
  const [state, owner, at, client] = await redis.read("HMGET", "batch", ...fields) as (
    | string
    | null
  )[];
  if (state === "published") return await moveAll(redis);
  if (state === null || state === undefined) return;
  const { now } = await readJobs(redis, ["-"]);
  const isThere = client === null || client === undefined || await isConnected(redis, client);
  const stale = isThere ? STALE : STALE_WITHOUT_CONNECTION;
  if (now - Number(at) < stale) return await delay(LOOK);
  await dropBatch(redis, owner!, at!);
}

/** By which the server knows the connection that begins a batch. */
export async function clientIdOf(redis: Redis): Promise<string> {
  return String(await redis.again(() => redis.askPlain("CLIENT", "ID")));
}

/** Whether that connection is there still. */
async function isConnected(redis: Redis, clientId: string): Promise<boolean> {
  return await redis.again(() => redis.askPlain("CLIENT", "LIST", "ID", clientId)) !== "";
}

/** Removes a batch that is not published. @param at when it came further for the last time */
export async function dropBatch(redis: Redis, owner: string, at?: string): Promise<void> {
  const commit = new Commit().same("batch", "owner", owner).same("batch", "state", "staging");
  if (at !== undefined) commit.same("batch", "at", at);
  for (const key of ["staged", "staged_keys", "pile", "batch"]) commit.step("drop", key);
  await commit.run(redis);
}

interface Sorted {
  readonly wanted: readonly Job[];
  /** Those whose key another job has. */
  readonly out: readonly [Job, string][];
  /** The ids of those that have a key, and have not begun in time. */
  readonly expired: readonly string[];
}

/** Which jobs come, by their keys. @param isOfBatch whether keys of the batch count as theirs */
async function sorted(
  { redis, now }: NewJobsParts,
  jobs: readonly Job[],
  isOfBatch: boolean,
): Promise<Sorted> {
  const keys = [...new Set(jobs.flatMap((job) => heldKey(job) ?? []))];
  if (keys.length === 0) return { wanted: jobs, out: [], expired: [] };
  const holders = new Map<string, string>();
  for (const name of isOfBatch ? ["keys", "staged_keys"] : ["keys"]) {
    const found = await redis.read("HMGET", name, ...keys) as (string | null)[];
    for (const [i, id] of found.entries()) if (id !== null) holders.set(keys[i]!, id);
  }
  const expired: string[] = [];
  if (holders.size > 0) {
    const known = await readJobs(redis, [...holders.values()]);
    for (const one of known.jobs) {
      if (one && hasExpired(one.job, now?.() ?? known.now)) expired.push(one.job.id);
    }
  }
  const wanted: Job[] = [];
  const out: [Job, string][] = [];
  for (const job of jobs) {
    const key = heldKey(job);
    const holder = key === null ? undefined : holders.get(key);
    if (holder !== undefined) {
      out.push([job, holder]);
      continue;
    }
    wanted.push(job);
    if (key !== null) holders.set(key, job.id);
  }
  return { wanted, out, expired };
}

/** The key that others may not have. A restore brings jobs that have ended, which hold none. */
export function heldKey(job: Job): string | null {
  return hasEnded(job) ? null : job.unique;
}

function mustDiffer(jobs: readonly Job[]): void {
  const ids = new Set<string>();
  for (const { id } of jobs) {
    if (ids.has(id)) throw idIsTaken(id);
    ids.add(id);
  }
}
