// Adding jobs, all or none, and on disk when it returns. Each job is written once, to a file that
// is first staged, then linked under its id (which fails if the id is taken), and last moved into
// the queue as its ticket: the ticket is a second name of the job's file. Until the batch is
// complete a crash takes all of it back; after that, somebody completes it.
import type { Job } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import { type Blocked, isDue, turnTime, type Waiting } from "../../queue/job.ts";
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
} from "./bucketed_index.ts";

/** So many jobs are cheaper to sync one by one than with the whole file system. */
const FEW = 32;
/**
 * Between the name of whoever adds it and that of its ticket, in the name of a job that is staged
 * alone.
 */
const ONE = "~";
/** A staged folder of this ending is complete: what is in it belongs into the queue. */
const COMPLETE = ".complete";

export type WaitingIndexes = Readonly<Record<WaitingFolder, BucketedIndex>>;

/** The ticket of a job that waits, and the folder of the queue that it lies in at `now`. */
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

/** Jobs on their way into the queue. Make one for each batch. */
export class Staging {
  readonly #files: FileSystem;
  readonly #dataDir: string;
  readonly #indexes: WaitingIndexes;
  readonly #folder: string;
  /** Job folders whose new names must reach the disk. */
  readonly #touched = new Set<string>();
  #group = 0;
  /** The group that is filled, for each index and priority: all of one become a bucket. */
  readonly #open = new Map<string, { name: string; size: number }>();
  #isUnfinished = false;

  /** `name`: unique; who makes this holds the lock of that name. */
  constructor(files: FileSystem, dataDir: string, indexes: WaitingIndexes, name: string) {
    this.#files = files;
    this.#dataDir = dataDir;
    this.#indexes = indexes;
    this.#folder = join(dataDir, "tmp", name);
  }

  /** Whether all was added, but something is left that the next process has to do. */
  get isUnfinished(): boolean {
    return this.#isUnfinished;
  }

  /** @throws QueueError `duplicate_id`; then, as after any error, nothing was added. */
  add(jobs: Iterable<Job>, now: number): number {
    const first: Job[] = [];
    const rest = jobs[Symbol.iterator]();
    let next = rest.next();
    for (; !next.done && first.length <= Math.min(FEW, BUCKET_SIZE); next = rest.next()) {
      first.push(next.value);
    }
    if (first.length === 1) return this.#addOne(first[0]!, now);
    const few = next.done === true;
    let added = 0;
    try {
      this.#files.makeFolder(this.#folder);
      for (const job of first) this.#stage(job, now, few), added++;
      for (; !next.done; next = rest.next()) this.#stage(next.value, now, few), added++;
      if (few) { for (const folder of this.#touched) this.#files.sync(folder); }
      else this.#files.syncAll(this.#dataDir);
      this.#files.rename(this.#folder, this.#folder + COMPLETE);
    } catch (error) {
      takeBack(this.#files, this.#dataDir, this.#folder);
      throw error;
    }
    // From here on the batch is in the queue, whatever happens: whoever comes next completes it.
    try {
      complete(this.#files, this.#indexes, this.#folder + COMPLETE);
    } catch {
      this.#isUnfinished = true;
    }
    return added;
  }

  /**
   * One job needs no folder, and no moment from which it is complete: its ticket is in the queue,
   * or it is not.
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
      for (const touched of this.#touched) this.#files.sync(touched);
      isNew = index.put(staged, bucket, name);
    } catch (error) {
      takeBackOne(this.#files, this.#dataDir, staged);
      throw error;
    }
    // From here on a worker may have it, and its bucket may be gone: it was added, whatever happens.
    try {
      this.#files.sync(index.path(bucket));
      if (isNew) this.#files.sync(index.folder);
    } catch {
      // The job's file is on disk. Were its ticket lost, in a power cut, a check would find that.
    }
    if (folder !== "blocked") wake(this.#files, index);
    return 1;
  }

  #stage(job: Job, now: number, few: boolean): void {
    const { ticket, folder } = waitingTicket(job, job.status as Waiting | Blocked, now);
    const name = waitingName(folder, ticket);
    this.#write(job, `${this.#folder}/${this.#groupFor(folder, ticket, few)}/${name}`, few);
  }

  /** Writes a job's file under its staged name and its own. */
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
      throw new QueueError(
        "duplicate_id",
        `Cannot enqueue job "${job.id}": a job with this id exists`,
        {
          hint: `See it: queuectl job show ${job.id}`,
        },
      );
    }
    if (sync) this.#touched.add(folder);
  }

  /** The folder within the staged one that a ticket goes into. */
  #groupFor(folder: WaitingFolder, ticket: Ticket, few: boolean): string {
    // Of many, those that fall due later go by the minute, so that buckets do not overlap; see
    // falling_due.ts.
    const key = few || folder === "blocked"
      ? folder
      : folder === "ready"
      ? `r${ticket.priority}`
      : `l${laterSlice(ticket)}`;
    let group = this.#open.get(key);
    if (group === undefined || !few && group.size >= BUCKET_SIZE) {
      // A few go into the buckets of their time, many become buckets of their own.
      group = { name: `${folder}${few ? "" : "+"}${this.#group++}`, size: 0 };
      this.#files.makeFolder(`${this.#folder}/${group.name}`);
      this.#open.set(key, group);
    }
    group.size++;
    return group.name;
  }
}

/** The ids of jobs that are on their way into the queue. */
export function stagedIds(dataDir: string, files: FileSystem): Set<string> {
  const ids = new Set<string>();
  const note = (name: string) => {
    const ticket = parseTicket(name.slice(name.lastIndexOf(ONE) + 1));
    if (ticket !== undefined) ids.add(ticket.id);
  };
  for (const stage of namesIn(files, `${dataDir}/tmp`)) {
    note(stage);
    for (const group of namesIn(files, `${dataDir}/tmp/${stage}`)) {
      for (const name of namesIn(files, `${dataDir}/tmp/${stage}/${group}`)) note(name);
    }
  }
  return ids;
}

/**
 * Finishes or takes back what a process left staged that is no more. The caller holds the lock of
 * `name`.
 */
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

/** The folders within a staged one; what else somebody has put there stays. */
function groupsIn(files: FileSystem, folder: string): string[] {
  return namesIn(files, folder).filter((name) => GROUP.test(name));
}

const GROUP = /^(ready|later|blocked)\+?\d+$/;

/** Moves all that is staged in a complete folder into the queue, and removes the folder. */
function complete(files: FileSystem, indexes: WaitingIndexes, folder: string): void {
  const groups = groupsIn(files, folder);
  if (groups.length === 0) return removeIfEmpty(files, folder);
  const touched = new Set<string>();
  for (const group of groups) {
    const kind = GROUP.exec(group)![1] as WaitingFolder;
    const index = indexes[kind];
    const names = namesIn(files, `${folder}/${group}`).filter(isTicket);
    touched.add(index.folder);
    if (group.includes("+")) {
      if (names.length > 0) {
        files.rename(`${folder}/${group}`, index.path(bucketOf(names, folder, group)));
      } else removeIfEmpty(files, `${folder}/${group}`);
      continue;
    }
    for (const name of names) {
      const ticket = parseTicket(name)!;
      const bucket = waitingSlice(kind, ticket);
      index.put(`${folder}/${group}/${name}`, bucket, name);
      touched.add(index.path(bucket));
    }
    removeIfEmpty(files, `${folder}/${group}`);
  }
  for (const path of touched) ignoreNotFound(() => files.sync(path));
  removeIfEmpty(files, folder);
  for (const index of [indexes.ready, indexes.later]) {
    if (touched.has(index.folder)) files.touch(index.folder);
  }
}

function removeIfEmpty(files: FileSystem, folder: string): void {
  try {
    files.removeFolder(folder);
  } catch {
    // It is gone, or somebody has put something into it.
  }
}

function bucketOf(names: string[], folder: string, group: string): string {
  const stage = folder.slice(folder.lastIndexOf("/") + 1, -COMPLETE.length);
  return bucketName({
    lower: names.reduce((a, b) => a < b ? a : b).slice(0, 43),
    newest: newestOf(names),
    count: names.length,
    unique: `${stage}${group}`.replace(/[^A-Za-z0-9]/g, ""),
  });
}

/**
 * Takes back all that is staged in a folder that is not complete. Only files that came from it are
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
  const id = parseTicket(
    staged.slice(Math.max(staged.lastIndexOf("/"), staged.lastIndexOf(ONE)) + 1),
  )?.id;
  const job = id === undefined ? undefined : jobPath(dataDir, id);
  if (job !== undefined && files.info(job)?.inode === info.inode) files.remove(job);
  files.remove(staged);
}

/** Tells the workers that wait. */
export function wake(files: FileSystem, index: BucketedIndex): void {
  try {
    files.touch(index.folder);
  } catch {
    // They look now and then without being woken.
  }
}
