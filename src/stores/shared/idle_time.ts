// How long a worker that has found nothing to do may believe that there is nothing: until somebody
// tells of a change, a job falls due, or a few seconds have passed.
import type { Wake } from "./wake.ts";

/** Milliseconds; by chance, so that many workers do not look at one moment. */
const SHORTEST = 5_000;
const LONGEST = 10_000;
/** What an answer may take: what fell due since the look is to be seen, or it would wait so long. */
const MARGIN = 1_000;

export class IdleTime {
  readonly #wake: Wake;
  /** What had been told of when nothing was found. */
  #emptyAt: number | undefined;
  /** When that was, by the clock of this process; undefined once it was made use of. */
  #lookedAt: number | undefined;
  #until = 0;
  #due: number | undefined;

  constructor(wake: Wake) {
    this.#wake = wake;
  }

  /** What has been told of so far: to be asked before one looks. */
  get now(): number | undefined {
    return this.#wake.count;
  }

  /** Nothing was found. @param asOf `now` as it was before the look */
  empty(asOf: number | undefined): void {
    this.#emptyAt = asOf;
    this.#lookedAt = performance.now();
    this.#until = 0;
  }

  /** Milliseconds from before nothing was found until now; undefined if that says nothing any more. */
  get age(): number | undefined {
    return this.#lookedAt === undefined
      ? undefined
      : Math.ceil(performance.now() - this.#lookedAt) + MARGIN;
  }

  /**
   * Nothing is asked for a while, unless a job has fallen due since nothing was found.
   * @param due when the next job after that falls due
   * @param now the time of the store
   */
  begin(due: number | undefined, now: number): void {
    if (this.#emptyAt === undefined || this.#lookedAt === undefined) return;
    this.#lookedAt = undefined;
    if (due !== undefined && due <= now) return;
    const longest = SHORTEST + Math.random() * (LONGEST - SHORTEST);
    this.#until = performance.now() + Math.min(longest, due === undefined ? longest : due - now);
    this.#due = due;
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#until = 0;
  }

  /** When the next job falls due, as far as that is known; undefined if it is to be asked. */
  get known(): { due: number | undefined } | undefined {
    const isOn = this.#emptyAt !== undefined && this.#emptyAt === this.#wake.count &&
      performance.now() < this.#until;
    return isOn ? { due: this.#due } : undefined;
  }
}
