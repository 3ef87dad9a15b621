// Sets tickets aside when their queue lets no job begin, and puts them back when it does again. The
// caller has the lock of the queue; others may take a ticket meanwhile, for example to cancel a
// job.
import type { FileSystem } from "../../system/file_system.ts";
import {
  type BucketedIndex,
  ignoreNotFound,
  makeUnlessThere,
  newestOf,
  removeIfEmpty,
} from "./bucketed_index.ts";
import type { Gate } from "./gate.ts";
import { type Bucket, bucketName, parseTicket, readySlice } from "./layout.ts";
import { ReadyLine } from "./ready_line.ts";
import { wake } from "./staging.ts";
import type { Tickets } from "./tickets.ts";

/** A ticket in a line. */
export interface Seen {
  readonly path: string;
  readonly name: string;
}

export class SetAside {
  readonly #files: FileSystem;
  readonly #tickets: Tickets;
  readonly #unique: string;
  readonly #gate: (key: string) => Gate;
  readonly #lines = new Map<string, ReadyLine>();
  #renamed = 0;

  /** `unique`: letters and digits that no other process has. */
  constructor(
    files: FileSystem,
    tickets: Tickets,
    unique: string,
    gate: (key: string) => Gate,
  ) {
    this.#files = files;
    this.#tickets = tickets;
    this.#unique = unique;
    this.#gate = gate;
  }

  /** The first ticket of a queue that is set aside. */
  headOf(key: string): Seen | undefined {
    return this.#gate(key).mayHaveAside() ? this.lineOf(key).peek() : undefined;
  }

  /** The tickets of a queue that are set aside, in the order of claiming. */
  lineOf(key: string): ReadyLine {
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = new ReadyLine(this.#tickets.held.of(key));
      this.#lines.set(key, line);
    }
    return line;
  }

  /** Sets tickets of a queue aside, except those that others have taken meanwhile. */
  add(key: string, seen: readonly Seen[]): void {
    this.#gate(key).noteAside(true);
    const index = this.#indexOf(key);
    for (const { path, name } of seen) {
      ignoreNotFound(() => index.put(path, readySlice(parseTicket(name)!), name));
    }
    this.lineOf(key).forget();
  }

  /** Sets a whole bucket aside. No tickets may be added to it any more. */
  addBucket(key: string, { name }: Bucket): void {
    this.#gate(key).noteAside(true);
    const to = this.#indexOf(key).path(name);
    ignoreNotFound(() => this.#files.rename(this.#tickets.ready.path(name), to));
    this.lineOf(key).forget();
  }

  /**
   * Puts the first `count` tickets back, or all if `Infinity`.
   * @returns whether there were any
   */
  putBack(key: string, count: number): boolean {
    const moved = count === Infinity ? this.#putAllBack(key) : this.#putSomeBack(key, count);
    this.#gate(key).noteAside(count !== Infinity && this.lineOf(key).peek() !== undefined);
    if (moved) wake(this.#files, this.#tickets.ready);
    return moved;
  }

  #putSomeBack(key: string, count: number): boolean {
    const { ready, held } = this.#tickets;
    const line = this.lineOf(key);
    let moved = 0;
    while (moved < count) {
      const head = line.next();
      if (head === undefined) {
        removeIfEmpty(this.#files, held.of(key).folder);
        break;
      }
      const bucket = readySlice(parseTicket(head.name)!);
      const isMoved = ignoreNotFound(() => (ready.put(head.path, bucket, head.name), true));
      line.took(isMoved === true);
      if (isMoved) moved++;
    }
    return moved > 0;
  }

  #putAllBack(key: string): boolean {
    const index = this.#tickets.held.of(key);
    let moved = false;
    // Repeated, since another process may open (rename) a bucket meanwhile.
    for (let again = true; again;) {
      again = false;
      for (const bucket of index.buckets()) again = this.#putBucketBack(index, bucket) || again;
      moved ||= again;
    }
    removeIfEmpty(this.#files, index.folder);
    return moved;
  }

  /**
   * Moves a bucket back by one rename, under a unique name.
   * @returns whether it had tickets
   */
  #putBucketBack(index: BucketedIndex, bucket: Bucket): boolean {
    let { name } = bucket;
    if (bucket.count === undefined) {
      const newest = newestOf(index.tickets(bucket));
      if (newest === undefined) {
        index.removeIfEmpty(bucket);
        return false;
      }
      name = bucketName({ ...bucket, newest, unique: `${this.#unique}h${this.#renamed++}` });
    }
    const to = this.#tickets.ready.path(name);
    ignoreNotFound(() => this.#files.rename(index.path(bucket.name), to));
    return true;
  }

  #indexOf(key: string): BucketedIndex {
    const { held } = this.#tickets;
    const index = held.of(key);
    if (this.#files.info(index.folder) === undefined) {
      makeUnlessThere(this.#files, held.folder);
      makeUnlessThere(this.#files, index.folder);
    }
    return index;
  }
}
