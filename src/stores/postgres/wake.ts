// Tells others that something has changed, and hears it from them. A notification is a statement of
// its own, after the commit: within one it would let all commits of the database wait for one
// another. One that is lost costs the time until the next look.
import { pause } from "../../system/delay.ts";
import type { Database } from "./connection.ts";

export class Wake {
  readonly #database: Database;
  readonly #channel: string;
  readonly #isWanted: boolean;
  /** By which it hears itself: behind a pooler it does not. */
  readonly #own = crypto.randomUUID();
  #isHeard = false;
  #listening: Promise<() => Promise<void>> | undefined;
  #count = 0;
  #seen = 0;
  #news = Promise.withResolvers<void>();

  /**
   * @param topic what it is about; who hears it has named the same one
   * @param listens whether to listen at all
   */
  constructor(database: Database, topic: string, listens = true) {
    this.#database = database;
    this.#channel = `${database.schema}_${topic}`;
    this.#isWanted = listens;
  }

  /** How many times it was told of something new; undefined while nothing can be heard. */
  get count(): number | undefined {
    return this.#isHeard ? this.#count : undefined;
  }

  /** Tells all who wait, in every process. */
  async others(): Promise<void> {
    await this.#notify("").catch(() => {});
  }

  /** What is new from now on ends the next `wait`. */
  look(): void {
    this.#seen = this.#count;
  }

  /**
   * Resolves when there is news since the last `look`, after `timeout` milliseconds, or when `signal`
   * aborts. The first call resolves at once: nobody has listened before.
   */
  async wait(timeout: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    if (this.#isWanted && this.#listening === undefined) return await this.#listen();
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
    this.#listening = this.#database.listen(this.#channel, (payload) => {
      if (payload === this.#own) this.#isHeard = true;
      else this.#tell();
    });
    try {
      await this.#listening;
      await this.#notify(this.#own);
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  #tell(): void {
    this.#count++;
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  async #notify(payload: string): Promise<void> {
    await this.#database.query("select pg_notify($1, $2)", [this.#channel, payload]);
  }
}
