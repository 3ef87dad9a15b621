// Adding jobs, all or none, and on disk when it returns. Each job is written once, to a file that is first staged, then
// linked under its id (which fails if the id is taken), and last moved into the queue as its ticket: the ticket is a second
// name of the job's file. Until the batch is complete a crash takes all of it back; after that, somebody completes it.
import type { Job } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import { dueAt, type Waiting } from "../../queue/job.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { join } from "../../system/paths.ts";
import { encodeRequest } from "./codec.ts";
import {
  arrivalOf,
  bucketName,
  jobFolder,
  jobPath,
  laterSlice,
  parseTicket,
  readyName,
  readySlice,
  type Ticket,
  timedName,
} from "./layout.ts";
import { BUCKET_SIZE, ifFound, type Shelf } from "./shelf.ts";

/** So many jobs are cheaper to sync one by one than with the whole file system. */
const FEW = 32;
/** A staged folder of this ending is complete: what is in it belongs into the queue. */
const COMPLETE = ".complete";

export interface Shelves {
  readonly ready: Shelf;
  readonly later: Shelf;
}

/** The ticket of a waiting job, and whether it is due at `now`. */
export function waitingTicket(job: Job, status: Waiting, now: number): { ticket: Ticket; ready: boolean } {
  const due = dueAt(status);
  const { priority, createdAt, sequence, id } = job;
  const tag = status.state === "failed" ? "f" : "p";
  return {
    ticket: { at: Math.max(due, createdAt), priority, createdAt, sequence, tag, id },
    ready: due <= now,
  };
}

/** Jobs on their way into the queue. Make one for each batch. */
export class Staging {
  readonly #files: FileSystem;
  readonly #dataDir: string;
  readonly #shelves: Shelves;
  readonly #folder: string;
  readonly #made = new Set<string>();
  /** Job folders whose new names must reach the disk. */
  readonly #touched = new Set<string>();
  #group = 0;
  /** The group that is filled, for each shelf and priority: all of one become a bucket. */
  readonly #open = new Map<string, { name: string; size: number }>();

  /** `name`: unique; who makes this holds the lock of that name. */
  constructor(files: FileSystem, dataDir: string, shelves: Shelves, name: string) {
    this.#files = files;
    this.#dataDir = dataDir;
    this.#shelves = shelves;
    this.#folder = join(dataDir, "tmp", name);
  }

  /** @throws QueueError `duplicate_id`; then, as after any error, nothing was added. */
  add(jobs: Iterable<Job>, now: number): number {
    const first: Job[] = [];
    const rest = jobs[Symbol.iterator]();
    let next = rest.next();
    for (; !next.done && first.length <= FEW; next = rest.next()) first.push(next.value);
    const few = next.done === true;
    let added = 0;
    try {
      this.#files.makeFolder(this.#folder);
      for (const job of first) this.#stage(job, now, few), added++;
      for (; !next.done; next = rest.next()) this.#stage(next.value, now, few), added++;
      if (few) { for (const folder of this.#touched) this.#files.sync(folder); }
      else this.#files.syncAll(this.#dataDir);
      if (added > 1) this.#files.rename(this.#folder, this.#folder + COMPLETE);
      else complete(this.#files, this.#shelves, this.#folder); // one rename, so there is nothing to commit before
    } catch (error) {
      takeBack(this.#files, this.#dataDir, this.#folder);
      throw error;
    }
    if (added > 1) complete(this.#files, this.#shelves, this.#folder + COMPLETE);
    return added;
  }

  #stage(job: Job, now: number, few: boolean): void {
    const { ticket, ready } = waitingTicket(job, job.status as Waiting, now);
    const name = ready ? readyName(ticket) : timedName(ticket);
    const staged = `${this.#folder}/${this.#groupFor(ready, ticket, few)}/${name}`;
    const folder = jobFolder(this.#dataDir, job.id);
    if (!this.#made.has(folder)) {
      this.#made.add(folder);
      if (makeUnlessThere(this.#files, folder) && few) this.#touched.add(join(this.#dataDir, "jobs"));
    }
    try {
      this.#files.create(staged, encodeRequest(job), { sync: few });
      this.#files.link(staged, jobPath(this.#dataDir, job.id));
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      throw new QueueError("duplicate_id", `Cannot enqueue job "${job.id}": a job with this id exists`, {
        hint: `See it: queuectl job show ${job.id}`,
      });
    }
    if (few) this.#touched.add(folder);
  }

  /** The folder within the staged one that a ticket goes into. */
  #groupFor(ready: boolean, ticket: Ticket, few: boolean): string {
    const key = few ? (ready ? "r" : "l") : ready ? `r${ticket.priority}` : "l";
    let group = this.#open.get(key);
    if (group === undefined || !few && group.size >= BUCKET_SIZE) {
      // A few go into the buckets of their time, many become buckets of their own.
      group = { name: `${ready ? "ready" : "later"}${few ? "" : "+"}${this.#group++}`, size: 0 };
      this.#files.makeFolder(`${this.#folder}/${group.name}`);
      this.#open.set(key, group);
    }
    group.size++;
    return group.name;
  }
}

/** Finishes or takes back what a process left staged that is no more. The caller holds the lock of `name`. */
export function resolveStaged(files: FileSystem, dataDir: string, shelves: Shelves, name: string): void {
  const folder = join(dataDir, "tmp", name);
  complete(files, shelves, folder + COMPLETE);
  takeBack(files, dataDir, folder);
}

/** Moves all that is staged in a complete folder into the queue, and removes the folder. */
function complete(files: FileSystem, shelves: Shelves, folder: string): void {
  const touched = new Set<string>();
  for (const group of ifFound(() => files.names(folder)) ?? []) {
    const shelf = group.startsWith("ready") ? shelves.ready : shelves.later;
    const names = files.names(`${folder}/${group}`);
    touched.add(shelf.folder);
    if (group.includes("+")) {
      if (names.length > 0) files.rename(`${folder}/${group}`, shelf.path(bucketOf(names, folder + group)));
      else files.removeFolder(`${folder}/${group}`);
      continue;
    }
    for (const name of names) {
      const ticket = parseTicket(name);
      if (ticket === undefined) continue;
      const bucket = shelf === shelves.ready ? readySlice(ticket) : laterSlice(ticket);
      shelf.put(`${folder}/${group}/${name}`, bucket, name);
      touched.add(shelf.path(bucket));
    }
    files.removeFolder(`${folder}/${group}`);
  }
  for (const path of touched) ifFound(() => files.sync(path));
  ifFound(() => files.removeFolder(folder));
  for (const shelf of [shelves.ready, shelves.later]) {
    if (touched.has(shelf.folder)) files.touch(shelf.folder);
  }
}

function bucketOf(names: string[], unique: string): string {
  let lower = names[0]!;
  let newest = "";
  for (const name of names) {
    if (name < lower) lower = name;
    if (arrivalOf(name) > newest) newest = arrivalOf(name);
  }
  return bucketName({
    lower: lower.slice(0, 43),
    newest,
    count: names.length,
    unique: unique.replace(/[^A-Za-z0-9]/g, "").slice(-24),
  });
}

/** Takes back all that is staged in a folder that is not complete. Only files that came from it are removed. */
function takeBack(files: FileSystem, dataDir: string, folder: string): void {
  for (const group of ifFound(() => files.names(folder)) ?? []) {
    for (const name of files.names(`${folder}/${group}`)) {
      const staged = `${folder}/${group}/${name}`;
      const id = parseTicket(name)?.id;
      const job = id === undefined ? undefined : jobPath(dataDir, id);
      if (job !== undefined && files.info(job)?.inode === files.info(staged)?.inode) files.remove(job);
      files.remove(staged);
    }
    files.removeFolder(`${folder}/${group}`);
  }
  ifFound(() => files.removeFolder(folder));
}

/** Makes a folder; whether it was not there before. */
export function makeUnlessThere(files: FileSystem, path: string): boolean {
  try {
    files.makeFolder(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}
