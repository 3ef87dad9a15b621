// A backup in the place of all that is kept, in one transaction: until it commits everybody sees
// what was there before.
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
import type { Database, Sql } from "./connection.ts";
import { insertAll } from "./insert.ts";
import { putSettings, sweepLines } from "./queues.ts";
import { insertSchedules } from "./schedules.ts";
import { wakeOf } from "./channel.ts";

/** Bytes of output that are sent at once, and pieces of so many. */
const PIECE = 64 * 1024;

export interface RestoreParts {
  readonly database: Database;
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
  { database, files, over, isAnybodyThere }: RestoreParts,
  from: string,
  progress: Progress,
): Promise<{ readonly jobs: number; readonly leftOut: readonly LeftOut[] }> {
  if (await isAnybodyThere()) throw workersRun();
  const saved = readBackup(from, files, progress);
  // The connection may have ended while files were read.
  const before = await database.again(() => placesIn(database));
  if (await isAnybodyThere()) throw workersRun();
  await database.transaction(async (sql) => {
    await clear(sql, before, over);
    await putJobs(sql, saved, progress);
    for (const { id, logs } of saved.jobs) {
      for (const log of logs) await putOutput(sql, id, `${from}/jobs/${log}`, files);
    }
    await putRest(sql, saved);
  }, { once: true });
  await sweepLines(database);
  for (const topic of ["jobs", "schedules"]) await wakeOf(database, topic, false).others();
  return { jobs: saved.jobs.length, leftOut: saved.leftOut };
}

/** Removes all that is kept, when nobody works on it. No worker joins until this has ended. */
async function clear(sql: Sql, before: readonly string[], over: boolean): Promise<void> {
  // The first one waits for claims under way, as of a host that has come back at this moment.
  await sql.query("lock table queuectl.queues, queuectl.workers in exclusive mode");
  if (joined(before, await placesIn(sql)).length > 0) throw workersRun();
  const [running] = await sql.query<{ id: string; worker: string }>(
    "select id, worker from queuectl.jobs where state = 'processing' limit 1",
  );
  if (running !== undefined) {
    throw mayStillRun(running.id, running.worker);
  }
  for (const table of TABLES) {
    const [gone] = await sql.query<{ rows: number }>(
      `with gone as (delete from queuectl.${table} returning 1) select count(*) as rows from gone`,
    );
    if (!over && gone!.rows > 0 && KEPT.includes(table)) throw addedMeanwhile();
  }
}

/** The places of workers that are taken, or were. */
async function placesIn(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ place: string }>(
    "select concat(name, ' ', pid, ' ', started_at) as place from queuectl.workers",
  );
  return rows.map(({ place }) => place);
}

function joined(before: readonly string[], now: readonly string[]): string[] {
  return now.filter((place) => !before.includes(place));
}

const TABLES = ["outputs", "dependencies", "jobs", "queues", "begins", "schedules", "settings"];
/** What nobody wants to lose unasked. */
const KEPT = ["jobs", "schedules", "settings"];

async function putJobs(sql: Sql, saved: SavedQueue, progress: Progress): Promise<void> {
  const now = async () =>
    (await sql.query<{ now: number }>("select queuectl.time() as now"))[0]!.now;
  await insertAll(sql, decodedJobs(saved, progress), now, sameKey);
}

async function putOutput(sql: Sql, id: string, path: string, files: FileSystem): Promise<void> {
  const attempt = attemptOf(path);
  for (let start = 0;; start += PIECE) {
    const bytes = files.readBytes(path, start, PIECE);
    if (bytes === undefined || bytes.length === 0 && start > 0) return;
    await sql.query(
      `insert into queuectl.outputs (job_id, attempt, start, data)
      values ($1, $2, $3, decode($4, 'base64'))`,
      [id, attempt, start, bytes.toBase64()],
    );
    if (bytes.length < PIECE) return;
  }
}

async function putRest(sql: Sql, { schedules, queues, config }: SavedQueue): Promise<void> {
  const kept = schedules.map(({ name, text }) => checkSchedule(text, name, name));
  await insertSchedules(sql, kept);
  for (const { adding } of kept) {
    if (adding === undefined) continue;
    const there = await sql.query("select from queuectl.jobs where id = $1", [adding.id]);
    if (there.length === 0) await insertAll(sql, [adding], () => Promise.resolve(0), () => {});
  }
  if (queues !== undefined) await putSettings(sql, parseQueues(queues, "queues.json"));
  if (config !== undefined) {
    await sql.query(
      "insert into queuectl.settings (key, value) select key, value from jsonb_each($1::jsonb)",
      [JSON.stringify(parseConfig(config))],
    );
  }
}
