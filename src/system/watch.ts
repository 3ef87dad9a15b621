// Being woken when something comes into a folder: the kernel tells, and a slow poll stands beside
// it for what it misses.

import { afterMilliseconds } from "./delay.ts";

/** Milliseconds between looks where no event came: the more often where none can come. */
const POLL = { watched: 5000, unwatched: 1000 };

export class Watch {
  readonly #watcher: Deno.FsWatcher | undefined;
  #waiting: (() => void)[] = [];
  /** Something came while nobody waited. At first it may have: before the watch was there. */
  #missed = true;

  /**
   * `onEvent` is called at once, also when nobody waits. Only the folders themselves are watched,
   * not those in them.
   */
  constructor(folders: string[], onEvent: () => void) {
    try {
      this.#watcher = Deno.watchFs(folders, { recursive: false });
    } catch {
      return; // the system's limit of watches is reached: the poll remains
    }
    this.#listen(this.#watcher, onEvent);
  }

  /**
   * Resolves at the next event, after `timeout` milliseconds, or when `signal` aborts. Where no
   * time-out is given there is one all the same, since events may get lost.
   */
  next(
    timeout = this.#watcher ? POLL.watched : POLL.unwatched,
    signal?: AbortSignal,
  ): Promise<void> {
    if (this.#missed || signal?.aborted) {
      this.#missed = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        signal?.removeEventListener("abort", done);
        this.#waiting = this.#waiting.filter((other) => other !== done);
        resolve();
      };
      const cancel = afterMilliseconds(timeout, done);
      signal?.addEventListener("abort", done);
      this.#waiting.push(done);
    });
  }

  close(): void {
    this.#watcher?.close();
  }

  async #listen(watcher: Deno.FsWatcher, onEvent: () => void): Promise<void> {
    for await (const _event of watcher) {
      onEvent();
      this.#missed = this.#waiting.length === 0;
      for (const wake of this.#waiting) wake();
    }
  }
}
