// An index of which jobs wait for a job, so that they are found from the job that ended, without
// looking at any others.
//
//   queue/dependents/<id>/~<unique>    those that came to wait for `id`, at most a hundred, one a
//                                      line: the name of the ticket in queue/blocked, and `~any`
//                                      after it where the job may end whichever way
//   queue/settling/<id>~<unique>       a mark: `id` has ended, or is gone, and those that wait for
//                                      it have yet to be told
//
// Like tickets it is only an index: the jobs' files have the facts, and `storage check`, a restore
// and the first start after a boot make it again from them. It is correct because of two rules of
// order. Whoever makes a job wait first writes the line, then looks whether the other job has
// ended, marks it if so, and moves the ticket to its place last. Whoever ends or removes a job
// first writes that, then looks for lines, marks the job if there are any, and moves the ticket
// last. So if an end and an enqueueing happen at the same time, at least one sees the other, and a
// crash in between leaves a held ticket or a mark. Marks have unique names, since whoever has told
// all dependents removes only the marks that were there before it looked.
import { type Awaited, fateOf, isFinal, stillAwaitedBy } from "../../queue/dependencies.ts";
import { QueueError } from "../../queue/errors.ts";
import { isJobId, type Job } from "../../queue/job.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound, makeUnlessThere, namesIn, removeIfEmpty } from "./bucketed_index.ts";
import { JobFiles } from "./job_files.ts";
import { arrival, parseTicket, type Ticket, timedName } from "./layout.ts";
import { layLines, lineStage, readOwn } from "./line_files.ts";

/** So many stand in one file at most: whoever tells them goes on with the next one. */
const MOST = 100;
/** The links of a folder without folders, where a file system counts them. */
const EMPTY = 2;
const ANY = "~any";
const MARK = /^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})~[A-Za-z0-9]+$/;

/** A waiting job, as a line names it. */
export interface Waiter {
  readonly ticket: Ticket;
  readonly any: boolean;
}

/** The line for a job that waits for another one. */
export function waiterLine(job: Job, { any }: Pick<Awaited, "any">): string {
  const { priority, createdAt, sequence, id, queue } = job;
  const ticket: Ticket = { at: createdAt, priority, createdAt, sequence, tag: "b", id, queue };
  return timedName(ticket) + (any ? ANY : "");
}

/** Identifies a waiting job. Only these parts of its line can't change. */
export function waiterKey(ticket: Pick<Ticket, "id" | "createdAt" | "sequence">, any: boolean) {
  return `${arrival(ticket)}.${ticket.id}${any ? ANY : ""}`;
}

export class Dependents {
  readonly #files: FileSystem;
  readonly #dataDir: string;
  readonly #folder: string;
  readonly #marks: string;
  readonly #unique: string;
  readonly #jobs: JobFiles;
  #made = 0;
  /** Whether this process has marked anything since this was last reset. */
  hasNews = false;

  /** Whether this file system counts the folders in a folder; undefined if nobody has asked. */
  #areCounted: boolean | undefined;

  /** `unique`: letters and digits that no other process has. */
  constructor(files: FileSystem, dataDir: string, unique: string) {
    this.#files = files;
    this.#dataDir = dataDir;
    this.#folder = `${dataDir}/queue/dependents`;
    this.#marks = `${dataDir}/queue/settling`;
    this.#unique = unique;
    this.#jobs = new JobFiles(files, dataDir);
  }

  /**
   * Writes a file of jobs that wait for `id`.
   *
   * @param stage the beginning of a temporary path, so that nobody sees a half-written file
   */
  lay(id: string, lines: readonly string[], stage = lineStage(this.#dataDir)): void {
    // In the order of priority, since they are told in this order.
    const sorted = lines.toSorted((a, b) =>
      rankOf(a) < rankOf(b) ? -1 : rankOf(a) > rankOf(b) ? 1 : 0
    );
    for (let first = 0; first < sorted.length; first += MOST) {
      const name = this.#newName();
      const place = { root: this.#folder, folder: id, name: `~${name}` };
      layLines(this.#files, sorted.slice(first, first + MOST), { ...place, stage: stage + name });
    }
  }

  /** Writes again which jobs a job waits for, and marks them so that they are looked at. */
  layAgain(job: Job): void {
    for (const awaited of stillAwaitedBy(job)) {
      this.lay(awaited.id, [waiterLine(job, awaited)]);
      this.mark(awaited.id);
    }
  }

  /** Whether any job may wait for `id`. If none waits for any, this costs a single look. */
  areThere(id: string): boolean {
    return !this.#areNone() && this.#files.info(`${this.#folder}/${id}`) !== undefined;
  }

  /**
   * Whether surely no job waits for any. Most file systems count in the links of a folder which
   * folders are in it. That is asked since each job asks when it ends, and a look at a path where
   * nothing is costs an error, which takes longer than the job's other files.
   */
  #areNone(): boolean {
    const linksOf = (folder: string) => this.#files.info(folder)?.links ?? 0;
    // Where folders are counted, the folder above has more: this one is in it.
    this.#areCounted ??= linksOf(`${this.#dataDir}/queue`) > EMPTY;
    return this.#areCounted && linksOf(this.#folder) === EMPTY;
  }

  /** All that wait for `id`, or have waited. */
  of(id: string): Waiter[] {
    return this.files(id).flatMap((path) => this.read(path));
  }

  /** The files that say who waits for `id`, in the order in which they were laid down. */
  files(id: string): string[] {
    const folder = `${this.#folder}/${id}`;
    return namesIn(this.#files, folder).filter(isWaiters).sort().map((name) => `${folder}/${name}`);
  }

  /** Those that one of these files names; none if it is gone. */
  read(path: string): Waiter[] {
    return readOwn(this.#files, path)?.split("\n").flatMap(parseLine) ?? [];
  }

  /** The ids that any job waits for, or has waited for. */
  awaited(): string[] {
    return namesIn(this.#files, this.#folder).filter(isJobId);
  }

  /** Removes a file of those that have all been told. */
  forget(path: string): void {
    ignoreNotFound(() => this.#files.remove(path));
  }

  /** Removes the folder of `id` if nobody waits for it any more. */
  tidy(id: string): void {
    removeIfEmpty(this.#files, `${this.#folder}/${id}`);
  }

  /** Marks that the jobs waiting for `id` have to be told. */
  mark(id: string): void {
    this.hasNews = true;
    const path = `${this.#marks}/${id}~${this.#newName()}`;
    const make = () => (this.#files.create(path, ""), true);
    if (ignoreNotFound(make) === undefined) {
      makeUnlessThere(this.#files, this.#marks);
      make();
    }
  }

  /** Marks a job if it has ended or was removed. */
  markIfEnded(id: string): void {
    if (this.hasEnded(id)) this.mark(id);
  }

  /** Whether a job has ended or was removed; also true if its file can't be read. */
  hasEnded(id: string): boolean {
    try {
      return isFinal(fateOf(this.#jobs.read(id)?.job));
    } catch (error) {
      if (error instanceof QueueError) return true;
      throw error;
    }
  }

  /** All marks, by the ids of the jobs. */
  marks(): Map<string, string[]> {
    const marks = new Map<string, string[]>();
    for (const name of namesIn(this.#files, this.#marks)) {
      const id = MARK.exec(name)?.[1];
      if (id !== undefined) marks.set(id, [...marks.get(id) ?? [], name]);
    }
    return marks;
  }

  unmark(names: readonly string[]): void {
    for (const name of names) ignoreNotFound(() => this.#files.remove(`${this.#marks}/${name}`));
  }

  /** Sorts by when it was made. */
  #newName(): string {
    const count = (this.#made++).toString(36).padStart(5, "0");
    return `${Date.now().toString(36)}x${this.#unique}x${count}`;
  }
}

/** The part of a line that sorts by priority. */
function rankOf(line: string): string {
  return line.slice(14, 21);
}

/** Whether a name in the folder of an awaited job is that of a file of lines. */
export function isWaiters(name: string): boolean {
  return /^~[A-Za-z0-9]+$/.test(name);
}

/** Whether a name in the folder of marks is valid. */
export function isMark(name: string): boolean {
  return MARK.test(name);
}

function parseLine(line: string): Waiter[] {
  const any = line.endsWith(ANY);
  const ticket = parseTicket(any ? line.slice(0, -ANY.length) : line);
  return ticket === undefined ? [] : [{ ticket, any }];
}
