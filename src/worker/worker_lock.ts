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

type Announcement = Pick<WorkerInfo, "pid" | "host" | "startedAt"> & {
  /** Of a supervisor: whether a worker of its has come up. */
  readonly ready?: boolean;
};

/** Names that workers may have: safe in file names, and none of those that others use. */
export function isWorkerName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name) && !/^(?:cli|supervisor)-/.test(name);
}

/** A place among the living, held until `leave` or death. */
export class WorkerLock {
  readonly name: string;
  readonly #files: FileSystem;
  readonly #record: string;
  #lock: FileLock;
  #inode: number | undefined;
  readonly #lockFile: string;
  #announced: Announcement | undefined;

  private constructor(files: FileSystem, folder: string, name: string, lock: FileLock) {
    this.name = name;
    this.#files = files;
    this.#record = `${folder}/${name}.json`;
    this.#lockFile = `${folder}/${name}.lock`;
    this.#lock = lock;
    try {
      this.#inode = files.info(this.#lockFile)?.inode;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * Takes the first name that is free: `wanted` itself, then with -2, -3, …; `worker-1`,
   * `worker-2`, … where none is wanted. A name whose bearer died is free, and with it comes what
   * that one had at hand. Names to `avoid` are passed over.
   */
  static join(
    files: FileSystem,
    dataDir: string,
    wanted: string | undefined,
    avoid: ReadonlySet<string> = new Set(),
  ): WorkerLock {
    const folder = `${dataDir}/workers`;
    for (let n = 1; n <= 100_000; n++) {
      const name = wanted === undefined ? `worker-${n}` : n === 1 ? wanted : `${wanted}-${n}`;
      if (avoid.has(name) || isMissing(files, dataDir, name) && wasSeen(files, folder, name)) {
        continue;
      }
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

  /**
   * Takes the place of one that died; undefined if it lives, or another takes it. A lock file that
   * is missing is no proof of a death: see `isMissing`.
   */
  static takeOver(files: FileSystem, dataDir: string, name: string): WorkerLock | undefined {
    const folder = `${dataDir}/workers`;
    const lock = files.lock(`${folder}/${name}.lock`);
    return lock && new WorkerLock(files, folder, name, lock);
  }

  /** Writes down who this is, for `status`. */
  announce(info: Announcement): void {
    this.#removeRecord();
    const { pid, host, startedAt, ready } = this.#announced = info;
    const record = {
      schema: 1,
      name: this.name,
      pid,
      host,
      started_at: new Date(startedAt).toISOString(),
      ready,
    };
    this.#files.create(this.#record, JSON.stringify(record) + "\n");
  }

  /**
   * Shows that it lives; a record that is gone or damaged is written anew, and a lock file that
   * somebody removed is made and locked anew.
   * @throws QueueError `claim_lost` if another has taken the place then
   */
  heartbeat(): void {
    if (this.#files.info(this.#lockFile)?.inode !== this.#inode) {
      const lock = this.#files.lock(this.#lockFile);
      if (lock === undefined) {
        throw new QueueError("claim_lost", `${this.name} has lost its place to another`);
      }
      this.#lock.release();
      this.#lock = lock;
      this.#inode = this.#files.info(this.#lockFile)?.inode;
    }
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
    if (this.#files.info(this.#lockFile) !== undefined) this.#files.remove(this.#lockFile);
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
function lockedNames(files: FileSystem, dataDir: string): string[] {
  return namesWith(files, dataDir, [".lock"]);
}

/**
 * All names that somebody has or had: of a worker that died its lock may be missing, and what it
 * had at hand be there all the same. Names that nobody can have are passed over: other programs
 * leave files everywhere.
 */
export function knownNames(files: FileSystem, dataDir: string): string[] {
  const names = namesWith(files, dataDir, [".lock", ".runs"]);
  const folder = `${dataDir}/queue/running`;
  const running = (files.info(folder) === undefined ? [] : files.names(folder)).filter((name) =>
    isWorkerName(name) && !names.includes(name) &&
    files.info(`${folder}/${name}`)?.kind === "folder" &&
    files.names(`${folder}/${name}`).some((entry) => !entry.startsWith("."))
  );
  return inOrder([...names, ...running]);
}

function namesWith(files: FileSystem, dataDir: string, endings: readonly string[]): string[] {
  const names = files.names(`${dataDir}/workers`).flatMap((file) => {
    const ending = endings.find((ending) => file.endsWith(ending));
    const name = ending === undefined ? "" : file.slice(0, -ending.length);
    return isWorkerName(name) || /^supervisor-\d+(?:-\d+)?$/.test(name) ? [name] : [];
  });
  return inOrder(names);
}

function inOrder(names: readonly string[]): string[] {
  return [...new Set(names)].sort((a, b) => countingKey(a) < countingKey(b) ? -1 : 1);
}

/**
 * Sorts `worker-2` before `worker-10`. Not with `localeCompare`: the first call of it takes 4 ms.
 */
function countingKey(name: string): string {
  return name.replace(/\d+/g, (digits) => digits.padStart(16, "0"));
}

/** Milliseconds in which one that lives makes a lock file anew that somebody removed. */
export const LOCK_RENEWAL = 4000;

/**
 * Whether there is no lock file of this name. Its bearer may live all the same, until that one has
 * had time to make another (`LOCK_RENEWAL`).
 */
export function isMissing(files: FileSystem, dataDir: string, name: string): boolean {
  return files.info(`${dataDir}/workers/${name}.lock`) === undefined;
}

/** Whether there was a sign of life of this name a moment ago. */
function wasSeen(files: FileSystem, folder: string, name: string): boolean {
  const seenAt = readRecord(files, `${folder}/${name}.json`)?.lastSeenAt ?? 0;
  return Math.abs(Date.now() - seenAt) < LOCK_RENEWAL;
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
 * Whoever has this name, with process id 0 if that one has not said (yet) who it is; undefined if
 * nobody has it.
 */
export function bearerOf(
  files: FileSystem,
  dataDir: string,
  name: string,
): WorkerInfo | undefined {
  if (!isAlive(files, dataDir, name)) return undefined;
  // The record may be missing or damaged; the name is known all the same.
  const { pid = 0, host = "", startedAt = 0, lastSeenAt = 0 } =
    readRecord(files, `${dataDir}/workers/${name}.json`) ?? {};
  return { name, pid, host, startedAt, lastSeenAt };
}

/** Whether a supervisor lives, and a worker of its has come up. */
export function isReady(files: FileSystem, dataDir: string, name: string): boolean {
  if (!isAlive(files, dataDir, name)) return false;
  return readRecord(files, `${dataDir}/workers/${name}.json`)?.ready === true;
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
  return lockedNames(files, dataDir).filter(which).flatMap((name) =>
    bearerOf(files, dataDir, name) ?? []
  );
}

type WorkerRecord = Omit<WorkerInfo, "name"> & Announcement;

function readRecord(files: FileSystem, path: string): WorkerRecord | undefined {
  try {
    const { pid, host, started_at, ready = false } = JSON.parse(files.readText(path));
    const lastSeenAt = files.info(path)?.modifiedAt ?? 0;
    const startedAt = Date.parse(started_at);
    if (typeof pid !== "number" || typeof host !== "string" || Number.isNaN(startedAt)) {
      return undefined;
    }
    return { pid, host, startedAt, lastSeenAt, ready };
  } catch {
    return undefined;
  }
}
