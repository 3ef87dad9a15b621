// A backup in the form of that of a folder, so that each can be restored into any other store.
import type { Job } from "../../queue/job.ts";
import type { BackupResult } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import type { QueueSettings } from "../../queue/queues.ts";
import type { ScheduleEntry } from "../../queue/schedule.ts";
import { configText, type SetValues } from "../../queue/settings.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { makeTarget, writeManifest } from "../file/backup.ts";
import { makeUnlessThere } from "../file/bucketed_index.ts";
import { encodeJob } from "../file/codec.ts";
import { jobFolder, jobPath, logPath, queuesPath, schedulesFolder } from "../file/layout.ts";
import { queuesText } from "../file/queues_file.ts";
import { scheduleText } from "../file/schedules.ts";
import { configPath } from "../file/settings.ts";

/** A part of what an attempt printed; those of one attempt come in order, from byte 0 on. */
export interface OutputPiece {
  readonly id: string;
  readonly attempt: number;
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** What is kept. */
export interface BackupSource {
  /** How many jobs there are, about. */
  count(): Promise<number>;
  jobs(): AsyncIterable<Job>;
  outputs(): AsyncIterable<OutputPiece>;
  schedules(): Promise<readonly ScheduleEntry[]>;
  queues(): Promise<ReadonlyMap<string, QueueSettings>>;
  settings(): Promise<SetValues>;
}

/** Writes all of it to `target`, which is a new or empty folder. */
export async function writeBackup(
  source: BackupSource,
  target: string,
  files: FileSystem,
  progress: Progress,
): Promise<BackupResult> {
  makeTarget(target, files);
  const writer = new Writer(target, files);
  const total = await source.count();
  for await (const job of source.jobs()) {
    progress(writer.jobs, total);
    makeUnlessThere(files, jobFolder(target, job.id));
    writer.write(jobPath(target, job.id), encodeJob(job));
    writer.jobs++;
  }
  for await (const { id, attempt, start, bytes } of source.outputs()) {
    const path = logPath(target, id, attempt);
    if (start === 0) writer.write(path, "");
    files.append(path, bytes);
    writer.bytes += bytes.length;
  }
  await writeSettings(source, writer);
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

async function writeSettings(source: BackupSource, writer: Writer): Promise<void> {
  const { target, files } = writer;
  const schedules = await source.schedules();
  if (schedules.length > 0) makeUnlessThere(files, schedulesFolder(target));
  for (const entry of schedules) {
    const path = `${schedulesFolder(target)}/${entry.schedule.name}.json`;
    writer.write(path, scheduleText({ ...entry, adding: undefined }));
  }
  const queues = await source.queues();
  if (queues.size > 0) writer.write(queuesPath(target), queuesText(queues));
  const values = await source.settings();
  if (Object.keys(values).length > 0) writer.write(configPath(target), configText(values));
}
