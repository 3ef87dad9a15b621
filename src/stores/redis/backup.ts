// A backup of a queue in Redis. Which jobs it has is of one moment; each is as it was when it was read,
// as in a backup of a folder that is in use.
import { HOOK_QUEUE } from "../../queue/hooks.ts";
import type { Job } from "../../queue/job.ts";
import type { BackupResult } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { mustBeFree } from "../file/backup.ts";
import { type OutputPiece, writeBackup } from "../shared/write_backup.ts";
import { askScript, readJobs } from "./asking.ts";
import type { Redis } from "./connection.ts";
import { RedisLogs } from "./outputs.ts";
import { RedisQueues } from "./queues.ts";
import { allSchedules } from "./schedules.ts";
import { COUNT } from "./script_read.ts";
import { RedisSettings } from "./settings.ts";

/** Jobs, and bytes of output, that are read at once. */
const PAGE = 500;
const PIECE = 256 * 1024;

/**
 * Copies all jobs, their output, the schedules and all settings to a new or empty folder.
 * @throws QueueError `refused` if `target` can't be one
 */
export async function backup(
  redis: Redis,
  target: string,
  files: FileSystem,
  progress: Progress,
): Promise<BackupResult> {
  mustBeFree(target, files);
  await askScript(redis, COUNT, []); // a batch that is published is there
  // Before the jobs: a time that fires meanwhile has fired in neither, or its job is there.
  const schedules = await allSchedules(redis);
  // All at once, so that whatever a job waits for is among them.
  const copied = new Set(await idsIn(redis));
  return await writeBackup(
    {
      count: () => Promise.resolve(copied.size),
      jobs: () => jobsOf(redis, copied),
      outputs: () => outputsOf(redis, copied),
      schedules: () => Promise.resolve(schedules),
      queues: () => new RedisQueues(redis).settings(),
      settings: () => new RedisSettings(redis).setValues(),
    },
    target,
    files,
    progress,
  );
}

async function idsIn(redis: Redis): Promise<string[]> {
  return await redis.read("ZRANGE", "ids", "0", "-1") as string[];
}

/** @param copied the jobs that are meant; others that belong to them are added */
async function* jobsOf(redis: Redis, copied: Set<string>): AsyncIterable<Job> {
  yield* jobsWith(redis, [...copied]);
  // What ended meanwhile has its hook, and a restore enqueues none.
  const since = (await idsIn(redis)).filter((id) => !copied.has(id));
  for await (const job of jobsWith(redis, since)) {
    if (job.queue !== HOOK_QUEUE) continue;
    copied.add(job.id);
    yield job;
  }
}

async function* jobsWith(redis: Redis, ids: readonly string[]): AsyncIterable<Job> {
  for (let at = 0; at < ids.length; at += PAGE) {
    const { jobs } = await readJobs(redis, ids.slice(at, at + PAGE));
    for (const known of jobs) if (known !== undefined) yield known.job; // else removed meanwhile
  }
}

/** Of those jobs that are copied. */
async function* outputsOf(
  redis: Redis,
  copied: ReadonlySet<string>,
): AsyncIterable<OutputPiece> {
  const logs = new RedisLogs(redis);
  for (let last = "";;) {
    const low = last === "" ? "-" : `(${last}`;
    const members = await redis
      .read("ZRANGEBYLEX", "outputs", low, "+", "LIMIT", "0", String(PAGE)) as string[];
    for (const member of members) {
      const [id, attempt] = member.split("/") as [string, string];
      if (copied.has(id)) yield* piecesOf(logs, id, Number(attempt));
    }
    if (members.length < PAGE) return;
    last = members.at(-1)!;
  }
}

async function* piecesOf(logs: RedisLogs, id: string, attempt: number): AsyncIterable<OutputPiece> {
  for (let start = 0;;) {
    const bytes = await logs.read(id, attempt, start, PIECE);
    if (bytes === undefined || bytes.length === 0 && start > 0) return;
    yield { id, attempt, start, bytes };
    start += bytes.length;
    if (bytes.length < PIECE) return;
  }
}
