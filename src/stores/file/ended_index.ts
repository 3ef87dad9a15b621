// Tickets of jobs that have ended, by the time they ended, in buckets that are sealed with their
// count when they are full.
import type { FileSystem } from "../../system/file_system.ts";
import { type Bucket, bucketName, type Ticket, timedName } from "./layout.ts";
import {
  BUCKET_SIZE,
  BucketedIndex,
  ignoreNotFound,
  isClosing,
  newestOf,
  ownPart,
} from "./bucketed_index.ts";

/**
 * After so many of its own a process counts again what is in the bucket that it fills: others may
 * fill it too.
 */
const COUNTED = 250;

/** The bucket that a process fills, and how many tickets were in it when last known. */
interface Filling {
  readonly bucket: Bucket;
  size: number;
}

export class EndedIndex extends BucketedIndex {
  readonly #unique: string;
  #filling: Filling | undefined;
  #added = 0;

  /** `unique`: a text of letters and digits that no other process has. */
  constructor(files: FileSystem, folder: string, unique: string) {
    super(files, folder);
    this.#unique = unique;
  }

  /** Moves a ticket here. @throws Deno.errors.NotFound if `from` is gone */
  add(from: string, ticket: Ticket): void {
    const name = timedName(ticket);
    let filling = this.#filling ?? this.#oneToGoOnWith();
    // A new one, too, where another process has sealed this one since.
    while (
      filling === undefined || filling.bucket.lower > name ||
      !this.move(from, filling.bucket.name, name)
    ) {
      filling = this.#newOne(name);
    }
    this.#filling = filling;
    filling.size++;
    if (++this.#added % COUNTED === 0) filling.size = this.tickets(filling.bucket).length;
    if (filling.size >= BUCKET_SIZE) this.#close(filling.bucket);
  }

  /**
   * The newest that is neither full nor sealed, so that many short runs don't leave a bucket each.
   */
  #oneToGoOnWith(): Filling | undefined {
    const bucket = this.buckets().findLast((bucket) =>
      bucket.newest === undefined && !isClosing(bucket)
    );
    const size = bucket === undefined ? 0 : this.tickets(bucket).length;
    return bucket !== undefined && size < BUCKET_SIZE ? { bucket, size } : undefined;
  }

  #newOne(first: string): Filling {
    const unique = this.#unique + Date.now().toString(36);
    const parts = { lower: first.slice(0, 13), newest: undefined, count: undefined, unique };
    const bucket = { ...parts, name: bucketName(parts) };
    this.make(bucket.name);
    return { bucket, size: 0 };
  }

  #close(bucket: Bucket): void {
    this.#filling = undefined;
    try {
      this.#seal(bucket);
    } catch {
      // The disk is full, say. The ticket is where it belongs, which is what counts; a bucket
      // without a count is counted by reading it.
    }
  }

  /** Removes a bucket that is empty; one that was sealed before tickets left it is sealed again. */
  protected override tidyBucket(bucket: Bucket): void {
    this.removeIfEmpty(bucket);
    if (bucket.newest !== undefined || isClosing(bucket)) this.#seal(bucket);
  }

  /**
   * Writes a bucket's count and newest arrival into its name, once nothing is added to it any more.
   * Nothing if it is gone.
   */
  #seal(bucket: Bucket): void {
    const unique = ownPart(bucket);
    // Under this name nobody adds a ticket or takes one, but by renaming the bucket first; and
    // nobody else gives it this name. So the count is right if the second rename succeeds.
    const closing = { ...bucket, unique: `${unique}!${this.#unique}` };
    const closed = { ...closing, name: bucketName(closing) };
    ignoreNotFound(() => {
      this.files.rename(this.path(bucket.name), this.path(closed.name));
      const names = this.tickets(closed);
      const newest = newestOf(names);
      if (newest === undefined) return this.removeIfEmpty(closed);
      const sealed = { ...bucket, newest, count: names.length, unique };
      this.files.rename(this.path(closed.name), this.path(bucketName(sealed)));
    });
  }
}
