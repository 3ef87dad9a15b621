// A backup in the place of a queue. It is checked wholly and copied beside the old queue before
// anything is changed; from the rename that makes the copy valid on, whoever opens the store
// completes what is left to do.
import { QueueError } from "../../queue/errors.ts";
import { isJobId } from "../../queue/job.ts";
import { isSettingKey, SETTING_RULES } from "../../queue/settings.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { BACKUP_SCHEMA, MANIFEST, type Progress } from "./backup.ts";
import { decode } from "./codec.ts";
import { completeRestore, removeTree } from "./complete_restore.ts";
import { type Layout, layOut, note } from "./bulk_index.ts";
import { FOLDERS, jobFolder, RESTORING, schedulesFolder } from "./layout.ts";
import { ignoreNotFound } from "./bucketed_index.ts";
import { makeUnlessThere } from "./bucketed_index.ts";
import { copySchedules } from "./schedules.ts";

/**
 * Replaces the queue by the backup in `from`.
 * @throws QueueError `damaged` if the backup is not whole; `refused` while workers run. Then
 *   nothing was changed.
 */
export function restore(
  dataDir: string,
  from: string,
  files: FileSystem,
  progress: Progress = () => {},
): { jobs: number } {
  refuseWhileWorking(dataDir, files);
  const jobs = checkBackup(from, files, progress);
  for (const folder of FOLDERS) makeUnlessThere(files, `${dataDir}/${folder}`);
  const staged = `${dataDir}/tmp/restore-${crypto.randomUUID()}`;
  try {
    stage(staged, from, jobs, files, progress);
    files.syncAll(dataDir);
    files.rename(staged, `${dataDir}/${RESTORING}`);
  } catch (error) {
    removeTree(files, staged);
    throw error;
  }
  completeRestore(dataDir, files);
  return { jobs: jobs.length };
}

function refuseWhileWorking(dataDir: string, files: FileSystem): void {
  for (const name of ignoreNotFound(() => files.names(`${dataDir}/workers`)) ?? []) {
    if (!name.endsWith(".lock") || name.startsWith("cli-")) continue;
    const lock = files.lock(`${dataDir}/workers/${name}`);
    if (lock === undefined) {
      throw new QueueError("refused", "Cannot restore while workers run; nothing was changed", {
        hint: "Stop them first: queuectl stop",
      });
    }
    lock.release();
  }
}

interface BackedUp {
  readonly id: string;
  readonly text: string;
  readonly logs: readonly string[];
}

/**
 * Reads a backup through, and refuses whatever is not what `backup` writes: links, names that lead
 * elsewhere, strangers.
 */
function checkBackup(from: string, files: FileSystem, progress: Progress): BackedUp[] {
  const refuse = (path: string, why: string) =>
    new QueueError("damaged", `Cannot restore: ${path} ${why}; nothing was changed`);
  const kindOf = (path: string) => files.info(path)?.kind;
  if (kindOf(`${from}/${MANIFEST}`) !== "file") {
    throw new QueueError(
      "damaged",
      `Cannot restore: ${from} is no complete backup (it has no ${MANIFEST})`,
    );
  }
  let manifest: { schema?: unknown; jobs?: unknown };
  try {
    manifest = JSON.parse(files.readText(`${from}/${MANIFEST}`));
  } catch {
    throw refuse(`${from}/${MANIFEST}`, "can't be read");
  }
  if (manifest?.schema !== BACKUP_SCHEMA) {
    throw refuse(`${from}/${MANIFEST}`, "is of a form unknown to this version");
  }
  for (const name of files.names(from)) {
    const wanted = name === "jobs" || name === "schedules"
      ? "folder"
      : name === MANIFEST || name === "config.json"
      ? "file"
      : undefined;
    if (kindOf(`${from}/${name}`) !== wanted) {
      throw refuse(`${from}/${name}`, "does not belong in a backup");
    }
  }
  checkConfig(`${from}/config.json`, files, refuse);

  const jobs: BackedUp[] = [];
  const folders = files.names(`${from}/jobs`);
  for (const [index, folder] of folders.entries()) {
    progress(index, folders.length * 2);
    const path = `${from}/jobs/${folder}`;
    if (kindOf(path) !== "folder") throw refuse(path, "does not belong in a backup");
    const logs = new Map<string, string[]>();
    const ids = new Set<string>();
    for (const name of files.names(path)) {
      if (kindOf(`${path}/${name}`) !== "file") {
        throw refuse(`${path}/${name}`, "does not belong in a backup");
      }
      const log = /^(.+)\.\d+\.log$/.exec(name)?.[1];
      const id = log ?? /^(.+)\.jsonl$/.exec(name)?.[1];
      if (id === undefined || !isJobId(id) || id.slice(0, 2) !== folder) {
        throw refuse(`${path}/${name}`, "does not belong in a backup");
      }
      if (log === undefined) ids.add(id);
      else logs.set(id, [...logs.get(id) ?? [], name]);
    }
    for (const id of ids) {
      const text = files.readText(`${path}/${id}.jsonl`);
      if (decode(text, id, `${path}/${id}.jsonl`).torn) {
        throw refuse(`${path}/${id}.jsonl`, "is damaged");
      }
      jobs.push({ id, text, logs: logs.get(id) ?? [] });
      logs.delete(id);
    }
    for (const [, [name]] of logs) {
      throw refuse(`${path}/${name}`, "is the log of a job that is missing");
    }
  }
  if (manifest.jobs !== jobs.length) {
    throw refuse(from, `should have ${manifest.jobs} jobs and has ${jobs.length}`);
  }
  return jobs;
}

function checkConfig(
  path: string,
  files: FileSystem,
  refuse: (path: string, why: string) => QueueError,
): void {
  const text = ignoreNotFound(() => files.readText(path));
  if (text === undefined) return;
  let values: Record<string, unknown>;
  try {
    values = JSON.parse(text);
  } catch {
    throw refuse(path, "is damaged");
  }
  for (const [key, value] of Object.entries(values ?? {})) {
    if (key === "schema_version") continue;
    if (!isSettingKey(key) || SETTING_RULES[key].parse(String(value)) === undefined) {
      throw refuse(path, `has a wrong value for ${key}`);
    }
  }
}

function stage(
  staged: string,
  from: string,
  jobs: BackedUp[],
  files: FileSystem,
  progress: Progress,
): void {
  files.makeFolder(staged);
  for (const folder of FOLDERS) {
    if (/^(?:jobs|queue)/.test(folder)) files.makeFolder(`${staged}/${folder}`);
  }
  const layout: Layout = new Map();
  const now = Date.now();
  for (const [index, { id, text, logs }] of jobs.entries()) {
    progress(jobs.length + index, jobs.length * 2);
    const folder = jobFolder(staged, id);
    makeUnlessThere(files, folder);
    files.create(`${folder}/${id}.jsonl`, text);
    for (const log of logs) files.copy(`${from}/jobs/${id.slice(0, 2)}/${log}`, `${folder}/${log}`);
    note(layout, decode(text, id, id).job, now);
  }
  layOut(files, staged, layout);
  copySchedules(schedulesFolder(from), schedulesFolder(staged), files);
  const config = ignoreNotFound(() => files.readText(`${from}/config.json`));
  // Without one in the backup an empty one takes its place: the defaults.
  files.create(`${staged}/config.json`, config ?? "{}\n");
}
