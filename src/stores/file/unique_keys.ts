// Which job has which unique key: a file for each key, named by its hash, with the id of a job. It
// counts only while that job has the key and has not ended. So nothing has to be done when a job
// ends, and a file that a dead process has left means nothing. Whoever adds jobs with keys, or
// retries one, holds one lock from the check to the end, so that processes take turns.
import { QueueError } from "../../queue/errors.ts";
import { isJobId, type Job } from "../../queue/job.ts";
import { holdsKey } from "../../queue/unique.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { nameOf } from "../../system/paths.ts";
import { ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";
import { JobFiles } from "./job_files.ts";
import { readOwn } from "./line_files.ts";
import { lockPatiently, removeLock } from "./locks.ts";

/** Milliseconds to wait for another process, which may be enqueueing a file of a million lines. */
const PATIENCE = 60_000;

export class UniqueKeys {
  readonly #files: FileSystem;
  readonly #dataDir: string;
  readonly #folder: string;
  readonly #tmp: string;
  readonly #jobs: JobFiles;

  /** `tmp`: the folder for temporary files. */
  constructor(files: FileSystem, dataDir: string, tmp = `${dataDir}/tmp`) {
    this.#files = files;
    this.#tmp = tmp;
    this.#dataDir = dataDir;
    this.#folder = `${dataDir}/queue/unique`;
    this.#jobs = new JobFiles(files, dataDir);
  }

  /** @throws QueueError `refused` if another process holds the lock for too long */
  async whileLocked<T>(action: () => T | Promise<T>): Promise<T> {
    const path = this.#lockPath();
    const lock = await lockPatiently(() => this.#files.lock(path), PATIENCE);
    if (lock === undefined) {
      throw new QueueError("refused", "Another process is enqueueing jobs with keys", {
        hint: "Try again when it has ended",
      });
    }
    try {
      return await action();
    } finally {
      removeLock(this.#files, path, lock);
    }
  }

  /** The job that has this key. The caller holds the lock, unless it only shows the result. */
  holderOf(key: string): Job | undefined {
    const id = readOwn(this.#files, this.#path(key))?.trim();
    if (id === undefined || !isJobId(id)) return undefined;
    try {
      const job = this.#jobs.read(id)?.job;
      return holdsKey(job, key) ? job : undefined;
    } catch (error) {
      if (error instanceof QueueError) return undefined; // damaged: `storage check` reports it
      throw error;
    }
  }

  /**
   * Gives a key to a job that is about to be added. The caller holds the lock, and the key is free.
   *
   * @param sync whether it has to be on disk on return
   */
  hold(key: string, id: string, sync: boolean): void {
    const path = this.#path(key);
    const made = `${this.#tmp}/unique-${nameOf(path)}`;
    ignoreNotFound(() => this.#files.remove(made)); // left by a dead process
    this.#files.create(made, `${id}\n`, { sync });
    const move = () => (this.#files.rename(made, path), true);
    if (ignoreNotFound(move) === undefined) {
      if (makeUnlessThere(this.#files, this.#folder) && sync) {
        this.#files.sync(`${this.#dataDir}/queue`);
      }
      move();
    }
    if (sync) this.#files.sync(this.#folder);
  }

  /** Removes the file of a removed job's key, unless another process has the lock. */
  forget(key: string, id: string): void {
    const lock = this.#files.lock(this.#lockPath());
    if (lock === undefined) return;
    try {
      const path = this.#path(key);
      if (readOwn(this.#files, path)?.trim() === id) this.#files.remove(path);
    } finally {
      removeLock(this.#files, this.#lockPath(), lock);
    }
  }

  #lockPath(): string {
    return `${this.#dataDir}/tmp/unique.lock`;
  }

  #path(key: string): string {
    return `${this.#folder}/${hashOf(key)}`;
  }
}

/** The file name for a key: FNV-1a of 128 bits. In a collision, the job's own key decides. */
export function hashOf(text: string): string {
  let hash = 0x6c62272e07bb014262b821756295c58dn;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(128, (hash ^ BigInt(byte)) * 0x0000000001000000000000000000013bn);
  }
  return hash.toString(16).padStart(32, "0");
}
