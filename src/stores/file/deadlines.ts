// Which jobs have to begin by when (`--start-by`), so that expired ones are found without looking
// at others:
//
//   queue/deadlines/<minute>/<second>~<unique>   names of tickets, one a line, each beginning with
//                                                the time by which the job has to begin
//
// A file is written before the jobs' own tickets, and removed when its second has passed and all of
// its jobs were looked at. It only says when to look; the jobs' files have the facts.
import type { Job } from "../../queue/job.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound, namesIn, removeIfEmpty } from "./bucketed_index.ts";
import { laterSlice, parseTicket, type Ticket, timedName } from "./layout.ts";
import { layLines, lineStage, readOwn } from "./line_files.ts";

const SECOND = 1000;
const NAME = /^(\d{13})~[A-Za-z0-9]+$/;

/** Jobs whose time has passed, and the file that lists them. */
export interface Due {
  readonly path: string;
  readonly tickets: readonly Ticket[];
}

/** Whether a name in the folder of a minute is valid. */
export function isDeadlines(name: string): boolean {
  return NAME.test(name);
}

export class Deadlines {
  readonly #files: FileSystem;
  readonly #dataDir: string;
  readonly #folder: string;
  readonly #unique: string;
  #made = 0;

  /** `unique`: letters and digits that no other process has. */
  constructor(files: FileSystem, dataDir: string, unique: string) {
    this.#files = files;
    this.#dataDir = dataDir;
    this.#folder = `${dataDir}/queue/deadlines`;
    this.#unique = unique;
  }

  /**
   * Writes the deadlines of jobs.
   * @param stage the beginning of a temporary path
   */
  lay(jobs: Iterable<Job>, stage = lineStage(this.#dataDir)): void {
    const bySecond = new Map<number, string[]>();
    for (const { id, priority, createdAt, sequence, startBy } of jobs) {
      if (startBy === null) continue;
      const second = Math.ceil(startBy / SECOND) * SECOND;
      const lines = bySecond.get(second) ?? [];
      lines.push(timedName({ at: startBy, priority, createdAt, sequence, tag: "p", id }));
      bySecond.set(second, lines);
    }
    for (const [second, lines] of bySecond) this.#layOne(second, lines, stage);
  }

  #layOne(second: number, lines: readonly string[], stage: string): void {
    const unique = `${this.#unique}${Date.now().toString(36)}y${(this.#made++).toString(36)}`;
    const name = `${String(Math.max(0, second)).padStart(13, "0").slice(-13)}~${unique}`;
    const place = { root: this.#folder, folder: laterSlice({ at: second }), name };
    layLines(this.#files, lines, { ...place, stage: stage + unique });
  }

  /** The files whose time has passed. */
  due(now: number): Due[] {
    const due: Due[] = [];
    for (const minute of namesIn(this.#files, this.#folder)) {
      if (!/^\d{13}$/.test(minute) || Number(minute) > now) continue;
      const folder = `${this.#folder}/${minute}`;
      const names = namesIn(this.#files, folder);
      if (names.length === 0) removeIfEmpty(this.#files, folder);
      for (const name of names) {
        const second = NAME.exec(name)?.[1];
        if (second === undefined || Number(second) >= now) continue;
        const text = readOwn(this.#files, `${folder}/${name}`);
        if (text === undefined) continue;
        const tickets = text.split("\n").flatMap((line) => parseTicket(line) ?? []);
        due.push({ path: `${folder}/${name}`, tickets });
      }
    }
    return due;
  }

  /** Removes a file after all of its jobs were looked at. */
  forget({ path }: Due): void {
    ignoreNotFound(() => this.#files.remove(path));
  }
}
