// Tickets of jobs that their queues do not let begin now. They are set aside in a folder for each
// queue, so that claims do not meet them again and again. They have the same order as ready ones.
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

  /** The keys of the queues that may have tickets here. */
  keys(): string[] {
    return namesIn(this.#files, this.folder).filter(isQueueKey).sort();
  }

  /** Whether there are tickets here, or may be at any moment because some queue has settings. */
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

  /** The indexes that this process has used. */
  used(): BucketedIndex[] {
    return [...this.#indexes.values()];
  }

  /** The indexes of all queues. */
  all(): BucketedIndex[] {
    return this.keys().map((key) => this.of(key));
  }
}
