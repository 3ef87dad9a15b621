// Waits until something changes in a folder: by events from the kernel, and by a slow poll for
// events that get lost.

import { afterMilliseconds } from "./delay.ts";

/** Milliseconds between polls; shorter if there are no events. */
const POLL = { watched: 5000, unwatched: 1000 };

export class Watch {
  readonly #watcher: Deno.FsWatcher | undefined;
  #waiting: (() => void)[] = [];
  /**
   * Whether something came while nobody waited. True at first, since something may have come before
   * the watch began.
   */
  #missed = true;

  /**
   * `onEvent` is called at each event, also when nobody waits. Folders inside the given ones are
   * not watched.
   */
  constructor(folders: string[], onEvent: () => void) {
    try {
      this.#watcher = Deno.watchFs(folders, { recursive: false });
    } catch {
      return; // the system's limit of watches is reached, so only the poll remains
    }
    this.#listen(this.#watcher, onEvent);
  }

  /**
   * Resolves at the next event, after `timeout` milliseconds, or when `signal` aborts. There is a
   * default timeout, since events may get lost.
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
