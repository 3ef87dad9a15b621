// Long work in small steps: between them the other tasks of this process get their turn.

/** Milliseconds of work after which others have their turn. */
const STEP = 10;

export class Turns {
  #began = performance.now();

  /** Lets others have their turn, if it is time. */
  async give(): Promise<void> {
    if (performance.now() - this.#began < STEP) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#began = performance.now();
  }
}
