// Adds jobs, all or none, and durably when it returns. Each job is written once, to a staged file.
// That file is linked under the job's id (which fails if the id exists) and finally moved into the
// queue as the job's ticket, so the ticket is a second name of the job's file. If a crash comes
// before the batch is complete, all of it is undone; after that, the next process completes it.
import type { Job } from "../../queue/job.ts";
import { idIsTaken } from "../../queue/errors.ts";
import { type Blocked, isDue, turnTime, type Waiting } from "../../queue/job.ts";
import type { WaitLines } from "./wait_lines.ts";
import { nameOf } from "../../system/paths.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { join } from "../../system/paths.ts";
import { encodeRequest } from "./codec.ts";
import {
  bucketName,
  isTicket,
  jobFolder,
  jobPath,
  laterSlice,
  parseTicket,
  type Ticket,
  type WaitingFolder,
  waitingName,
  waitingSlice,
} from "./layout.ts";
import {
  BUCKET_SIZE,
  type BucketedIndex,
  ignoreNotFound,
  makeUnlessThere,
  namesIn,
  newestOf,
  removeIfEmpty,
} from "./bucketed_index.ts";

/**
 * In the staged name of a single job, this is between the name of the process that adds it and the
 * name of its ticket.
 */
export const ONE = "~";
/** A staged folder with this ending is complete: its jobs belong to the queue. */
const COMPLETE = ".complete";

export type WaitingIndexes = Readonly<Record<WaitingFolder, BucketedIndex>>;

/** The ticket of a waiting job, and the folder of the queue that it belongs to at `now`. */
export function waitingTicket(
  job: Job,
  status: Waiting | Blocked,
  now: number,
): { ticket: Ticket; folder: WaitingFolder } {
  const { priority, createdAt, sequence, id, queue } = job;
  if (status.state === "blocked") {
    const ticket: Ticket = { at: createdAt, priority, createdAt, sequence, tag: "b", id, queue };
    return { ticket, folder: "blocked" };
  }
  const tag = status.state === "failed" ? "f" : "p";
  return {
    ticket: { at: turnTime(job, status), priority, createdAt, sequence, tag, id, queue },
    folder: isDue(status, now) ? "ready" : "later",
  };
}

/** Enqueues one batch of jobs. */
export class Staging {
  readonly #files: FileSystem;
  readonly #dataDir: string;
  readonly #indexes: WaitingIndexes;
  readonly #folder: string;
  /** Folders with new names that have to be synced. */
  readonly #touched = new Set<string>();
  #group = 0;
  /** The group that is being filled, for each index and priority. Each group becomes a bucket. */
  readonly #open = new Map<string, { name: string; size: number }>();
  #isUnfinished = false;
  readonly #lines: WaitLines | undefined;

  /**
   * @param name unique; the caller holds the lock of that name
   *
   * @param lines records which jobs wait for which; may be left out if no job waits for others
   */
  constructor(
    files: FileSystem,
    dataDir: string,
    indexes: WaitingIndexes,
    name: string,
    lines?: WaitLines,
  ) {
    this.#lines = lines;
    this.#files = files;
    this.#dataDir = dataDir;
    this.#indexes = indexes;
    this.#folder = join(dataDir, "tmp", name);
  }

  /** Whether all jobs were added, but the next process has to complete something. */
  get isUnfinished(): boolean {
    return this.#isUnfinished;
  }

  /** @throws QueueError `duplicate_id`; then, as after any error, nothing was added. */
  add(jobs: Iterable<Job>, now: number): number {
    const rest = jobs[Symbol.iterator]();
    const [first, second] = [rest.next(), rest.next()];
    if (!first.done && second.done) return this.#addOne(first.value, now);
    let added = 0;
    try {
      this.#files.makeFolder(this.#folder);
      if (!first.done) this.#stage(first.value, now), added++;
      for (let next = second; !next.done; next = rest.next()) this.#stage(next.value, now), added++;
      this.#lines?.layAll();
      this.#files.syncAll(this.#dataDir);
      this.#files.rename(this.#folder, this.#folder + COMPLETE);
    } catch (error) {
      takeBack(this.#files, this.#dataDir, this.#folder);
      throw error;
    }
    // From here on the batch is in the queue, whatever happens. If this fails, the next process
    // completes it.
    try {
      complete(this.#files, this.#indexes, this.#folder + COMPLETE);
    } catch {
      this.#isUnfinished = true;
    }
    return added;
  }

  /**
   * Adds a single job. It needs no folder: it is added at the moment when its ticket is in the
   * queue.
   */
  #addOne(job: Job, now: number): number {
    const { ticket, folder } = waitingTicket(job, job.status as Waiting | Blocked, now);
    const index = this.#indexes[folder];
    const name = waitingName(folder, ticket);
    const bucket = waitingSlice(folder, ticket);
    const staged = `${this.#folder}${ONE}${name}`;
    let isNew: boolean;
    try {
      this.#write(job, staged, true);
      this.#lines?.layAll();
      for (const touched of this.#touched) this.#files.sync(touched);
      isNew = index.put(staged, bucket, name);
    } catch (error) {
      takeBackOne(this.#files, this.#dataDir, staged);
      throw error;
    }
    // From here on the job is added, whatever happens. A worker may have taken it, and its bucket
    // may be gone.
    try {
      this.#files.sync(index.path(bucket));
      if (isNew) this.#files.sync(index.folder);
    } catch {
      // The job's file is on disk. If a power cut loses its ticket, a check finds that.
    }
    if (folder !== "blocked") wake(this.#files, index);
    return 1;
  }

  #stage(job: Job, now: number): void {
    const { ticket, folder } = waitingTicket(job, job.status as Waiting | Blocked, now);
    const name = waitingName(folder, ticket);
    this.#write(job, `${this.#folder}/${this.#groupFor(folder, ticket)}/${name}`, false);
  }

  /** Writes a job's file under its staged name and links it under its id. */
  #write(job: Job, staged: string, sync: boolean): void {
    const folder = jobFolder(this.#dataDir, job.id);
    try {
      this.#files.create(staged, encodeRequest(job), { sync });
      if (
        ignoreNotFound(() => (this.#files.link(staged, jobPath(this.#dataDir, job.id)), true)) ===
          undefined
      ) {
        if (makeUnlessThere(this.#files, folder) && sync) {
          this.#touched.add(join(this.#dataDir, "jobs"));
        }
        this.#files.link(staged, jobPath(this.#dataDir, job.id));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      throw idIsTaken(job.id);
    }
    if (sync) this.#touched.add(folder);
    if (job.status.state === "blocked" || job.startBy !== null) this.#lines!.note(job);
  }

  /** The folder within the staged one for a ticket. */
  #groupFor(folder: WaitingFolder, ticket: Ticket): string {
    // Jobs that fall due later are grouped by the minute, so that buckets do not overlap; see
    // falling_due.ts.
    const key = folder === "blocked"
      ? folder
      : folder === "ready"
      ? `r${ticket.priority}`
      : `l${laterSlice(ticket)}`;
    let group = this.#open.get(key);
    if (group === undefined || group.size >= BUCKET_SIZE) {
      group = { name: `${folder}${this.#group++}`, size: 0 };
      this.#files.makeFolder(`${this.#folder}/${group.name}`);
      this.#open.set(key, group);
    }
    group.size++;
    return group.name;
  }
}

/** The ids of jobs that are being enqueued. */
export function stagedIds(dataDir: string, files: FileSystem): Set<string> {
  const { committed, uncommitted } = lookAtStaged(dataDir, files);
  return committed.union(uncommitted);
}

/**
 * The ids of jobs that are being enqueued: those of complete batches, which belong to the queue
 * whatever happens, and others. Ids that belong to existing jobs, so that the new ones will be
 * refused, are left out.
 */
export function lookAtStaged(
  dataDir: string,
  files: FileSystem,
): { committed: Set<string>; uncommitted: Set<string> } {
  const found = { committed: new Set<string>(), uncommitted: new Set<string>() };
  const tmp = `${dataDir}/tmp`;
  for (const stage of namesIn(files, tmp)) {
    const ids = stage.endsWith(COMPLETE) ? found.committed : found.uncommitted;
    const note = (path: string) => {
      const id = idOf(path);
      if (id !== undefined && !isTaken(files, dataDir, id, path)) ids.add(id);
    };
    note(`${tmp}/${stage}`);
    for (const group of groupsIn(files, `${tmp}/${stage}`)) {
      for (const name of namesIn(files, `${tmp}/${stage}/${group}`)) {
        note(`${tmp}/${stage}/${group}/${name}`);
      }
    }
  }
  return found;
}

/** The id of the job that is staged at a path; undefined if it is not a staged job. */
function idOf(staged: string): string | undefined {
  const start = Math.max(staged.lastIndexOf("/"), staged.lastIndexOf(ONE)) + 1;
  return parseTicket(staged.slice(start))?.id;
}

/** Whether the id of a staged job belongs to another job, so that it will be refused. */
function isTaken(files: FileSystem, dataDir: string, id: string, staged: string): boolean {
  const info = files.info(staged);
  if (info?.links !== 1) return false; // it is linked under its id, or has moved
  const job = files.info(jobPath(dataDir, id));
  return job !== undefined && job.inode !== info.inode;
}

/** Completes or undoes what a dead process left staged. The caller holds the lock of `name`. */
export function resolveStaged(
  files: FileSystem,
  dataDir: string,
  indexes: WaitingIndexes,
  name: string,
): void {
  const folder = join(dataDir, "tmp", name);
  complete(files, indexes, folder + COMPLETE);
  takeBack(files, dataDir, folder);
  for (const staged of namesIn(files, join(dataDir, "tmp"))) {
    if (staged.startsWith(name + ONE)) takeBackOne(files, dataDir, join(dataDir, "tmp", staged));
  }
}

/** The groups within a staged folder. Other things that somebody has put there stay. */
function groupsIn(files: FileSystem, folder: string): string[] {
  return namesIn(files, folder).filter((name) => GROUP.test(name));
}

const GROUP = /^(ready|later|blocked)\+?\d+$/;

/** Moves everything in a complete folder into the queue, and removes the folder. */
function complete(files: FileSystem, indexes: WaitingIndexes, folder: string): void {
  const groups = groupsIn(files, folder);
  if (groups.length === 0) return removeIfEmpty(files, folder);
  const touched = new Set<string>();
  for (const group of groups) {
    const kind = GROUP.exec(group)![1] as WaitingFolder;
    const index = indexes[kind];
    const names = namesIn(files, `${folder}/${group}`).filter(isTicket);
    touched.add(index.folder);
    if (names.length === 0) removeIfEmpty(files, `${folder}/${group}`);
    else files.rename(`${folder}/${group}`, index.path(bucketOf(names, folder, group)));
  }
  for (const path of touched) ignoreNotFound(() => files.sync(path));
  removeIfEmpty(files, folder);
  for (const index of [indexes.ready, indexes.later]) {
    if (touched.has(index.folder)) files.touch(index.folder);
  }
}

function bucketOf(names: string[], folder: string, group: string): string {
  const stage = nameOf(folder).slice(0, -COMPLETE.length);
  return bucketName({
    lower: names.reduce((a, b) => a < b ? a : b).slice(0, 43),
    newest: newestOf(names),
    count: names.length,
    unique: `${stage}${group}`.replace(/[^A-Za-z0-9]/g, ""),
  });
}

/**
 * Undoes everything in a staged folder that is not complete. Only files that came from it are
 * removed.
 */
function takeBack(files: FileSystem, dataDir: string, folder: string): void {
  for (const group of groupsIn(files, folder)) {
    for (const name of namesIn(files, `${folder}/${group}`)) {
      takeBackOne(files, dataDir, `${folder}/${group}/${name}`);
    }
    removeIfEmpty(files, `${folder}/${group}`);
  }
  removeIfEmpty(files, folder);
}

function takeBackOne(files: FileSystem, dataDir: string, staged: string): void {
  const info = files.info(staged);
  if (info === undefined) return;
  const id = idOf(staged);
  const job = id === undefined ? undefined : jobPath(dataDir, id);
  if (job !== undefined && files.info(job)?.inode === info.inode) files.remove(job);
  files.remove(staged);
}

/** Wakes waiting workers. */
export function wake(files: FileSystem, index: BucketedIndex): void {
  try {
    files.touch(index.folder);
  } catch {
    // They also look now and then by themselves.
  }
}
