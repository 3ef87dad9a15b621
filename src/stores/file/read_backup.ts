// Reads a whole backup before anything is changed. Torn lines, files of other programs and logs
// without a job are left out, since a queue in use may have them. Anything else that `backup` does
// not write is refused: links, names that lead elsewhere, damaged files.
import { QueueError } from "../../queue/errors.ts";
import type { LeftOut } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import { parseConfig } from "../../queue/settings.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { BACKUP_SCHEMA, jobNames, MANIFEST } from "./backup.ts";
import { ignoreNotFound } from "./bucketed_index.ts";
import { goodLines } from "./codec.ts";
import { schedulesFolder } from "./layout.ts";
import { parseQueues } from "./queues_file.ts";
import { checkSchedule, scheduleNames } from "./schedules.ts";

/** A job in a backup. */
export interface SavedJob {
  readonly id: string;
  readonly text: string;
  /** The paths of its logs, below `jobs`. */
  readonly logs: readonly string[];
}

export interface SavedSchedule {
  readonly name: string;
  readonly text: string;
}

export interface SavedQueue {
  readonly jobs: readonly SavedJob[];
  readonly schedules: readonly SavedSchedule[];
  readonly config: string | undefined;
  /** The settings of queues. */
  readonly queues: string | undefined;
  readonly leftOut: readonly LeftOut[];
}

/** @throws QueueError `damaged`, with the reason, if it can't be restored completely */
export function readBackup(from: string, files: FileSystem, progress: Progress): SavedQueue {
  return new BackupReader(from, files).read(progress);
}

class BackupReader {
  readonly #from: string;
  readonly #files: FileSystem;
  readonly #jobs: SavedJob[] = [];
  readonly #leftOut: LeftOut[] = [];

  constructor(from: string, files: FileSystem) {
    this.#from = from;
    this.#files = files;
  }

  read(progress: Progress): SavedQueue {
    const count = this.#readManifest();
    for (const name of this.#files.names(this.#from)) {
      if (!["jobs", "schedules", MANIFEST, "config.json", "queues.json"].includes(name)) {
        this.#passOver(`${this.#from}/${name}`);
      }
    }
    const config = this.#readSettings("config.json", parseConfig);
    const queues = this.#readSettings("queues.json", parseQueues);
    const schedules = this.#readSchedules();
    this.#need(`${this.#from}/jobs`, "folder");
    const folders = this.#files.names(`${this.#from}/jobs`);
    for (const [index, folder] of folders.entries()) {
      progress(index, folders.length * 2);
      this.#readFolder(folder);
    }
    if (count !== this.#jobs.length) {
      throw refusal(this.#from, `should have ${count} jobs and has ${this.#jobs.length}`);
    }
    return { jobs: this.#jobs, schedules, config, queues, leftOut: this.#leftOut };
  }

  /** The number of jobs that the manifest states. */
  #readManifest(): unknown {
    const path = `${this.#from}/${MANIFEST}`;
    if (this.#files.info(path)?.kind !== "file") {
      throw new QueueError(
        "damaged",
        `Cannot restore: ${this.#from} is not a complete backup (it has no ${MANIFEST})`,
      );
    }
    let manifest: { schema?: unknown; jobs?: unknown } | null;
    try {
      manifest = JSON.parse(this.#files.readText(path));
    } catch {
      throw refusal(path, "can't be read");
    }
    if (manifest?.schema !== BACKUP_SCHEMA) {
      throw refusal(path, "has a format that this version does not know");
    }
    return manifest.jobs;
  }

  #readSettings(
    name: string,
    parse: (text: string, path: string) => unknown,
  ): string | undefined {
    const path = `${this.#from}/${name}`;
    if (this.#files.info(path) === undefined) return undefined;
    this.#need(path, "file");
    const text = this.#files.readText(path);
    try {
      parse(text, path);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      throw refusal(path, `can't be used: ${error.message}`);
    }
    return text;
  }

  #readSchedules(): SavedSchedule[] {
    const folder = schedulesFolder(this.#from);
    if (this.#files.info(folder) === undefined) return [];
    this.#need(folder, "folder");
    const names = scheduleNames(this.#from, this.#files);
    for (const file of this.#files.names(folder)) {
      if (!names.some((name) => file === `${name}.json`)) this.#passOver(`${folder}/${file}`);
    }
    return names.map((name) => {
      const path = `${folder}/${name}.json`;
      this.#need(path, "file");
      const text = this.#files.readText(path);
      try {
        checkSchedule(text, name, path);
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        throw refusal(path, "is damaged");
      }
      return { name, text };
    });
  }

  #readFolder(folder: string): void {
    const path = `${this.#from}/jobs/${folder}`;
    if (folder.length > 2 || folder.startsWith(".")) return this.#passOver(path);
    this.#need(path, "folder");
    const { ids, logs, unexpected } = jobNames(folder, this.#files.names(path));
    for (const name of unexpected) this.#passOver(`${path}/${name}`);
    for (const id of ids) {
      const names = logs.get(id) ?? [];
      for (const name of [`${id}.jsonl`, ...names]) this.#need(`${path}/${name}`, "file");
      const text = this.#readLines(`${path}/${id}.jsonl`, id);
      this.#jobs.push({ id, text, logs: names.map((name) => `${folder}/${name}`) });
      logs.delete(id);
    }
    for (const name of [...logs.values()].flat()) {
      this.#leftOut.push({ path: `${path}/${name}`, why: "is the log of no job" });
    }
  }

  #readLines(path: string, id: string): string {
    const text = ignoreNotFound(() => this.#files.readText(path));
    try {
      return goodLines(text ?? "", id, path);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      throw refusal(path, "is damaged");
    }
  }

  #need(path: string, kind: "file" | "folder"): void {
    if (this.#files.info(path)?.kind !== kind) throw refusal(path, `is not a ${kind}`);
  }

  #passOver(path: string): void {
    this.#leftOut.push({ path, why: "does not belong in a backup" });
  }
}

function refusal(path: string, why: string): QueueError {
  return new QueueError("damaged", `Cannot restore: ${path} ${why}, so nothing was changed`);
}
