// Tickets of ended jobs, by the time of their end, in buckets that are sealed with their count when
// they are full.
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
 * After adding this many tickets, a process counts the bucket again, since others may add to it
 * too.
 */
const COUNTED = 250;

/** The bucket that this process fills, and how many tickets it has as far as known. */
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
    // Also takes a new bucket if another process has sealed this one.
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
   * The newest bucket that is neither full nor sealed, so that many short runs don't leave a bucket
   * each.
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
      // The disk may be full. The ticket is in its place, which is what matters; a bucket without a
      // count is counted by reading it.
    }
  }

  /**
   * Removes a bucket if it is empty. One that was sealed before tickets left it is sealed again.
   */
  protected override tidyBucket(bucket: Bucket): void {
    this.removeIfEmpty(bucket);
    if (bucket.newest !== undefined || isClosing(bucket)) this.#seal(bucket);
  }

  /**
   * Writes a bucket's count and newest arrival into its name. Does nothing if the bucket is gone.
   */
  #seal(bucket: Bucket): void {
    const unique = ownPart(bucket);
    // Under this name nobody adds or takes a ticket without renaming the bucket first, and nobody
    // else uses this name. So if the second rename succeeds, the count is right.
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
