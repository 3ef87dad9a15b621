// Long work in small steps: between them the other tasks of this process get their turn.

/** Milliseconds of work after which others have their turn. */
const STEP = 10;

export class Turns {
  #began = performance.now();
  #pause: Promise<void> | undefined;

  /** Lets others have their turn, if it is time. Tasks that share this share the pause. */
  async give(): Promise<void> {
    if (performance.now() - this.#began < STEP) return;
    // With a timer for each, all would end at once, and each begin a step of its own.
    await (this.#pause ??= this.#wait());
  }

  async #wait(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#began = performance.now();
    this.#pause = undefined;
  }
}
