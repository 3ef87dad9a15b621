// A copy of a queue that is in use. A job's file says all about it, and files are never renamed, so
// the picture is that of each job at one moment: none is missing that was acknowledged before, none
// is there twice. Tickets are not copied: they are made from the jobs when the backup is restored,
// and a job that runs now waits then.
import { QueueError } from "../../queue/errors.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { decode } from "./codec.ts";
import { ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";
import { schedulesFolder } from "./layout.ts";
import { copySchedules } from "./schedules.ts";
import { stagedIds } from "./staging.ts";

/** The file that makes a folder a backup. It is written last, so an interrupted backup has none. */
export const MANIFEST = "backup.json";
/** The version of the backup's form. */
export const BACKUP_SCHEMA = 1;

/** Told how much is done, and of how much. */
export type Progress = (done: number, total: number) => void;

/**
 * Copies all jobs, their logs and the configuration to `target`, a new or empty folder.
 * @returns how much was copied
 * @throws QueueError `refused` if `target` can't be one
 */
export function backup(
  dataDir: string,
  target: string,
  files: FileSystem,
  progress: Progress = () => {},
): { jobs: number; files: number; bytes: number } {
  checkTarget(dataDir, target, files);
  // What is on its way into the queue is not acknowledged yet: it stays out, wholly.
  const before = stagedIds(dataDir, files);
  const folders = new Map<string, string[]>();
  let total = 0;
  for (const folder of ignoreNotFound(() => files.names(`${dataDir}/jobs`)) ?? []) {
    const names = files.names(`${dataDir}/jobs/${folder}`).filter((name) => isOurs(folder, name));
    folders.set(folder, names);
    total += names.length;
  }
  const staged = before.union(stagedIds(dataDir, files));

  makeFolders(files, `${target}/jobs`);
  // Before the jobs: a time whose job is in the backup, but not on record, is not fired again.
  const copied = {
    jobs: 0,
    ...copySchedules(schedulesFolder(dataDir), schedulesFolder(target), files),
  };
  let done = 0;
  for (const [folder, names] of folders) {
    makeUnlessThere(files, `${target}/jobs/${folder}`);
    for (const name of names) {
      progress(done++, total);
      const from = `${dataDir}/jobs/${folder}/${name}`;
      const to = `${target}/jobs/${folder}/${name}`;
      if (name.endsWith(".jsonl")) {
        const id = name.slice(0, -".jsonl".length);
        if (staged.has(id)) continue;
        const text = ignoreNotFound(() => files.readText(from));
        if (text === undefined) continue; // removed meanwhile
        decode(text, id, from);
        // A line that is being written is left out.
        files.create(to, text.slice(0, text.lastIndexOf("\n") + 1));
        copied.jobs++;
      } else if (!staged.has(name.replace(/\.\d+\.log$/, ""))) {
        if (ignoreNotFound(() => (files.copy(from, to), true)) === undefined) continue;
      } else continue;
      copied.files++;
      copied.bytes += files.info(to)?.size ?? 0;
    }
  }
  const config = ignoreNotFound(() => files.readText(`${dataDir}/config.json`));
  if (config !== undefined) {
    files.create(`${target}/config.json`, config);
    copied.files++;
    copied.bytes += config.length;
  }
  files.syncAll(target);
  const manifest = {
    schema: BACKUP_SCHEMA,
    created_at: new Date().toISOString(),
    jobs: copied.jobs,
  };
  files.create(`${target}/${MANIFEST}`, JSON.stringify(manifest) + "\n", { sync: true });
  files.sync(target);
  progress(total, total);
  return copied;
}

function checkTarget(dataDir: string, target: string, files: FileSystem): void {
  const refuse = (why: string) => new QueueError("refused", `Cannot back up to ${target}: ${why}`);
  if (`${target}/`.startsWith(`${dataDir}/`)) throw refuse("it lies in the data folder itself");
  const info = files.info(target);
  if (info === undefined) return;
  if (info.kind !== "folder") throw refuse("it is no folder");
  if (files.names(target).length > 0) throw refuse("it is not empty");
}

function makeFolders(files: FileSystem, path: string): void {
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (parent !== "" && files.info(`${parent}/.`) === undefined) makeFolders(files, parent);
  makeUnlessThere(files, path);
}

/** Whether a file in `jobs/<folder>` is a job's or a log. */
function isOurs(folder: string, name: string): boolean {
  return name.startsWith(folder) && /\.(?:jsonl|\d+\.log)$/.test(name);
}
