// The jobs' own files: reading, adding to, restoring and removing them.
import { type Job, lastAttempt } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import type { FileInfo, FileSystem } from "../../system/file_system.ts";
import { damaged, decode, type Decoded, encodeChange, encodeRevision, goodLines } from "./codec.ts";
import { jobFolder, jobPath, logPath } from "./layout.ts";
import { ignoreNotFound } from "./bucketed_index.ts";

export class JobFiles {
  readonly #files: FileSystem;
  readonly #dataDir: string;

  constructor(files: FileSystem, dataDir: string) {
    this.#files = files;
    this.#dataDir = dataDir;
  }

  /**
   * What a job's file says; undefined if there is none.
   * @throws QueueError `damaged`
   */
  read(id: string): Decoded | undefined {
    const path = jobPath(this.#dataDir, id);
    const readText = () => ignoreNotFound(() => this.#files.readText(path));
    let text: string | undefined;
    try {
      text = readText();
    } catch (error) {
      // Something else in its place will not become readable by trying again; nor will what we may
      // not read.
      if (this.#files.info(path)?.kind !== "file") throw damaged(id, path);
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
      try {
        text = readText();
      } catch {
        throw damaged(id, path);
      }
    }
    return text === undefined ? undefined : decode(text, id, path);
  }

  exists(id: string): boolean {
    return this.#files.info(jobPath(this.#dataDir, id)) !== undefined;
  }

  /**
   * Whether a ticket is one of a job that was removed, whose id a newer job has: it is no name of
   * that one's file, which has a ticket of its own. (In a folder that was copied without regard to
   * hard links no file has another name, and nothing is taken for a leftover.)
   */
  isLeftover(id: string, ticket: FileInfo): boolean {
    const job = this.#files.info(jobPath(this.#dataDir, id));
    return job?.kind === "file" && job.inode !== ticket.inode && job.links > 1;
  }

  /**
   * Adds what turns `before` into `after`, and which job that adds. `unended`: the file ends in a
   * torn line.
   */
  append(before: Job, after: Job, unended: boolean, adds?: Job): void {
    const line = encodeChange(before, after, adds);
    if (line === undefined) return;
    const path = jobPath(this.#dataDir, after.id);
    this.#files.append(path, unended ? `\n${line}` : line);
    // The ticket's name says the priority and the time: it must not know more than the file.
    // Nor must there be another job of an end that is not on file.
    const isFirst = adds !== undefined || encodeRevision(before, after) !== undefined;
    if (isFirst) this.#files.sync(path);
  }

  /**
   * Puts a job's file back in its place if it is missing and its ticket still has the content,
   * being a second name of it. Undefined if that can't be.
   */
  restore(id: string, ticket: string): Decoded | undefined {
    if (this.exists(id)) return undefined;
    try {
      const decoded = decode(this.#files.readText(ticket), id, ticket);
      if (this.#files.info(jobFolder(this.#dataDir, id)) === undefined) {
        this.#files.makeFolder(jobFolder(this.#dataDir, id));
      }
      this.#files.link(ticket, jobPath(this.#dataDir, id));
      return decoded;
    } catch (error) {
      if (error instanceof QueueError || error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Writes a job's file, which is not there, from the lines of `text` that can be read. */
  rewrite(id: string, text: string): void {
    const path = jobPath(this.#dataDir, id);
    this.#files.create(path, goodLines(text, id, path), { sync: true });
  }

  /**
   * Removes a job's logs, then its file. Not the other way round: once the file is gone somebody
   * may add a job of the same id, and that one's logs must stay.
   */
  remove(job: Job): void {
    // One more than are known: an attempt may have begun without a word. More where the words were
    // lost with a damaged file.
    const log = (n: number) => logPath(this.#dataDir, job.id, n);
    for (let n = 1; n <= lastAttempt(job) + 1 || this.#files.info(log(n)) !== undefined; n++) {
      ignoreNotFound(() => this.#files.remove(log(n)));
    }
    this.#files.remove(jobPath(this.#dataDir, job.id));
  }
}
