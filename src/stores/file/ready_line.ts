// The line of tickets that may run now, as one worker sees it: what it has read it remembers, and
// reads again when told that something came, when what it knows is old, or when others are ahead of
// it.
import { type Bucket, READY_SLICE } from "./layout.ts";
import type { BucketedIndex } from "./bucketed_index.ts";

/** Milliseconds after which others have probably taken what is at the head. */
const STALE = 200;
/** Where there are thousands of buckets, reading may take one part in so many of the time. */
const READ_SHARE = 100;
/** But what is urgent waits no longer than this. */
const STALEST = 500;
/** So many tickets in a row that others took are cheaper to try than to read the bucket again. */
const LOSSES = 16;

const NONE: ReadonlySet<string> = new Set();

/** What keeps some tickets out of a line: jobs of other queues, or of queues that let none begin. */
export interface Sieve {
  /** Whether all may be in the line. Asked before each reading. */
  letsAllPass(): boolean;
  /** Whether a bucket is known to have nothing for this line, from its name. */
  isForeign(bucket: Bucket): boolean;
  /** Those that may be in the line; others may be moved out of the bucket. */
  sift(bucket: Bucket, names: string[]): string[];
}

export class ReadyLine {
  readonly #index: BucketedIndex;
  readonly #sieve: Sieve | undefined;
  /** Their paths are made when it is their turn: most are read again before that. */
  #tickets: { bucket: string; name: string }[] = [];
  #next = 0;
  #readAt = -Infinity;
  #stale = STALE;
  #losses = 0;

  constructor(index: BucketedIndex, sieve?: Sieve) {
    this.#index = index;
    this.#sieve = sieve;
  }

  /** Something may have come before what is known. */
  forget(): void {
    this.#readAt = -Infinity;
  }

  /** The next ticket to try; undefined if there is none. */
  next(): { path: string; name: string } | undefined {
    const isOld = performance.now() - this.#readAt > this.#stale || this.#losses >= LOSSES;
    if (isOld || this.#next >= this.#tickets.length) this.#readAgain();
    const ticket = this.#tickets[this.#next++];
    return ticket && { path: this.#index.path(ticket.bucket, ticket.name), name: ticket.name };
  }

  /** The ticket that `next` will give if it is not too old by then. */
  peek(): { path: string; name: string } | undefined {
    const ticket = this.next();
    if (ticket !== undefined) this.#next--;
    return ticket;
  }

  /** Tells whether the rename of the ticket last given succeeded. */
  took(success: boolean): void {
    this.#losses = success ? 0 : this.#losses + 1;
  }

  #readAgain(): void {
    const begin = performance.now();
    this.#read();
    this.#readAt = begin;
    this.#stale = Math.min(Math.max(STALE, READ_SHARE * (performance.now() - begin)), STALEST);
    this.#losses = 0;
  }

  /**
   * Reads the buckets at the head: as many as may hold the first ticket, and of those what no other
   * bucket precedes.
   */
  #read(): void {
    this.#tickets = [];
    this.#next = 0;
    const sieve = this.#sieve?.letsAllPass() === false ? this.#sieve : undefined;
    const buckets = this.#index.buckets();
    for (let i = 0; i < buckets.length; i++) {
      const wanted = sieve && this.#siftBucket(sieve, buckets[i]!);
      if (wanted?.size === 0) continue;
      const bucket = this.#index.unseal(buckets[i]!);
      // Another worker has opened it just now, or taken it away: what comes behind it must not be
      // taken for the head.
      if (bucket === undefined) return this.#read();
      const all = this.#index.tickets(bucket);
      if (all.length === 0) this.#discard(bucket);
      const names = wanted === undefined ? all : all.filter((name) => wanted.has(name));
      for (const name of names) this.#tickets.push({ bucket: bucket.name, name });
      const bound = buckets[i + 1]?.lower;
      const first = this.#tickets[0];
      if (first === undefined) continue;
      if (i > 0) this.#tickets.sort((a, b) => a.name < b.name ? -1 : 1);
      if (bound !== undefined && this.#tickets[0]!.name >= bound) continue;
      if (bound !== undefined) {
        this.#tickets = this.#tickets.filter((ticket) => ticket.name < bound);
      }
      return;
    }
  }

  /** Those of a bucket that may be in the line. One that has none is not opened. */
  #siftBucket(sieve: Sieve, bucket: Bucket): ReadonlySet<string> {
    if (sieve.isForeign(bucket)) return NONE;
    const names = this.#index.tickets(bucket);
    if (names.length === 0) this.#discard(bucket);
    return new Set(sieve.sift(bucket, names));
  }

  /** Removes an empty bucket, unless tickets of this moment would go into it. */
  #discard(bucket: Bucket): void {
    const past = Number(bucket.lower.slice(8)) + READY_SLICE < Date.now();
    if (past || bucket.unique !== "") this.#index.removeIfEmpty(bucket);
  }
}
