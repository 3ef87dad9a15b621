// Keeps tickets out of a worker's line. Tickets of queues that it does not serve stay where they
// are; tickets of queues that let no job begin are set aside.
import type { Gates } from "./gates.ts";
import { type Bucket, queueKey, queueOf } from "./layout.ts";
import type { Reading } from "./queue_rooms.ts";
import type { Sieve } from "./ready_line.ts";

export class QueueSieve implements Sieve {
  readonly #gates: Gates;
  readonly #served: ReadonlySet<string> | undefined;
  /**
   * The names of sealed buckets without tickets of served queues. Nothing is added to sealed
   * buckets.
   */
  readonly #foreign = new Set<string>();
  #reading: Reading | undefined;

  /** `queues`: the queues that are served; all if undefined. */
  constructor(gates: Gates, queues: readonly string[] | undefined) {
    this.#gates = gates;
    this.#served = queues && new Set(queues.map(queueKey));
  }

  letsAllPass(): boolean {
    this.#reading = this.#gates.known.isAny ? this.#gates.reading() : undefined;
    return this.#served === undefined && this.#reading === undefined;
  }

  isForeign({ name }: Bucket): boolean {
    return this.#foreign.has(name);
  }

  sift(bucket: Bucket, names: string[]): string[] {
    const served = this.#served;
    const own = served === undefined ? names : names.filter((name) => served.has(queueOf(name)));
    if (own.length === 0 && names.length > 0 && bucket.count !== undefined) {
      this.#foreign.add(bucket.name);
    }
    if (this.#reading === undefined || own.length === 0) return own;
    return this.#gates.sift(bucket, own, own.length === names.length, this.#reading);
  }
}
