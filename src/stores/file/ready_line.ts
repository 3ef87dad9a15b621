// The line of tickets that may run now, as one worker knows it. The worker remembers what it has
// read, and reads again when it is told of new tickets, when its knowledge is old, or when other
// workers are ahead of it.
import { Freshness } from "./freshness.ts";
import { type Bucket, READY_SLICE } from "./layout.ts";
import type { BucketedIndex } from "./bucketed_index.ts";

/**
 * Up to this many tickets in a row that others have taken, trying the next is cheaper than reading
 * again.
 */
const LOSSES = 16;

const NONE: ReadonlySet<string> = new Set();

/** Keeps some tickets out of a line: those of other queues, or of queues that let no job begin. */
export interface Sieve {
  /** Whether all tickets may be in the line. Called before each reading. */
  letsAllPass(): boolean;
  /** Whether a bucket is known to have no tickets for this line. */
  isForeign(bucket: Bucket): boolean;
  /** The tickets that may be in the line; others may be moved out of the bucket. */
  sift(bucket: Bucket, names: string[]): string[];
}

export class ReadyLine {
  readonly #index: BucketedIndex;
  readonly #sieve: Sieve | undefined;
  /** Paths are made only when needed, since most tickets are read again before their turn. */
  #tickets: { bucket: string; name: string }[] = [];
  #next = 0;
  readonly #freshness = new Freshness();
  #losses = 0;

  constructor(index: BucketedIndex, sieve?: Sieve) {
    this.#index = index;
    this.#sieve = sieve;
  }

  /** Reads again next time, since new tickets may have come. */
  forget(): void {
    this.#freshness.end();
  }

  /** The next ticket to try; undefined if there is none. */
  next(): { path: string; name: string } | undefined {
    const isOld = this.#freshness.isOver || this.#losses >= LOSSES;
    if (isOld || this.#next >= this.#tickets.length) this.#readAgain();
    return this.#at(this.#next++);
  }

  #at(place: number): { path: string; name: string } | undefined {
    const ticket = this.#tickets[place];
    return ticket && { path: this.#index.path(ticket.bucket, ticket.name), name: ticket.name };
  }

  /** The ticket that `next` will return unless it reads again. */
  peek(): { path: string; name: string } | undefined {
    const ticket = this.next();
    if (ticket !== undefined) this.putBack();
    return ticket;
  }

  /** Makes the last ticket the next one again, since it was not tried. */
  putBack(): void {
    this.#next--;
  }

  /** The ticket that `next` will return, if that is known without reading again. */
  get known(): { path: string; name: string } | undefined {
    if (this.#freshness.isOver || this.#losses >= LOSSES) return undefined;
    return this.#at(this.#next);
  }

  /** Reports whether the rename of the last ticket succeeded. */
  took(success: boolean): void {
    this.#losses = success ? 0 : this.#losses + 1;
  }

  #readAgain(): void {
    this.#freshness.renew(() => this.#read());
    this.#losses = 0;
  }

  /**
   * Reads the buckets at the head: as many as may have the first ticket. Of their tickets, those
   * are kept that come before all unread buckets.
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
      // Another worker has just opened or removed it. What comes after it must not be taken for the
      // head.
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

  /** The tickets of a bucket that may be in the line. A bucket without any is not opened. */
  #siftBucket(sieve: Sieve, bucket: Bucket): ReadonlySet<string> {
    if (sieve.isForeign(bucket)) return NONE;
    const names = this.#index.tickets(bucket);
    if (names.length === 0) this.#discard(bucket);
    return new Set(sieve.sift(bucket, names));
  }

  /** Removes an empty bucket, unless tickets may still be added to it. */
  #discard(bucket: Bucket): void {
    const past = Number(bucket.lower.slice(8)) + READY_SLICE < Date.now();
    if (past || bucket.unique !== "") this.#index.removeIfEmpty(bucket);
  }
}
