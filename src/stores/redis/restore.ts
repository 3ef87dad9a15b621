// A backup in the place of all that is kept. It is built beside that, under keys of its own; one short
// step puts it in its place, and until then everybody sees what was there before.
import { QueueError } from "../../queue/errors.ts";
import type { LeftOut } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import { parseConfig } from "../../queue/settings.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { parseQueues } from "../file/queues_file.ts";
import { readBackup, type SavedQueue } from "../file/read_backup.ts";
import { checkSchedule } from "../file/schedules.ts";
import {
  addedMeanwhile,
  attemptOf,
  decodedJobs,
  mayStillRun,
  sameKey,
  workersRun,
} from "../shared/restoring.ts";
import { moveAll } from "./asking.ts";
import { addAll } from "./batch.ts";
import { Commit } from "./commit.ts";
import { Redis, type RedisOptions } from "./connection.ts";
import { REPLACED } from "./keys.ts";
import { generationOf, outputKey } from "./outputs.ts";
import { putQueue } from "./queues.ts";
import { removeAll } from "./scanning.ts";
import { encodeEntry } from "./schedules.ts";
import { REPLACE } from "./script_rest.ts";
import { putSettings } from "./settings.ts";
import { Undone } from "./undone.ts";

/** Bytes of output that are sent at once. */
const PIECE = 256 * 1024;

export interface RestoreParts {
  readonly redis: Redis;
  readonly options: RedisOptions;
  readonly files: FileSystem;
  /** See `RestoreOptions`. */
  readonly over: boolean;
  /** Whether a worker or supervisor lives, on any host. */
  readonly isAnybodyThere: () => Promise<boolean>;
}

/**
 * Replaces the queue by the backup in `from`.
 * @throws QueueError `damaged` if the backup is not whole; `refused` while workers or jobs run, or
 *   something is there that may not be replaced. Then nothing was changed.
 */
export async function restore(
  { redis, options, files, over, isAnybodyThere }: RestoreParts,
  from: string,
  progress: Progress,
): Promise<{ readonly jobs: number; readonly leftOut: readonly LeftOut[] }> {
  if (await isAnybodyThere()) throw workersRun();
  const saved = readBackup(from, files, progress);
  const before = await placesIn(redis);
  if (await isAnybodyThere()) throw workersRun();
  const generation = crypto.randomUUID();
  const name = `restore-${generation}:`;
  const built = new Redis({ ...options, within: name });
  const old = await generationOf(redis);
  try {
    await built.ask("HSET", "versions", "building", "1");
    await putJobs(built, saved, progress);
    await putRest(built, saved);
    const bytes = await putOutputs({ redis, built, files }, generation, saved, from);
    const args = [name, generation, String(bytes), over ? "1" : "0", String(before.length)];
    await replace(redis, [...args, ...before, ...REPLACED]);
    await removeAll(redis, `out:${old}:`).catch(() => {});
  } catch (error) {
    await removeAll(redis, `out:${generation}:`).catch(() => {});
    throw error;
  } finally {
    await removeAll(redis, name).catch(() => {});
    await built.close();
  }
  return { jobs: saved.jobs.length, leftOut: saved.leftOut };
}

/** A batch that is on its way to its place is moved there first: it is part of what is replaced. */
async function replace(redis: Redis, args: readonly string[]): Promise<void> {
  for (;;) {
    const reply = await redis.run(REPLACE, args);
    if (reply !== "batch") return mustBeDone(reply as string[]);
    await moveAll(redis);
  }
}

/** The places of workers that are taken, or were. */
async function placesIn(redis: Redis): Promise<string[]> {
  const [places, workers] = await Promise.all([
    redis.read("HGETALL", "places"),
    redis.read("HGETALL", "workers"),
  ]) as Record<string, string>[];
  return Object.entries(places!).map(([name, host]) => `${name} ${host} ${workers![name] ?? ""}`);
}

function mustBeDone([result, id, claim]: string[]): void {
  if (result === "done") return;
  if (result === "joined") throw workersRun();
  if (result === "there") throw addedMeanwhile();
  if (result === "gone") {
    throw new QueueError(
      "refused",
      "Cannot restore: it stood still for so long that storage check --repair has removed what was " +
        "built; nothing was changed",
    );
  }
  throw mayStillRun(id!, claim!.split(" ")[2]!);
}

async function putJobs(built: Redis, saved: SavedQueue, progress: Progress): Promise<void> {
  await addAll({ redis: built, undone: new Undone(built) }, decodedJobs(saved, progress), sameKey);
}

/** @returns how many bytes there are */
async function putOutputs(
  { redis, built, files }: { redis: Redis; built: Redis; files: FileSystem },
  generation: string,
  { jobs }: SavedQueue,
  from: string,
): Promise<number> {
  let all = 0;
  for (const { id, logs } of jobs) {
    for (const log of logs) {
      const attempt = attemptOf(log);
      const key = outputKey(generation, id, attempt);
      await built.ask("ZADD", "outputs", "0", `${id}/${attempt}`);
      await redis.ask("SETRANGE", key, "0", new Uint8Array(1));
      for (let start = 0;;) {
        const bytes = files.readBytes(`${from}/jobs/${log}`, start, PIECE);
        if (bytes === undefined || bytes.length === 0) break;
        await redis.ask("SETRANGE", key, String(start + 1), bytes);
        start += bytes.length;
        all += bytes.length;
      }
    }
  }
  return all;
}

async function putRest(built: Redis, { schedules, queues, config }: SavedQueue): Promise<void> {
  const kept = schedules.map(({ name, text }) => checkSchedule(text, name, name));
  const commit = new Commit();
  for (const { schedule, state } of kept) {
    commit.set("schedules", schedule.name, encodeEntry({ schedule, state }));
  }
  for (const [name, settings] of queues === undefined ? [] : parseQueues(queues, "queues.json")) {
    putQueue(commit, name, settings);
  }
  if (config !== undefined) putSettings(commit, parseConfig(config));
  await commit.run(built);
  for (const { adding } of kept) {
    if (adding === undefined || await built.read("HEXISTS", "jobs", adding.id) === 1) continue;
    await addAll({ redis: built, undone: new Undone(built) }, [adding], () => {});
  }
}
