// The jobs that a worker runs or has adopted, each with a way to stop it.
import type { StopReason } from "../exec/run.ts";

export class JobsAtHand {
  readonly #stops = new Map<string, AbortController>();
  /** Jobs that are being ended because of a request to cancel them. */
  readonly #cancelling = new Set<string>();
  /** When jobs have ended whose ends are not recorded yet, by the clock of `performance`. */
  readonly #ended = new Map<string, number>();
  #isReleased = false;

  get count(): number {
    return this.#stops.size;
  }

  has(id: string): boolean {
    return this.#stops.has(id);
  }

  /** Runs or adopts a job, so that it can be stopped meanwhile. */
  async follow<T>(id: string, action: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    this.#stops.set(id, stop);
    if (this.#isReleased) stop.abort("released" satisfies StopReason);
    try {
      const result = await action(stop.signal);
      this.#ended.set(id, performance.now());
      return result;
    } finally {
      this.#stops.delete(id);
    }
  }

  /**
   * When a job has ended that was at hand, by the clock of `performance`. To be called once, when its
   * end is to be recorded.
   */
  endedAt(id: string): number | undefined {
    const time = this.#ended.get(id);
    this.#ended.delete(id);
    return time;
  }

  /** Ends the job, if this worker runs it. */
  cancel(id: string): void {
    const stop = this.#stops.get(id);
    if (stop === undefined || stop.signal.aborted) return;
    this.#cancelling.add(id);
    stop.abort("cancelled" satisfies StopReason);
  }

  /** Whether `cancel` has ended the job. To be called once, when its end is recorded. */
  wasCancelled(id: string): boolean {
    return this.#cancelling.delete(id);
  }

  /** Kills all jobs, and any that come later, so that they are given back. */
  release(): void {
    this.#isReleased = true;
    for (const stop of this.#stops.values()) stop.abort("released" satisfies StopReason);
  }
}
