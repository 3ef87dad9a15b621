// Tells others that something has changed, and hears it from them. A word that is lost costs the time
// until the next look.
import { isUnavailable } from "../../queue/errors.ts";
import { delay, pause } from "../../system/delay.ts";

/** Milliseconds until the next try to listen, while the store is away. */
const AWAY = 1_000;

/** How words get from process to process. Who says and who hears them has named the same channel. */
export interface Channel {
  /**
   * Calls `heard` for each word, and whenever one may have been missed. @returns ends the listening
   */
  listen(heard: (word: string) => void): Promise<() => Promise<void>>;
  say(word: string): Promise<void>;
}

export class Wake {
  readonly #channel: Channel;
  readonly #isWanted: boolean;
  /** By which it hears itself: behind a pooler it does not. */
  readonly #own = crypto.randomUUID();
  #isHeard = false;
  #listening: Promise<() => Promise<void>> | undefined;
  #count = 0;
  #seen = 0;
  #news = Promise.withResolvers<void>();

  /** @param listens whether to listen at all */
  constructor(channel: Channel, listens = true) {
    this.#channel = channel;
    this.#isWanted = listens;
  }

  /** How many times it was told of something new; undefined while nothing can be heard. */
  get count(): number | undefined {
    return this.#isHeard ? this.#count : undefined;
  }

  /** Tells all who wait, in every process. */
  async others(): Promise<void> {
    await this.#channel.say("").catch(() => {});
  }

  /** What is new from now on ends the next `wait`. */
  look(): void {
    this.#seen = this.#count;
  }

  /**
   * Resolves when there is news since the last `look`, after `timeout` milliseconds, or when `signal`
   * aborts. The first call resolves at once: nobody has listened before. While the store is away
   * nothing can be heard; then it resolves soon.
   */
  async wait(timeout: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    if (this.#isWanted && this.#listening === undefined) {
      try {
        return await this.#listen();
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return await delay(Math.min(timeout, AWAY), signal);
      }
    }
    if (this.#count === this.#seen) {
      const { promise, resolve } = Promise.withResolvers<void>();
      signal?.addEventListener("abort", () => resolve(), { once: true });
      this.#news.promise.then(resolve);
      await pause(timeout, promise);
    }
    this.look();
  }

  async close(): Promise<void> {
    this.#tell();
    const stop = await this.#listening?.catch(() => undefined);
    await stop?.().catch(() => {});
  }

  async #listen(): Promise<void> {
    this.#listening = this.#channel.listen((word) => {
      if (word === this.#own) this.#isHeard = true;
      else this.#tell();
    });
    let stop = () => Promise.resolve();
    try {
      stop = await this.#listening;
      await this.#channel.say(this.#own);
    } catch (error) {
      this.#listening = undefined;
      await stop().catch(() => {});
      throw error;
    }
  }

  #tell(): void {
    this.#count++;
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
