// Tickets of jobs that wait until their queue lets them begin: set aside, a folder for each queue, so
// that a claim does not meet them again and again. They sort as ready ones do.
import type { FileSystem } from "../../system/file_system.ts";
import { BucketedIndex, namesIn } from "./bucketed_index.ts";
import { heldFolder, isQueueKey, queuesPath } from "./layout.ts";

export class HeldTickets {
  readonly #files: FileSystem;
  readonly #settings: string;
  readonly folder: string;
  readonly #indexes = new Map<string, BucketedIndex>();

  constructor(files: FileSystem, dataDir: string) {
    this.#files = files;
    this.#settings = queuesPath(dataDir);
    this.folder = heldFolder(dataDir);
  }

  /** The queues of which tickets may lie here, by their keys. */
  keys(): string[] {
    return namesIn(this.#files, this.folder).filter(isQueueKey).sort();
  }

  /** Whether tickets lie here, or may come at any moment, since something is set of a queue. */
  mayBe(): boolean {
    return this.#files.info(this.#settings) !== undefined || this.keys().length > 0;
  }

  /** The tickets of a queue; its folder may be missing. */
  of(key: string): BucketedIndex {
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = new BucketedIndex(this.#files, `${this.folder}/${key}`, true);
      this.#indexes.set(key, index);
    }
    return index;
  }

  /** Those that this process has used. */
  used(): BucketedIndex[] {
    return [...this.#indexes.values()];
  }

  /** All that there are. */
  all(): BucketedIndex[] {
    return this.keys().map((key) => this.of(key));
  }
}
