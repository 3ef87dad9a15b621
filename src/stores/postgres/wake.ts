// Tells others that something has changed, and hears it from them. A notification is a statement of
// its own, after the commit: within one it would let all commits of the database wait for one
// another. One that is lost costs the time until the next look.
import { pause } from "../../system/delay.ts";
import type { Database } from "./connection.ts";

export class Wake {
  readonly #database: Database;
  readonly #channel: string;
  #stop: Promise<() => Promise<void>> | undefined;
  #news = Promise.withResolvers<void>();

  /** @param topic what it is about; who hears it has named the same one */
  constructor(database: Database, topic: string) {
    this.#database = database;
    this.#channel = `${database.schema}_${topic}`;
  }

  /** Tells all who wait, in every process. */
  async others(): Promise<void> {
    await this.#database.query("select pg_notify($1, '')", [this.#channel]).catch(() => {});
  }

  /** From now on counts what is new. */
  look(): void {
    this.#news = Promise.withResolvers();
  }

  /**
   * Resolves when there is news since the last `look`, after `timeout` milliseconds, or when `signal`
   * aborts. The first call resolves at once: nobody has listened before.
   */
  async wait(timeout: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    if (this.#stop === undefined) {
      const stop = this.#database.listen(this.#channel, () => this.#news.resolve());
      this.#stop = stop;
      await stop.catch((error) => {
        this.#stop = undefined;
        throw error;
      });
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    signal?.addEventListener("abort", () => resolve(), { once: true });
    this.#news.promise.then(resolve);
    await pause(timeout, promise);
    this.look();
  }

  async close(): Promise<void> {
    this.#news.resolve();
    const stop = await this.#stop?.catch(() => undefined);
    await stop?.().catch(() => {});
  }
}
