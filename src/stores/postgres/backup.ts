// A backup in the form of that of a folder, so that each can be restored into the other. All of it
// is of one moment: it comes from one snapshot of the database.
import type { BackupResult } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import { configText, type SetValues } from "../../queue/settings.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { makeFolders, mustBeFree, writeManifest } from "../file/backup.ts";
import { encodeJob } from "../file/codec.ts";
import { jobFolder, jobPath, logPath, queuesPath, schedulesFolder } from "../file/layout.ts";
import { queuesText } from "../file/queues_file.ts";
import { scheduleText } from "../file/schedules.ts";
import { configPath } from "../file/settings.ts";
import type { Database, Sql } from "./connection.ts";
import { settingsOf } from "./queues.ts";
import { allJobs } from "./reader.ts";
import { allSchedules } from "./schedules.ts";

/**
 * Copies all jobs, their output, the schedules and all settings to a new or empty folder.
 * @throws QueueError `refused` if `target` can't be one
 */
export async function backup(
  database: Database,
  target: string,
  files: FileSystem,
  progress: Progress,
): Promise<BackupResult> {
  mustBeFree(target, files);
  makeFolders(files, `${target}/jobs`);
  const writer = new Writer(target, files);
  await database.transaction(async (sql) => {
    await sql.query("set transaction isolation level repeatable read read only");
    const [row] = await sql.query<{ count: number }>("select count(*) from queuectl.jobs");
    for await (const job of allJobs(sql)) {
      progress(writer.jobs, row!.count);
      makeFolders(files, jobFolder(target, job.id));
      writer.write(jobPath(target, job.id), encodeJob(job));
      writer.jobs++;
    }
    await copyOutputs(sql, writer);
    await copySettings(sql, writer);
  }, { once: true });
  writeManifest(target, writer.jobs, files);
  progress(writer.jobs, writer.jobs);
  const { jobs, count, bytes } = writer;
  return { jobs, files: count, bytes, leftOut: [] };
}

class Writer {
  jobs = 0;
  count = 0;
  bytes = 0;

  constructor(readonly target: string, readonly files: FileSystem) {}

  write(path: string, text: string): void {
    this.files.create(path, text);
    this.count++;
    this.bytes += this.files.info(path)?.size ?? 0;
  }
}

interface Piece {
  readonly job_id: string;
  readonly attempt: number;
  readonly start: number;
  readonly data: string;
}

/** Pieces that are read at once. */
const PIECES = 64;

async function copyOutputs(sql: Sql, writer: Writer): Promise<void> {
  const { target, files } = writer;
  let last: Pick<Piece, "job_id" | "attempt" | "start"> = { job_id: "", attempt: 0, start: 0 };
  for (;;) {
    const pieces = await sql.query<Piece>(
      `select job_id, attempt, start, encode(data, 'base64') as data from queuectl.outputs
      where (job_id, attempt, start) > ($1, $2, $3) order by job_id, attempt, start limit $4`,
      [last.job_id, last.attempt, last.start, PIECES],
    );
    for (const piece of pieces) {
      const path = logPath(target, piece.job_id, piece.attempt);
      if (piece.start === 0) writer.write(path, "");
      const bytes = Uint8Array.fromBase64(piece.data);
      files.append(path, bytes);
      writer.bytes += bytes.length;
    }
    if (pieces.length < PIECES) return;
    last = pieces.at(-1)!;
  }
}

async function copySettings(sql: Sql, writer: Writer): Promise<void> {
  const { target, files } = writer;
  const schedules = await allSchedules(sql);
  if (schedules.length > 0) makeFolders(files, schedulesFolder(target));
  for (const entry of schedules) {
    const path = `${schedulesFolder(target)}/${entry.schedule.name}.json`;
    writer.write(path, scheduleText({ ...entry, adding: undefined }));
  }
  const queues = await settingsOf(sql);
  if (queues.size > 0) writer.write(queuesPath(target), queuesText(queues));
  const rows = await sql.query<{ key: string; value: unknown }>(
    "select key, value from queuectl.settings",
  );
  const values = Object.fromEntries(rows.map(({ key, value }) => [key, value])) as SetValues;
  if (rows.length > 0) writer.write(configPath(target), configText(values));
}
