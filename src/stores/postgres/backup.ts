// A backup of a database. All of it is of one moment: it comes from one snapshot.
import type { BackupResult } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import type { SetValues } from "../../queue/settings.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { mustBeFree } from "../file/backup.ts";
import { type BackupSource, type OutputPiece, writeBackup } from "../shared/write_backup.ts";
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
  const write = (sql: Sql) => writeBackup(sourceOf(sql), target, files, progress);
  return await database.transaction(write, { once: true, mode: "repeatable read read only" });
}

function sourceOf(sql: Sql): BackupSource {
  return {
    count: async () => {
      const [row] = await sql.query<{ count: number }>("select count(*) from queuectl.jobs");
      return row!.count;
    },
    jobs: () => allJobs(sql),
    outputs: () => allOutputs(sql),
    schedules: () => allSchedules(sql),
    queues: () => settingsOf(sql),
    settings: async () => {
      const rows = await sql.query<{ key: string; value: unknown }>(
        "select key, value from queuectl.settings",
      );
      return Object.fromEntries(rows.map(({ key, value }) => [key, value])) as SetValues;
    },
  };
}

interface Piece {
  readonly job_id: string;
  readonly attempt: number;
  readonly start: number;
  readonly data: string;
}

/** Pieces that are read at once. */
const PIECES = 64;

async function* allOutputs(sql: Sql): AsyncIterable<OutputPiece> {
  let last: Pick<Piece, "job_id" | "attempt" | "start"> = { job_id: "", attempt: 0, start: 0 };
  for (;;) {
    const pieces = await sql.query<Piece>(
      `select job_id, attempt, start, encode(data, 'base64') as data from queuectl.outputs
      where (job_id, attempt, start) > ($1, $2, $3) order by job_id, attempt, start limit $4`,
      [last.job_id, last.attempt, last.start, PIECES],
    );
    for (const { job_id: id, attempt, start, data } of pieces) {
      yield { id, attempt, start, bytes: Uint8Array.fromBase64(data) };
    }
    if (pieces.length < PIECES) return;
    last = pieces.at(-1)!;
  }
}
