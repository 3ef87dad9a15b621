// Tells which workers live on one machine. A worker or supervisor holds the lock of its name while
// it lives, and the kernel releases the lock when the process ends in any way. Whoever can take the
// lock knows at once that the other is dead, without a timeout or a process id.
import { QueueError } from "../../queue/errors.ts";
import type { WorkerIdentity, WorkerInfo } from "../../queue/workers.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { lockPath } from "./layout.ts";
import { isBeingRestored, isLocked } from "./maintenance.ts";

/** The lock on a name, held until `leave`, `abandon` or the end of the process. */
export class FileWorkerLock {
  readonly name: string;
  readonly #files: FileSystem;
  readonly #record: string;
  #lock: FileLock;
  #inode: number | undefined;
  readonly #lockFile: string;
  #announced: WorkerIdentity | undefined;

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

  /** Takes the first free name: see `Workers.join`. */
  static join(
    files: FileSystem,
    dataDir: string,
    wanted: string | undefined,
    avoid: ReadonlySet<string> = new Set(),
  ): FileWorkerLock {
    const folder = `${dataDir}/workers`;
    for (let n = 1; n <= 100_000; n++) {
      const name = wanted === undefined ? `worker-${n}` : n === 1 ? wanted : `${wanted}-${n}`;
      if (avoid.has(name) || isMissing(files, dataDir, name) && wasSeen(files, folder, name)) {
        continue;
      }
      const lock = files.lock(`${folder}/${name}.lock`);
      if (lock === undefined) continue;
      const own = new FileWorkerLock(files, folder, name, lock);
      if (isBeingRestored(dataDir, files)) {
        own.leave();
        throw new QueueError("refused", "Cannot start while a backup is restored", {
          hint: "Try again when it has ended",
        });
      }
      own.#removeRecord(); // the record of a dead holder must not count as ours
      return own;
    }
    throw new QueueError("io", `Cannot find a free worker name in ${folder}`);
  }

  /**
   * Takes the place of a dead worker; undefined if it lives, or another process takes it. A missing
   * lock file does not prove that the worker is dead: see `isMissing`.
   */
  static takeOver(files: FileSystem, dataDir: string, name: string): FileWorkerLock | undefined {
    const folder = `${dataDir}/workers`;
    const lock = files.lock(`${folder}/${name}.lock`);
    return lock && new FileWorkerLock(files, folder, name, lock);
  }

  /** Records its identity, for `status`. */
  announce(identity: WorkerIdentity): void {
    this.#removeRecord();
    const { pid, host, startedAt, ready } = this.#announced = identity;
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
   * Shows that it lives. A missing or damaged record is written again, and a removed lock file is
   * made and locked again.
   *
   * @throws QueueError `claim_lost` if another process has taken the name
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

  /** Notes that this is the place of one that died, held until its jobs have ended. */
  noteRescue(): void {
    try {
      const record = JSON.parse(this.#files.readText(this.#record));
      this.#removeRecord();
      this.#files.create(this.#record, JSON.stringify({ ...record, rescued: true }) + "\n");
    } catch {
      // The disk is full, say: it is counted among the living then, no more.
    }
  }

  /** Lets go, leaving all as it is for whoever takes the place next. */
  abandon(): void {
    this.#lock.release();
  }

  /** Releases the lock and leaves nothing behind. */
  leave(): void {
    this.#removeRecord();
    if (this.#files.info(this.#lockFile) !== undefined) this.#files.remove(this.#lockFile);
    this.#lock.release();
  }

  #removeRecord(): void {
    if (this.#files.info(this.#record) !== undefined) this.#files.remove(this.#record);
  }
}

/** Milliseconds in which a live process makes a removed lock file again. */
export const LOCK_RENEWAL = 4000;

/**
 * Whether the lock file of this name is missing. Its holder may still live, as long as it has not
 * had time to make another (`LOCK_RENEWAL`).
 */
export function isMissing(files: FileSystem, dataDir: string, name: string): boolean {
  return files.info(lockPath(dataDir, name)) === undefined;
}

/** Whether there was a heartbeat of this name a moment ago. */
function wasSeen(files: FileSystem, folder: string, name: string): boolean {
  const seenAt = readRecord(files, `${folder}/${name}.json`)?.lastSeenAt ?? 0;
  return Math.abs(Date.now() - seenAt) < LOCK_RENEWAL;
}

/** The process that has this name; undefined if there is none. */
export function holderOf(
  files: FileSystem,
  dataDir: string,
  name: string,
): WorkerInfo | undefined {
  if (!isLocked(lockPath(dataDir, name), files)) return undefined;
  // The record may be missing or damaged.
  const record = readRecord(files, `${dataDir}/workers/${name}.json`);
  return { name, pid: 0, host: "", startedAt: 0, lastSeenAt: 0, ready: false, ...record };
}

function readRecord(files: FileSystem, path: string): Omit<WorkerInfo, "name"> | undefined {
  try {
    const { pid, host, started_at, ready = false, rescued = false } = JSON.parse(
      files.readText(path),
    );
    const lastSeenAt = files.info(path)?.modifiedAt ?? 0;
    const startedAt = Date.parse(started_at);
    if (typeof pid !== "number" || typeof host !== "string" || Number.isNaN(startedAt)) {
      return undefined;
    }
    return {
      pid,
      host,
      startedAt,
      lastSeenAt,
      ready: ready === true,
      ...(rescued === true && { rescued }),
    };
  } catch {
    return undefined;
  }
}
