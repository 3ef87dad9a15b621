// How long a worker relies on what it has read of an index.

/** Milliseconds after which other processes have probably changed it. */
const STALE = 200;
/** If there is much to read, reading takes at most 1/100 of the time, … */
const READ_SHARE = 100;
/** … but nothing is older than this many milliseconds. */
const STALEST = 500;

export class Freshness {
  #readAt = -Infinity;
  #stale = STALE;

  /** Whether what was read last may be out of date. */
  get isOver(): boolean {
    return performance.now() - this.#readAt >= this.#stale;
  }

  /** Makes what was read last out of date. */
  end(): void {
    this.#readAt = -Infinity;
  }

  /** Reads again. */
  renew<T>(read: () => T): T {
    const begin = performance.now();
    const result = read();
    this.#readAt = begin;
    this.#stale = Math.min(Math.max(STALE, READ_SHARE * (performance.now() - begin)), STALEST);
    return result;
  }
}
