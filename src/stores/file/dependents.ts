// An index of which jobs wait for a job, so that they are found from the job that ended, without
// looking at any others.
//
//   queue/dependents/<id>/~<unique>    jobs that began together to wait for `id`, one a line: the
//                                      name of the ticket in queue/blocked, followed by `~any` if
//                                      `id` may end in any way
//   queue/settling/<id>~<unique>       a mark: `id` has ended or was removed, and the jobs that wait
//                                      for it have yet to be told
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

const ANY = "~any";
const MARK = /^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})~[A-Za-z0-9]+$/;

/** A waiting job, as a line names it. */
export interface Waiter {
  readonly ticket: Ticket;
  readonly any: boolean;
}

/** Jobs that began to wait together, and the file that lists them. */
export interface Waiters {
  readonly path: string;
  readonly all: readonly Waiter[];
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
    const name = this.#newName();
    const place = { root: this.#folder, folder: id, name: `~${name}` };
    layLines(this.#files, lines, { ...place, stage: stage + name });
  }

  /** Writes again which jobs a job waits for, and marks them so that they are looked at. */
  layAgain(job: Job): void {
    for (const awaited of stillAwaitedBy(job)) {
      this.lay(awaited.id, [waiterLine(job, awaited)]);
      this.mark(awaited.id);
    }
  }

  /** Whether any job may wait for `id`. If none does, this one look is all the cost. */
  areThere(id: string): boolean {
    return this.#files.info(`${this.#folder}/${id}`) !== undefined;
  }

  /** All jobs that wait for `id`, or have waited. */
  of(id: string): Waiters[] {
    const folder = `${this.#folder}/${id}`;
    return namesIn(this.#files, folder).filter(isWaiters).flatMap((name) => {
      const path = `${folder}/${name}`;
      const text = readOwn(this.#files, path);
      return text === undefined ? [] : { path, all: text.split("\n").flatMap(parseLine) };
    });
  }

  /** The ids that any job waits for, or has waited for. */
  awaited(): string[] {
    return namesIn(this.#files, this.#folder).filter(isJobId);
  }

  /** Removes the files of jobs that have been told, and the folder of `id` if it is empty. */
  forget(id: string, told: readonly Waiters[]): void {
    for (const { path } of told) ignoreNotFound(() => this.#files.remove(path));
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

  #newName(): string {
    return `${this.#unique}${Date.now().toString(36)}x${(this.#made++).toString(36)}`;
  }
}

/** Whether a name in the folder of an awaited job is valid. */
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
