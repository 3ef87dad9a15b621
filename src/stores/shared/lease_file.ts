// The file in which the lease of this host stands: each renewal replaces it (host_keeper.ts), and
// whoever is about to begin a job reads it.
import { margin } from "../../queue/leases.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { deadlinePath } from "./host_folder.ts";

/**
 * Milliseconds for which a reading is used: a worker asks several times for each job. What it says
 * of the time is compared with the clock at each question, and a job that is to begin under an old
 * epoch is refused by the shell.
 */
const USED_FOR = 20;

export class LeaseFile {
  readonly #files: FileSystem;
  readonly #folder: string;
  #words: string[] = [];
  #readAt = -Infinity;

  /** @param folder that of the host */
  constructor(files: FileSystem, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /**
   * Which lease this host has; undefined if it was not renewed lately, so that nothing may begin. The
   * clock of the wall serves: where it was changed, nothing begins until the next sign of life.
   */
  epoch(): string | undefined {
    const [, lease = "0", epoch, asked = "0"] = this.#lately();
    // Since the store was asked: of an answer that was long in coming, little of the lease is left.
    const age = Date.now() - Number(asked);
    if (!(age >= 0)) return undefined;
    return age < 1000 * (Number(lease) - 2 * margin(Number(lease)) + 1) ? epoch : undefined;
  }

  /** Which start of which server has renewed the lease last; undefined if none has. */
  server(): string | undefined {
    return this.#lately()[4];
  }

  /** What the last renewal has written down; nothing if there was none. */
  read(): string[] {
    const path = deadlinePath(this.#folder);
    return this.#files.info(path) === undefined ? [] : this.#files.readText(path).trim().split(" ");
  }

  #lately(): string[] {
    const now = performance.now();
    if (now - this.#readAt >= USED_FOR) {
      this.#words = this.read();
      this.#readAt = now;
    }
    return this.#words;
  }
}
