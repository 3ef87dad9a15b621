// Reads, extends, restores and removes the jobs' files.
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
   * The contents of a job's file; undefined if it does not exist.
   *
   * @throws QueueError `damaged`
   */
  read(id: string): Decoded | undefined {
    const path = jobPath(this.#dataDir, id);
    const readText = () => ignoreNotFound(() => this.#files.readText(path));
    let text: string | undefined;
    try {
      text = readText();
    } catch (error) {
      // Something other than a file, or a file that we may not read, counts as damaged. Other
      // errors may go away.
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
   * Whether a ticket belongs to a removed job whose id a newer job has: it is not a link to the
   * newer job's file, which has a ticket of its own. (In a folder that was copied without its hard
   * links, no file has a second name, and no ticket counts as a leftover.)
   */
  isLeftover(id: string, ticket: FileInfo): boolean {
    const job = this.#files.info(jobPath(this.#dataDir, id));
    return job?.kind === "file" && job.inode !== ticket.inode && job.links > 1;
  }

  /**
   * Appends the change from `before` to `after`, and the job that it adds. `unended`: the file ends
   * in a torn line.
   */
  append(before: Job, after: Job, unended: boolean, adds?: Job): void {
    const line = encodeChange(before, after, adds);
    if (line === undefined) return;
    const path = jobPath(this.#dataDir, after.id);
    this.#files.append(path, unended ? `\n${line}` : line);
    // Synced before the ticket moves or the added job is made: the ticket's name has the priority
    // and the time and must not be ahead of the file, and there must be no added job without the
    // end that it belongs to.
    const isFirst = adds !== undefined || encodeRevision(before, after) !== undefined;
    if (isFirst) this.#files.sync(path);
  }

  /**
   * Restores a missing job file from its ticket, which is a second link to the contents. Undefined
   * if that is not possible.
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

  /** Makes a job's file from the readable lines of `text`. */
  rewrite(id: string, text: string): void {
    const path = jobPath(this.#dataDir, id);
    this.#files.create(path, goodLines(text, id, path), { sync: true });
  }

  /**
   * Removes a job's logs, then its file. In this order, since once the file is gone, a new job may
   * use the same id, and its logs must stay.
   */
  remove(job: Job): void {
    // One log more than there are known attempts, since an attempt may have begun without a record;
    // and further ones, if records were lost with a damaged file.
    const log = (n: number) => logPath(this.#dataDir, job.id, n);
    for (let n = 1; n <= lastAttempt(job) + 1 || this.#files.info(log(n)) !== undefined; n++) {
      ignoreNotFound(() => this.#files.remove(log(n)));
    }
    this.#files.remove(jobPath(this.#dataDir, job.id));
  }
}
