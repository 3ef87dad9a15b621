// What the tickets in a bucket come to, by queue. It is remembered for as long as the bucket does
// not change, so that whoever asks again and again need not read a million names each time.
import type { FileSystem } from "../../system/file_system.ts";
import type { BucketedIndex } from "./bucketed_index.ts";
import { type Bucket, createdAtOf, letterOf, parseTicket, queueOf } from "./layout.ts";

/** Of the tickets of one queue. */
export interface Sum {
  count: number;
  /** Those of jobs that wait for a retry. */
  failed: number;
  oldestCreatedAt: number;
  /** The id of one of the jobs. */
  readonly id: string;
}

/** By the keys of queues. */
export type Sums = Map<string, Sum>;

/**
 * Milliseconds for which a folder must not have changed before it was read: the system's clock for
 * files stands still for some milliseconds, in which a change would not be noticed.
 */
const SETTLED = 2000;

export class BucketSums {
  readonly #files: FileSystem;
  /** By path, with when the folder had last changed. */
  #known = new Map<string, { readonly changedAt: number; readonly sums: Sums }>();
  #used = new Map<string, { readonly changedAt: number; readonly sums: Sums }>();

  constructor(files: FileSystem) {
    this.#files = files;
  }

  /** To be called before each round of looking at all buckets: forgets those that are gone. */
  begin(): void {
    [this.#known, this.#used] = [this.#used, new Map()];
  }

  /** The sums of a bucket; undefined if it is gone, or has changed a moment ago. */
  of(index: BucketedIndex, bucket: Bucket): Sums | undefined {
    const path = index.path(bucket.name);
    const changedAt = this.#files.info(path)?.modifiedAt ?? 0;
    const isSettled = changedAt > 0 && changedAt < Date.now() - SETTLED;
    if (!isSettled) return undefined;
    let known = this.#used.get(path) ?? this.#known.get(path);
    if (known?.changedAt !== changedAt) {
      known = { changedAt, sums: sumsOf(index.tickets(bucket)) };
    }
    this.#used.set(path, known);
    return known.sums;
  }

  /** The same of all queues together. */
  total(index: BucketedIndex, bucket: Bucket): Pick<Sum, "count" | "failed"> | undefined {
    const sums = this.of(index, bucket);
    if (sums === undefined) return undefined;
    const total = { count: 0, failed: 0 };
    for (const { count, failed } of sums.values()) {
      total.count += count;
      total.failed += failed;
    }
    return total;
  }

  /** Whether all buckets that were summed in this round are as they were. */
  areStill(): boolean {
    return [...this.#used].every(([path, { changedAt }]) =>
      this.#files.info(path)?.modifiedAt === changedAt
    );
  }
}

/** What tickets with these names come to. */
export function sumsOf(names: Iterable<string>): Sums {
  const sums: Sums = new Map();
  for (const name of names) {
    const key = queueOf(name);
    // Of the whole name only of one: there may be a million.
    const createdAt = createdAtOf(name);
    let sum = sums.get(key);
    if (sum === undefined) {
      const { id } = parseTicket(name)!;
      sums.set(key, sum = { count: 0, failed: 0, oldestCreatedAt: createdAt, id });
    }
    sum.count++;
    if (letterOf(name) === "f") sum.failed++;
    if (createdAt < sum.oldestCreatedAt) sum.oldestCreatedAt = createdAt;
  }
  return sums;
}

/** Adds sums to others. */
export function addSums(to: Sums, more: Sums): void {
  for (const [key, { count, failed, oldestCreatedAt, id }] of more) {
    const sum = to.get(key);
    if (sum === undefined) to.set(key, { count, failed, oldestCreatedAt, id });
    else {
      sum.count += count;
      sum.failed += failed;
      sum.oldestCreatedAt = Math.min(sum.oldestCreatedAt, oldestCreatedAt);
    }
  }
}
