// Who is alive. A worker or supervisor holds the lock of its name for as long as it lives; the
// kernel frees it at death, however it comes. Who can take the lock knows that the other is dead,
// at once, trusting no time-out and no process id.
import type { FileLock, FileSystem } from "../system/file_system.ts";
import { QueueError } from "../queue/errors.ts";

export interface WorkerInfo {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  readonly startedAt: number;
  /** When it last gave a sign of life; a stopped process (SIGSTOP) lives, but gives none. */
  readonly lastSeenAt: number;
}

type Announcement = Pick<WorkerInfo, "pid" | "host" | "startedAt">;

/** Names that workers may have: safe in file names, and none of those that others use. */
export function isWorkerName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name) && !/^(?:cli|supervisor)-/.test(name);
}

/** A place among the living, held until `leave` or death. */
export class WorkerLock {
  readonly name: string;
  readonly #files: FileSystem;
  readonly #record: string;
  readonly #lock: FileLock;
  readonly #lockFile: string;
  #announced: Announcement | undefined;

  private constructor(files: FileSystem, folder: string, name: string, lock: FileLock) {
    this.name = name;
    this.#files = files;
    this.#record = `${folder}/${name}.json`;
    this.#lockFile = `${folder}/${name}.lock`;
    this.#lock = lock;
  }

  /**
   * Takes the first name that is free: `wanted` itself, then with -2, -3, …; `worker-1`,
   * `worker-2`, … where none is wanted. A name whose bearer died is free, and with it comes what
   * that one had at hand.
   */
  static join(files: FileSystem, dataDir: string, wanted: string | undefined): WorkerLock {
    const folder = `${dataDir}/workers`;
    for (let n = 1; n <= 100_000; n++) {
      const name = wanted === undefined ? `worker-${n}` : n === 1 ? wanted : `${wanted}-${n}`;
      const lock = files.lock(`${folder}/${name}.lock`);
      if (lock === undefined) continue;
      const presence = new WorkerLock(files, folder, name, lock);
      if (isBeingRestored(files, dataDir)) {
        presence.leave();
        throw new QueueError("refused", "Cannot start while a backup is restored", {
          hint: "Try again when it has ended",
        });
      }
      presence.#removeRecord(); // that of a dead bearer must not be taken for this one's
      return presence;
    }
    throw new QueueError("io", `Cannot find a free worker name in ${folder}`);
  }

  /** Takes the place of one that died; undefined if it lives, or another takes it. */
  static takeOver(files: FileSystem, dataDir: string, name: string): WorkerLock | undefined {
    const folder = `${dataDir}/workers`;
    if (files.info(`${folder}/${name}.lock`) === undefined) return undefined;
    const lock = files.lock(`${folder}/${name}.lock`);
    return lock && new WorkerLock(files, folder, name, lock);
  }

  /** Writes down who this is, for `status`. */
  announce(info: Announcement): void {
    this.#removeRecord();
    const { pid, host, startedAt } = this.#announced = info;
    const record = {
      schema: 1,
      name: this.name,
      pid,
      host,
      started_at: new Date(startedAt).toISOString(),
    };
    this.#files.create(this.#record, JSON.stringify(record) + "\n");
  }

  /** Shows that it lives; a record that is gone or damaged is written anew. */
  heartbeat(): void {
    if (readRecord(this.#files, this.#record) !== undefined) this.#files.touch(this.#record);
    else if (this.#announced !== undefined) this.announce(this.#announced);
  }

  /** Lets go, leaving all as it is for whoever takes the place next. */
  abandon(): void {
    this.#lock.release();
  }

  /** Goes, leaving nothing behind. */
  leave(): void {
    this.#removeRecord();
    this.#files.remove(this.#lockFile);
    this.#lock.release();
  }

  #removeRecord(): void {
    if (this.#files.info(this.#record) !== undefined) this.#files.remove(this.#record);
  }
}

/**
 * Whether the queue is about to be replaced. Who restores takes its lock before it looks for
 * workers, and a worker takes its own before it looks here: so one of them sees the other.
 */
function isBeingRestored(files: FileSystem, dataDir: string): boolean {
  return files.info(`${dataDir}/restoring`) !== undefined || isAlive(files, dataDir, "cli-restore");
}

/** The names that have a lock file, living or dead, but for those of commands. */
export function knownNames(files: FileSystem, dataDir: string): string[] {
  return files.names(`${dataDir}/workers`)
    .filter((name) => name.endsWith(".lock") && !name.startsWith("cli-"))
    .map((name) => name.slice(0, -".lock".length))
    .sort((a, b) => countingKey(a) < countingKey(b) ? -1 : 1);
}

/**
 * Sorts `worker-2` before `worker-10`. Not with `localeCompare`: the first call of it takes 4 ms.
 */
function countingKey(name: string): string {
  return name.replace(/\d+/g, (digits) => digits.padStart(16, "0"));
}

/** Whether somebody holds the lock of this name. */
export function isAlive(files: FileSystem, dataDir: string, name: string): boolean {
  const path = `${dataDir}/workers/${name}.lock`;
  if (files.info(path) === undefined) return false;
  const lock = files.lock(path);
  lock?.release();
  return lock === undefined;
}

/**
 * The process id of whoever has this name, 0 if that is not known (yet); undefined if nobody has
 * it.
 */
export function pidOf(files: FileSystem, dataDir: string, name: string): number | undefined {
  if (!isAlive(files, dataDir, name)) return undefined;
  return readRecord(files, `${dataDir}/workers/${name}.json`)?.pid ?? 0;
}

/** The workers that live. */
export function liveWorkers(files: FileSystem, dataDir: string): WorkerInfo[] {
  return live(files, dataDir, (name) => !name.startsWith("supervisor-"));
}

/** The supervisors that live. */
export function liveSupervisors(files: FileSystem, dataDir: string): WorkerInfo[] {
  return live(files, dataDir, (name) => name.startsWith("supervisor-"));
}

function live(files: FileSystem, dataDir: string, which: (name: string) => boolean): WorkerInfo[] {
  const result: WorkerInfo[] = [];
  for (const name of knownNames(files, dataDir)) {
    if (!which(name) || !isAlive(files, dataDir, name)) continue;
    const info = readRecord(files, `${dataDir}/workers/${name}.json`);
    // Alive without a record: it has just come, or the record is damaged; the name is known all the
    // same.
    result.push({ name, pid: 0, host: "", startedAt: 0, lastSeenAt: 0, ...info });
  }
  return result;
}

function readRecord(files: FileSystem, path: string): Omit<WorkerInfo, "name"> | undefined {
  try {
    const { pid, host, started_at } = JSON.parse(files.readText(path));
    const lastSeenAt = files.info(path)?.modifiedAt ?? 0;
    const startedAt = Date.parse(started_at);
    if (typeof pid !== "number" || typeof host !== "string" || Number.isNaN(startedAt)) {
      return undefined;
    }
    return { pid, host, startedAt, lastSeenAt };
  } catch {
    return undefined;
  }
}
