// The part of the store that takes new jobs. It imports as little as possible, because `enqueue`
// loads nothing else.
import { QueueError } from "../../queue/errors.ts";
import type { Job } from "../../queue/job.ts";
import type { Inbox } from "../../queue/store.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { COMMAND_HOLDER, lockPath } from "./layout.ts";
import { isBeingRestored, PAUSE, refusedByRestore, TRIES } from "./maintenance.ts";
import { prepareFolder } from "./prepare_folder.ts";
import { BucketedIndex, ignoreNotFound } from "./bucketed_index.ts";
import type { WaitLines } from "./wait_lines.ts";
import { ONE, resolveStaged, Staging, type WaitingIndexes } from "./staging.ts";

/** Opens the inbox of a data folder. */
export async function openInbox(
  dataDir: string,
  files: FileSystem,
  now = Date.now,
): Promise<FileInbox> {
  await prepareFolder(dataDir, files);
  const indexes = {
    ready: new BucketedIndex(files, `${dataDir}/queue/ready`),
    later: new BucketedIndex(files, `${dataDir}/queue/later`),
    blocked: new BucketedIndex(files, `${dataDir}/queue/blocked`),
  };
  return new FileInbox(dataDir, files, indexes, now);
}

/** @param stage the beginning of a path for temporary files */
type MakeLines = (stage: string) => WaitLines;

export class FileInbox implements Inbox {
  readonly #dataDir: string;
  readonly #files: FileSystem;
  readonly #indexes: WaitingIndexes;
  readonly #now: () => number;
  #name: string;
  #lock: FileLock | undefined;
  #makeLines: MakeLines | undefined;
  /** Whether anything may be staged or held under this process's name. */
  #isUnsettled = false;

  /**
   * @param unique letters and digits that no other process has
   *
   * @param makeLines loaded when needed if it is left out
   */
  constructor(
    dataDir: string,
    files: FileSystem,
    indexes: WaitingIndexes,
    now: () => number,
    unique = uniqueName(),
    makeLines?: MakeLines,
  ) {
    this.#makeLines = makeLines;
    this.#name = COMMAND_HOLDER + unique;
    this.#dataDir = dataDir;
    this.#files = files;
    this.#indexes = indexes;
    this.#now = now;
  }

  /** @param callOff see `withoutTaken`; the second is the name of this inbox */
  async add(
    jobs: Iterable<Job>,
    taken?: (job: Job, holder: string) => void,
    callOff: (job: Job, holder: string) => boolean = () => false,
  ): Promise<number> {
    const mayHaveKeys = Array.isArray(jobs)
      ? jobs.some(({ unique }) => unique !== null)
      : taken !== undefined;
    if (!mayHaveKeys) return await this.#add(jobs);
    const { withoutTaken } = await import("./admission.ts");
    const holder = await this.holder(); // who restores waits for it
    return await withoutTaken(this.#files, this.#dataDir, jobs, {
      taken,
      callOff: (job) => callOff(job, holder),
      add: (free) => this.#add(free),
    });
  }

  async #add(jobs: Iterable<Job>): Promise<number> {
    const holder = await this.holder();
    return this.#stage(jobs, await this.#waitLines(holder, jobs));
  }

  /**
   * Like `add`, but refuses at once while a backup is restored. Only for jobs that wait for no
   * others and have no unique key.
   */
  addNow(jobs: Iterable<Job>): number {
    if (!this.#takeLock()) throw refusedByRestore();
    return this.#stage(jobs, undefined);
  }

  #stage(jobs: Iterable<Job>, lines: WaitLines | undefined): number {
    const staging = new Staging(this.#files, this.#dataDir, this.#indexes, this.#name, lines);
    const before = this.#isUnsettled;
    this.#isUnsettled = true;
    const added = staging.add(jobs, this.#now());
    this.#isUnsettled = before || staging.isUnfinished;
    return added;
  }

  async #waitLines(holder: string, jobs: Iterable<Job>): Promise<WaitLines | undefined> {
    const isPlain = Array.isArray(jobs) &&
      jobs.every(({ status, startBy }) => status.state === "pending" && startBy === null);
    if (isPlain) return undefined;
    // Kept, since each instance numbers its own file names.
    this.#makeLines ??= await loadLines(this.#files, this.#dataDir, holder);
    return this.#makeLines(`${this.#dataDir}/tmp/${holder}${ONE}waits`);
  }

  /**
   * The name under which this process stages jobs and takes tickets. From the first call on, this
   * process holds the lock of that name, so no restore can replace the queue. What was read of the
   * queue before may be out of date.
   *
   * @throws QueueError `refused` while a backup is restored
   */
  async holder(): Promise<string> {
    for (let tries = 0; !this.#takeLock(); tries++) {
      if (tries >= TRIES) throw refusedByRestore();
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    return this.#name;
  }

  /** Takes the lock of this process's name. False while a backup is restored. */
  #takeLock(): boolean {
    for (let tries = 0; this.#lock === undefined; tries++) {
      const path = lockPath(this.#dataDir, this.#name);
      const lock = this.#files.lock(path);
      if (lock === undefined) {
        // Between creating and locking the file, a worker that looks for dead commands got the
        // lock, and removes the file.
        if (tries === 100) throw new QueueError("io", `Cannot lock ${path}`);
        this.#name = COMMAND_HOLDER + uniqueName();
        continue;
      }
      if (isBeingRestored(this.#dataDir, this.#files)) {
        // A restore waits until this lock is gone.
        ignoreNotFound(() => this.#files.remove(path));
        lock.release();
        return false;
      }
      this.#lock = lock;
    }
    return true;
  }

  /** Undoes or completes what this process has left staged. */
  settleStaged(): void {
    this.#takeBack(this.#name);
  }

  /** Whether this name is this process's name. */
  isOwn(holder: string): boolean {
    return holder === this.#name;
  }

  /** Remembers that this process may hold tickets when it ends. */
  tookTicket(): void {
    this.#isUnsettled = true;
  }

  close(): Promise<void> {
    this.release();
    return Promise.resolve();
  }

  /** Releases the lock of this process's name. `settle` completes what is left under that name. */
  release(settle: (holder: string) => void = (holder) => this.#takeBack(holder)): void {
    if (this.#lock === undefined) return;
    try {
      if (this.#isUnsettled) settle(this.#name);
      ignoreNotFound(() => this.#files.remove(lockPath(this.#dataDir, this.#name)));
    } catch {
      // The disk may be full. The lock is released all the same, so the next worker does it.
    }
    this.#lock.release();
    this.#lock = undefined;
  }

  #takeBack(holder: string): void {
    resolveStaged(this.#files, this.#dataDir, this.#indexes, holder);
  }
}

async function loadLines(files: FileSystem, dataDir: string, holder: string): Promise<MakeLines> {
  const [{ WaitLines }, { Dependents }, { Deadlines }] = await Promise.all([
    import("./wait_lines.ts"),
    import("./dependents.ts"),
    import("./deadlines.ts"),
  ]);
  const unique = holder.replace(/[^A-Za-z0-9]/g, "");
  const dependents = new Dependents(files, dataDir, unique);
  const deadlines = new Deadlines(files, dataDir, unique);
  return (stage) => new WaitLines(dependents, deadlines, stage);
}

/** A name that no other process has. */
export function uniqueName(): string {
  return `${Deno.pid}x${crypto.randomUUID().slice(0, 8)}`;
}
