// The jobs in a worker's hands, adopted ones included, each with what stops it.
import type { StopReason } from "../exec/run.ts";

export class JobsAtHand {
  readonly #stops = new Map<string, AbortController>();
  /** Jobs that somebody asked to cancel, and that were told to end. */
  readonly #cancelling = new Set<string>();
  #isReleased = false;

  get count(): number {
    return this.#stops.size;
  }

  has(id: string): boolean {
    return this.#stops.has(id);
  }

  /** Runs or adopts a job, such that requests reach it meanwhile. */
  async follow<T>(id: string, action: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    this.#stops.set(id, stop);
    if (this.#isReleased) stop.abort("released" satisfies StopReason);
    try {
      return await action(stop.signal);
    } finally {
      this.#stops.delete(id);
    }
  }

  /** Ends the job, if it is at hand. */
  cancel(id: string): void {
    const stop = this.#stops.get(id);
    if (stop === undefined || stop.signal.aborted) return;
    this.#cancelling.add(id);
    stop.abort("cancelled" satisfies StopReason);
  }

  /** Whether the job was told to end by `cancel`; asked once, when its end is on record. */
  wasCancelled(id: string): boolean {
    return this.#cancelling.delete(id);
  }

  /** Kills all jobs, those that come later too, so that they are handed back. */
  release(): void {
    this.#isReleased = true;
    for (const stop of this.#stops.values()) stop.abort("released" satisfies StopReason);
  }
}
