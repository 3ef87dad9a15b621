// Copies a queue that is in use. A job's file has all its data and is never renamed, so each job is
// copied as it is at one moment: no job that was acknowledged before is missing, and none is there
// twice. Tickets are not copied but made from the jobs at a restore, and a job that runs now will
// wait then. Everything that is written here can be restored.
import { messageOf, QueueError } from "../../queue/errors.ts";
import type { BackupResult, LeftOut } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import { parseConfig } from "../../queue/settings.ts";
import { type FileSystem, makeFolders } from "../../system/file_system.ts";
import { ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";
import { decode, goodLines } from "./codec.ts";
import { kindName } from "./findings.ts";
import { parseJobFile, schedulesFolder } from "./layout.ts";
import { unlessRestored } from "./maintenance.ts";
import { parseQueues } from "./queues_file.ts";
import { checkSchedule, scheduleNames } from "./schedules.ts";
import { lookAtStaged, stagedIds } from "./staging.ts";

/** The file that marks a folder as a complete backup. It is written last. */
export const MANIFEST = "backup.json";
/** The version of the backup's format. */
export const BACKUP_SCHEMA = 1;

/**
 * Copies all jobs, their logs, the schedules and all settings to `target`, a new or empty folder.
 *
 * @returns how much was copied
 *
 * @throws QueueError `refused` if `target` can't be used
 */
export function backup(
  dataDir: string,
  target: string,
  files: FileSystem,
  progress: Progress = () => {},
): BackupResult {
  checkTarget(dataDir, target, files);
  return new Backup(dataDir, target, files).run(progress);
}

/** The names in one of the job folders. */
interface Folder {
  readonly name: string;
  readonly ids: readonly string[];
  readonly logs: ReadonlyMap<string, readonly string[]>;
}

class Backup {
  readonly #dataDir: string;
  readonly #target: string;
  readonly #files: FileSystem;
  readonly #leftOut: LeftOut[] = [];
  /** The ids of jobs that were added by the ends of copied jobs. */
  readonly #added = new Set<string>();
  readonly #copied = { jobs: 0, files: 0, bytes: 0 };

  constructor(dataDir: string, target: string, files: FileSystem) {
    this.#dataDir = dataDir;
    this.#target = target;
    this.#files = files;
  }

  run(progress: Progress): BackupResult {
    const total = unlessRestored(this.#dataDir, this.#files, () => this.#copyAll(progress));
    this.#writeManifest();
    progress(total, total);
    return { ...this.#copied, leftOut: this.#leftOut };
  }

  /**
   * Copies everything.
   * @returns how many jobs were found
   */
  #copyAll(progress: Progress): number {
    makeTarget(this.#target, this.#files);
    // Schedules are copied before the jobs are listed, so that the job of each time that is
    // recorded as fired is in the backup. The opposite does no harm, since an id is used only once.
    this.#copySchedules();
    // Jobs that are still being enqueued are left out, except complete batches, which may have been
    // acknowledged.
    const before = lookAtStaged(this.#dataDir, this.#files);
    const folders = this.#folders();
    const after = stagedIds(this.#dataDir, this.#files).difference(before.committed);
    const staged = before.uncommitted.union(after);

    const total = folders.reduce((sum, { ids }) => sum + ids.length, 0);
    let done = 0;
    for (const folder of folders) {
      makeUnlessThere(this.#files, `${this.#target}/jobs/${folder.name}`);
      for (const id of folder.ids) {
        progress(done++, total);
        if (!staged.has(id)) this.#copyJob(folder, id);
      }
    }
    for (const id of this.#added) this.#copyAdded(id);
    this.#copySettings("config.json", parseConfig);
    this.#copySettings("queues.json", parseQueues);
    return total;
  }

  #copySchedules(): void {
    const from = schedulesFolder(this.#dataDir);
    const to = schedulesFolder(this.#target);
    const kind = this.#files.info(from)?.kind;
    if (kind === undefined) return;
    if (kind !== "folder") {
      this.#leftOut.push({ path: from, why: `is ${kindName(kind)}` });
      return;
    }
    makeUnlessThere(this.#files, to);
    for (const name of scheduleNames(this.#dataDir, this.#files)) {
      const path = `${from}/${name}.json`;
      const text = this.#read(path);
      if (text === undefined) continue;
      try {
        checkSchedule(text, name, path);
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        this.#leftOut.push({ path, why: "is damaged" });
        continue;
      }
      this.#files.create(`${to}/${name}.json`, text);
      this.#count(`${to}/${name}.json`);
    }
  }

  #folders(): Folder[] {
    const jobs = `${this.#dataDir}/jobs`;
    const folders: Folder[] = [];
    for (const name of ignoreNotFound(() => this.#files.names(jobs)) ?? []) {
      if (this.#files.info(`${jobs}/${name}`)?.kind !== "folder") continue;
      const names = this.#files.names(`${jobs}/${name}`);
      const { ids, logs } = jobNames(name, names);
      if (ids.length > 0) folders.push({ name, ids, logs });
    }
    return folders;
  }

  /** Copies a job with its logs, unless it was removed meanwhile. */
  #copyJob({ name, logs }: Folder, id: string): void {
    const path = `${this.#dataDir}/jobs/${name}/${id}.jsonl`;
    const text = this.#read(path);
    if (text === undefined) return;
    let lines: string;
    try {
      lines = goodLines(text, id, path); // without a line that is torn or being written
      const adds = lines.includes('"adds":') ? decode(lines, id, path).adds : undefined;
      if (adds !== undefined) this.#added.add(adds.id);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      this.#leftOut.push({ path, why: "is damaged" });
      return;
    }
    this.#files.create(`${this.#target}/jobs/${name}/${id}.jsonl`, lines);
    this.#count(`${this.#target}/jobs/${name}/${id}.jsonl`);
    this.#copied.jobs++;
    for (const log of logs.get(id) ?? []) this.#copyLog(name, log);
  }

  /**
   * Copies a job that was added by the end of another one since the jobs were listed, since that
   * end was copied too.
   */
  #copyAdded(id: string): void {
    const name = id.slice(0, 2);
    const folder = `${this.#target}/jobs/${name}`;
    if (this.#files.info(`${folder}/${id}.jsonl`) !== undefined) return;
    const names = ignoreNotFound(() => this.#files.names(`${this.#dataDir}/jobs/${name}`)) ?? [];
    if (!names.includes(`${id}.jsonl`)) return; // it was removed
    makeUnlessThere(this.#files, folder);
    this.#copyJob({ name, ...jobNames(name, names) }, id);
  }

  #copyLog(folder: string, name: string): void {
    const from = `${this.#dataDir}/jobs/${folder}/${name}`;
    const to = `${this.#target}/jobs/${folder}/${name}`;
    if (!this.#isFile(from)) return;
    try {
      this.#files.copy(from, to);
    } catch (error) {
      const isGone = error instanceof Deno.errors.NotFound;
      if (!isGone && !(error instanceof Deno.errors.PermissionDenied)) throw error;
      ignoreNotFound(() => this.#files.remove(to)); // it was made before `from` was opened
      if (!isGone) this.#leftOut.push({ path: from, why: "can't be read" });
      return;
    }
    this.#count(to);
  }

  /** Copies a file of settings, if it is valid. */
  #copySettings(name: string, parse: (text: string, path: string) => unknown): void {
    const path = `${this.#dataDir}/${name}`;
    const text = this.#read(path);
    if (text === undefined) return;
    try {
      parse(text, path);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      this.#leftOut.push({ path, why: `can't be used: ${error.message}` });
      return;
    }
    this.#files.create(`${this.#target}/${name}`, text);
    this.#count(`${this.#target}/${name}`);
  }

  #writeManifest(): void {
    writeManifest(this.#target, this.#copied.jobs, this.#files);
  }

  /** The text of a file; undefined if it is gone, or if it can't be read, which is noted. */
  #read(path: string): string | undefined {
    if (!this.#isFile(path)) return undefined;
    try {
      return ignoreNotFound(() => this.#files.readText(path));
    } catch (error) {
      const why = `can't be read: ${messageOf(error)}`;
      this.#leftOut.push({ path, why });
      return undefined;
    }
  }

  /** Whether it is a regular file. Links are left out, since they may lead anywhere. */
  #isFile(path: string): boolean {
    const kind = this.#files.info(path)?.kind;
    if (kind !== undefined && kind !== "file") {
      this.#leftOut.push({ path, why: `is ${kindName(kind)}` });
    }
    return kind === "file";
  }

  #count(copy: string): void {
    this.#copied.files++;
    this.#copied.bytes += this.#files.info(copy)?.size ?? 0;
  }
}

/** Makes a folder a backup, when all else of it is there. */
export function writeManifest(target: string, jobs: number, files: FileSystem): void {
  files.syncAll(target);
  const manifest = { schema: BACKUP_SCHEMA, created_at: new Date().toISOString(), jobs };
  const text = JSON.stringify(manifest) + "\n";
  files.create(`${target}/${MANIFEST}`, text, { sync: true });
  files.sync(target);
}

/** Sorts the names in a job folder into ids of jobs, logs, and unexpected names. */
export function jobNames(
  folder: string,
  names: readonly string[],
): { ids: string[]; logs: Map<string, string[]>; unexpected: string[] } {
  const ids: string[] = [];
  const logs = new Map<string, string[]>();
  const unexpected: string[] = [];
  for (const name of names) {
    const file = parseJobFile(folder, name);
    if (file === undefined) unexpected.push(name);
    else if (file.kind === "job") ids.push(file.id);
    else logs.set(file.id, [...logs.get(file.id) ?? [], name]);
  }
  return { ids, logs, unexpected };
}

function checkTarget(dataDir: string, target: string, files: FileSystem): void {
  if (`${target}/`.startsWith(`${dataDir}/`)) {
    throw refused(target, "it is inside the data folder");
  }
  mustBeFree(target, files);
}

/** @throws QueueError `refused` if there is something at `target`, but for an empty folder */
export function mustBeFree(target: string, files: FileSystem): void {
  const info = files.info(target);
  if (info === undefined) return;
  if (info.kind === "link") throw refused(target, "it is a link; name the folder itself");
  if (info.kind !== "folder") throw refused(target, "it is not a folder");
  if (files.names(target).length > 0) throw refused(target, "it is not empty");
}

/** Makes the folder of a backup, and the one for its jobs. */
export function makeTarget(target: string, files: FileSystem): void {
  makeFolders(files, `${target}/jobs`, (path) => refused(target, `${path} is not a folder`));
}

function refused(target: string, why: string): QueueError {
  return new QueueError("refused", `Cannot back up to ${target}: ${why}`);
}
