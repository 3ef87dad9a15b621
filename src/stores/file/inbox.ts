// Where jobs come into the store. It stands alone, with what it needs and no more, because
// `enqueue` loads nothing else.
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

/** Opens the way into the store of a data folder. */
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

/** @param stage the beginning of a path for what is on its way */
type MakeLines = (stage: string) => WaitLines;

export class FileInbox implements Inbox {
  readonly #dataDir: string;
  readonly #files: FileSystem;
  readonly #indexes: WaitingIndexes;
  readonly #now: () => number;
  #name: string;
  #lock: FileLock | undefined;
  #makeLines: MakeLines | undefined;
  /** Whether something may be staged, or held by its name. */
  #isUnsettled = false;

  /**
   * @param unique letters and digits that no other process has
   * @param makeLines loaded when there is need of it if it is left out
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

  async add(
    jobs: Iterable<Job>,
    taken?: (job: Job, holder: string) => void,
  ): Promise<number> {
    const mayHaveKeys = Array.isArray(jobs)
      ? jobs.some(({ unique }) => unique !== null)
      : taken !== undefined;
    if (!mayHaveKeys) return await this.#add(jobs);
    const { withoutTaken } = await import("./admission.ts");
    await this.holder(); // who restores waits for it
    return await withoutTaken(this.#files, this.#dataDir, jobs, taken, (free) => this.#add(free));
  }

  async #add(jobs: Iterable<Job>): Promise<number> {
    const holder = await this.holder();
    return this.#stage(jobs, await this.#waitLines(holder, jobs));
  }

  /**
   * As `add`, for jobs that wait for no others and have no key, but refuses at once while a backup
   * is restored.
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
    // Kept, since the names that they make are unique for each.
    this.#makeLines ??= await loadLines(this.#files, this.#dataDir, holder);
    return this.#makeLines(`${this.#dataDir}/tmp/${holder}${ONE}waits`);
  }

  /**
   * The name under which this process stages jobs and takes tickets; its lock is held from the
   * first use on. Nothing of the queue may be relied on that was seen before.
   * @throws QueueError `refused` while a backup is restored
   */
  async holder(): Promise<string> {
    for (let tries = 0; !this.#takeLock(); tries++) {
      if (tries >= TRIES) throw refusedByRestore();
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    return this.#name;
  }

  /** False while a backup is restored. */
  #takeLock(): boolean {
    for (let tries = 0; this.#lock === undefined; tries++) {
      const path = lockPath(this.#dataDir, this.#name);
      const lock = this.#files.lock(path);
      if (lock === undefined) {
        // Between its making and its locking, a worker that looks for dead commands got hold of the
        // file, and clears it away.
        if (tries === 100) throw new QueueError("io", `Cannot lock ${path}`);
        this.#name = COMMAND_HOLDER + uniqueName();
        continue;
      }
      if (isBeingRestored(this.#dataDir, this.#files)) {
        // Who restores waits for the lock; or somebody only looks whether it still does.
        ignoreNotFound(() => this.#files.remove(path));
        lock.release();
        return false;
      }
      this.#lock = lock;
    }
    return true;
  }

  /** Takes back, or completes, what this process has staged and left so. */
  settleStaged(): void {
    this.#takeBack(this.#name);
  }

  /** Whether this name is the one of this process. */
  isOwn(holder: string): boolean {
    return holder === this.#name;
  }

  /** Remembers that tickets may lie under this process's name when it ends. */
  tookTicket(): void {
    this.#isUnsettled = true;
  }

  close(): Promise<void> {
    this.release();
    return Promise.resolve();
  }

  /** `settle` puts right what may be left under the holder's name. */
  release(settle: (holder: string) => void = (holder) => this.#takeBack(holder)): void {
    if (this.#lock === undefined) return;
    try {
      if (this.#isUnsettled) settle(this.#name);
      ignoreNotFound(() => this.#files.remove(lockPath(this.#dataDir, this.#name)));
    } catch {
      // A full disk, say. The lock is free from now on, so the next worker does it.
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

/** What tells this process from all others. */
export function uniqueName(): string {
  return `${Deno.pid}x${crypto.randomUUID().slice(0, 8)}`;
}
