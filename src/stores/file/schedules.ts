// Schedules in the data folder: one file each, replaced as a whole under a lock for each schedule.
// A firing is recorded with its job before the job is enqueued, so that the next process completes
// it after a crash. The rules of when to fire are not here.
import { messageOf, QueueError } from "../../queue/errors.ts";
import type { Job } from "../../queue/job.ts";
import { isScheduleName, keyTaken, type ScheduleEntry } from "../../queue/schedule.ts";
import { decideOn, noSchedule } from "../../queue/schedule_firing.ts";
import {
  scheduleFromJson,
  scheduleStateToJson,
  scheduleToJson,
} from "../../queue/schedule_json.ts";
import type { Decide, ScheduleStore } from "../../queue/schedule_store.ts";
import type { JobStore } from "../../queue/store.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";
import { decode, encodeRequest } from "./codec.ts";
import type { Findings } from "./findings.ts";
import { schedulesFolder } from "./layout.ts";
import { lockPatiently, removeLock } from "./locks.ts";
import { stagedIds } from "./staging.ts";

/** The version of the format. This and all earlier versions can be read. */
const SCHEMA = 1;

const JSON_END = ".json";

/** Milliseconds that a command waits for one that changes the same schedule. */
const PATIENCE = 5000;

/** The contents of a file: the schedule, and a job that has to be enqueued before anything else. */
export interface Kept extends ScheduleEntry {
  readonly adding: Job | undefined;
}

export interface FileScheduleParts {
  readonly files: FileSystem;
  /** Where jobs are enqueued; needed only for firing. */
  readonly jobs?: Pick<JobStore, "add" | "change" | "get" | "recover">;
  /** Called about files that can't be read. */
  readonly warn?: (message: string) => void;
}

export class FileSchedules implements ScheduleStore {
  readonly #dataDir: string;
  readonly #folder: string;
  readonly #files: FileSystem;
  readonly #jobs: FileScheduleParts["jobs"];
  readonly #warn: (message: string) => void;

  constructor(dataDir: string, { files, jobs, warn = () => {} }: FileScheduleParts) {
    this.#dataDir = dataDir;
    this.#folder = schedulesFolder(dataDir);
    this.#files = files;
    this.#jobs = jobs;
    this.#warn = warn;
  }

  // deno-lint-ignore require-await -- what it throws becomes a rejection
  async get(name: string): Promise<ScheduleEntry | undefined> {
    return this.#read(name);
  }

  // deno-lint-ignore require-await
  async list(): Promise<ScheduleEntry[]> {
    const entries: ScheduleEntry[] = [];
    for (const name of scheduleNames(this.#dataDir, this.#files)) {
      try {
        const entry = this.#read(name);
        if (entry !== undefined) entries.push(entry);
      } catch (error) {
        this.#warn(messageOf(error));
      }
    }
    return entries;
  }

  async put(
    name: string,
    make: (before: ScheduleEntry | undefined) => ScheduleEntry | QueueError,
  ): Promise<ScheduleEntry> {
    makeUnlessThere(this.#files, this.#folder);
    return await this.#whileLocked(name, () => {
      const before = this.#read(name);
      const entry = make(before);
      if (entry instanceof QueueError) throw entry;
      this.#write({ ...entry, adding: before?.adding });
      return entry;
    });
  }

  async remove(name: string): Promise<void> {
    if (this.#files.info(this.#path(name)) === undefined) throw noSchedule(name);
    await this.#whileLocked(name, () => {
      if (ignoreNotFound(() => (this.#files.remove(this.#path(name)), true)) === undefined) {
        throw noSchedule(name);
      }
      this.#files.sync(this.#folder);
    });
  }

  async fire(name: string, decide: Decide): Promise<ScheduleEntry | undefined> {
    const jobs = this.#jobs;
    if (jobs === undefined) throw new Error("Schedules without a queue can't fire");
    const lock = this.#lock(name);
    if (lock === undefined) return undefined;
    try {
      let kept = this.#read(name);
      if (kept === undefined) return undefined;
      if (kept.adding !== undefined) {
        // A process died while firing, perhaps with the job half enqueued; that is undone first.
        await jobs.recover();
        kept = { ...await this.#complete(jobs, kept, kept.adding), adding: undefined };
      }
      const { schedule, state } = kept;
      const firing = await decideOn({ schedule, state }, jobs, decide);
      if (firing === undefined) return undefined;
      const after = { schedule, state: firing.state };
      this.#write({ ...after, adding: firing.job });
      return firing.job === undefined ? after : await this.#complete(jobs, after, firing.job);
    } finally {
      removeLock(this.#files, this.#lockPath(name), lock);
    }
  }

  /** Enqueues the job that is recorded with the schedule, and then removes the record. */
  async #complete(
    jobs: NonNullable<FileScheduleParts["jobs"]>,
    { schedule, state }: ScheduleEntry,
    job: Job,
  ): Promise<ScheduleEntry> {
    let after = state;
    try {
      await jobs.add([job], (_, holder) => after = keyTaken(state, holder));
    } catch (error) {
      if (!(error instanceof QueueError) || error.code !== "duplicate_id") throw error;
      // A process that died left it half enqueued, and another process is undoing that. So it is
      // not done yet.
      if (stagedIds(this.#dataDir, this.#files).has(job.id)) throw error;
    }
    // No sync: if this write is lost, the next process finds that the job exists.
    this.#write({ schedule, state: after, adding: undefined }, false);
    return { schedule, state: after };
  }

  /** @throws QueueError `damaged` */
  #read(name: string): Kept | undefined {
    const path = this.#path(name);
    const text = ignoreNotFound(() => this.#files.readText(path));
    return text === undefined ? undefined : decoded(text, name, path);
  }

  /** Writes a schedule. `isFact`: it has to survive a power cut when this returns. */
  #write(kept: Kept, isFact = true): void {
    const { name } = kept.schedule;
    const unfinished = `${this.#dataDir}/tmp/schedule-${name}.json`;
    ignoreNotFound(() => this.#files.remove(unfinished)); // left by a dead process
    this.#files.create(unfinished, scheduleText(kept), { sync: true });
    this.#files.rename(unfinished, this.#path(name));
    if (isFact) this.#files.sync(this.#folder);
  }

  async #whileLocked<T>(name: string, action: () => T): Promise<T> {
    const lock = await lockPatiently(() => this.#lock(name), PATIENCE);
    if (lock === undefined) {
      throw new QueueError("refused", `Another process is busy with the schedule "${name}"`, {
        hint: "Try again",
      });
    }
    try {
      return action();
    } finally {
      removeLock(this.#files, this.#lockPath(name), lock);
    }
  }

  /** Undefined if another process has the lock. */
  #lock(name: string): FileLock | undefined {
    return this.#files.lock(this.#lockPath(name));
  }

  /** Not in the folder of schedules, which is watched: taking a lock is no change. */
  #lockPath(name: string): string {
    return `${this.#dataDir}/tmp/schedule-${name}.lock`;
  }

  #path(name: string): string {
    return `${this.#folder}/${name}${JSON_END}`;
  }
}

/** The names of all schedules, sorted. */
export function scheduleNames(dataDir: string, files: FileSystem): string[] {
  const names = ignoreNotFound(() => files.names(schedulesFolder(dataDir))) ?? [];
  return names.map(nameOf).filter((name) => name !== undefined).sort();
}

function nameOf(file: string): string | undefined {
  const name = file.endsWith(JSON_END) ? file.slice(0, -JSON_END.length) : "";
  return isScheduleName(name) ? name : undefined;
}

function decoded(text: string, name: string, path: string): Kept {
  const damaged = (why: string) =>
    new QueueError("damaged", `Cannot use the schedule "${name}": ${path} ${why}`, {
      hint: "To set it aside: queuectl storage check --repair",
    });
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged("is damaged");
  }
  if (typeof value?.["schema"] === "number" && value["schema"] > SCHEMA) {
    throw damaged("was written by a later version");
  }
  const entry = scheduleFromJson(value);
  if (value?.["schema"] !== SCHEMA || entry?.schedule.name !== name) throw damaged("is damaged");
  const { adding } = value;
  if (adding === undefined) return { ...entry, adding };
  const id = String((adding as { id?: unknown } | null)?.id);
  return { ...entry, adding: decode(JSON.stringify(adding) + "\n", id, path).job };
}

/**
 * Reads the contents of a schedule's file.
 *
 * @throws QueueError `damaged` if it is invalid
 */
export function checkSchedule(text: string, name: string, path: string): Kept {
  return decoded(text, name, path);
}

/** The text of the file of a schedule. */
export function scheduleText({ schedule, state, adding }: Kept): string {
  const content = {
    schema: SCHEMA,
    ...scheduleToJson(schedule),
    ...scheduleStateToJson(state),
    ...(adding !== undefined && { adding: JSON.parse(encodeRequest(adding)) }),
  };
  return JSON.stringify(content, null, 2) + "\n";
}

/** Reports problems with schedules, for `storage check`. */
export function checkSchedules(dataDir: string, files: FileSystem, findings: Findings): void {
  const folder = schedulesFolder(dataDir);
  if (files.info(folder) === undefined || !findings.checkFolder(folder)) return;
  for (const file of files.names(folder)) {
    const path = `${folder}/${file}`;
    const info = files.info(path);
    if (info === undefined) continue;
    const name = nameOf(file);
    if (name === undefined || info.kind !== "file") {
      findings.addUnexpected(path, name === undefined ? "does not belong here" : "is not a file");
      continue;
    }
    findings.checkMode(path, info.mode, 0o600);
    try {
      const text = ignoreNotFound(() => files.readText(path));
      if (text !== undefined) decoded(text, name, path);
    } catch (error) {
      findings.addUnexpected(
        path,
        error instanceof QueueError ? "is damaged" : `can't be read: ${messageOf(error)}`,
      );
    }
  }
}
