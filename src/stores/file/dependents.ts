// Who waits for a job: found from the job that ended, without a look at any other.
//
//   queue/dependents/<id>/~<unique>    those that came together to wait for `id`, one a line:
//                                      the name of the ticket in queue/blocked, and `~any` after it
//                                      where the job may end whichever way
//   queue/settling/<id>~<unique>       a mark: `id` has ended, or is gone, and those that wait for
//                                      it have yet to be told
//
// It is an index, as tickets are: the jobs' files are the facts, from which `storage check`, a
// restore and the first start after a boot make it anew. It holds by two rules of order.
// Who lets a job wait lays down the line first, then looks how the other stands, marks it if that
// has ended, and puts the ticket in its place last. Who ends or removes a job writes that first,
// then looks for lines, marks it if there are any, and moves the ticket last. So of an end and an
// enqueueing at one moment at least one sees the other, and a crash in between leaves a ticket in
// somebody's hands, or a mark. Marks have names of their own, since whoever is done removes those
// alone that were there before it looked.
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

/** A job that waits, as a line names it. */
export interface Waiter {
  readonly ticket: Ticket;
  readonly any: boolean;
}

/** Those that came to wait together, and the file that says so. */
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

/** Tells one that waits from others: what else its line says of it may have been changed since. */
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
  /** Whether this process has marked anything since this was last set back. */
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
   * Lays down who waits for `id`.
   * @param stage the beginning of a path on the way, so that nobody comes across a file that is half
   *   written
   */
  lay(id: string, lines: readonly string[], stage = lineStage(this.#dataDir)): void {
    const name = this.#newName();
    const place = { root: this.#folder, folder: id, name: `~${name}` };
    layLines(this.#files, lines, { ...place, stage: stage + name });
  }

  /** Lays down anew all that a job still waits for, and has it looked at. */
  layAgain(job: Job): void {
    for (const awaited of stillAwaitedBy(job)) {
      this.lay(awaited.id, [waiterLine(job, awaited)]);
      this.mark(awaited.id);
    }
  }

  /** Whether anybody may wait for `id`: one look, which is all that it costs where nobody does. */
  areThere(id: string): boolean {
    return this.#files.info(`${this.#folder}/${id}`) !== undefined;
  }

  /** All that wait for `id`, or have waited. */
  of(id: string): Waiters[] {
    const folder = `${this.#folder}/${id}`;
    return namesIn(this.#files, folder).filter(isWaiters).flatMap((name) => {
      const path = `${folder}/${name}`;
      const text = readOwn(this.#files, path);
      return text === undefined ? [] : { path, all: text.split("\n").flatMap(parseLine) };
    });
  }

  /** The ids that somebody waits for, or has waited for. */
  awaited(): string[] {
    return namesIn(this.#files, this.#folder).filter(isJobId);
  }

  /** Removes those that have been told, and the folder of `id` if none are left. */
  forget(id: string, told: readonly Waiters[]): void {
    for (const { path } of told) ignoreNotFound(() => this.#files.remove(path));
    removeIfEmpty(this.#files, `${this.#folder}/${id}`);
  }

  /** Notes that those that wait for `id` have to be told. */
  mark(id: string): void {
    this.hasNews = true;
    const path = `${this.#marks}/${id}~${this.#newName()}`;
    const make = () => (this.#files.create(path, ""), true);
    if (ignoreNotFound(make) === undefined) {
      makeUnlessThere(this.#files, this.#marks);
      make();
    }
  }

  /** Marks a job that has ended, or is gone. */
  markIfEnded(id: string): void {
    if (this.hasEnded(id)) this.mark(id);
  }

  /** Whether nothing more becomes of a job; also where its file can't be read. */
  hasEnded(id: string): boolean {
    try {
      return isFinal(fateOf(this.#jobs.read(id)?.job));
    } catch (error) {
      if (error instanceof QueueError) return true;
      throw error;
    }
  }

  /** The marks there are, by the ids that they are about. */
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

/** Whether a name in the folder of an awaited job is that of a file of lines. */
export function isWaiters(name: string): boolean {
  return /^~[A-Za-z0-9]+$/.test(name);
}

/** Whether a file in the folder of marks is one. */
export function isMark(name: string): boolean {
  return MARK.test(name);
}

function parseLine(line: string): Waiter[] {
  const any = line.endsWith(ANY);
  const ticket = parseTicket(any ? line.slice(0, -ANY.length) : line);
  return ticket === undefined ? [] : [{ ticket, any }];
}
