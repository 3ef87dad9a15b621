// Requests to those that run: rows, and a notification that there is a new one.
import type { Requests, StopKind } from "../../queue/requests.ts";
import { delay } from "../../system/delay.ts";
import type { Database } from "./connection.ts";

/**
 * Milliseconds for which what was read is taken to be all there is: where news are told, and where
 * they are not. A worker looks several times a second, and mostly at nothing.
 */
const AGE = { told: 4000, untold: 500 };

interface Snapshot {
  readonly readAt: number;
  readonly rows: readonly { kind: StopKind | "cancel"; name: string }[];
}

export class PostgresRequests implements Requests {
  readonly #database: Database;
  readonly #listens: boolean;
  #snapshot: Snapshot | undefined;
  #news = new AbortController();
  /** Something came while nobody waited. At first it may have: before anybody listened. */
  #hasMissed = true;
  #listening: Promise<() => Promise<void>> | undefined;

  /** @param listens whether to be told of news; else they are looked for */
  constructor(database: Database, listens: boolean) {
    this.#database = database;
    this.#listens = listens;
  }

  async requestStop(name: string, kind: StopKind): Promise<void> {
    await this.#put(kind, name);
  }

  async stopRequested(name: string): Promise<StopKind | undefined> {
    const kinds = (await this.#rows()).filter((row) => row.name === name).map(({ kind }) => kind);
    return kinds.includes("force") ? "force" : kinds.includes("graceful") ? "graceful" : undefined;
  }

  async clearStop(name: string): Promise<void> {
    await this.#remove(["graceful", "force"], name);
  }

  async requestCancel(id: string): Promise<void> {
    await this.#put("cancel", id);
  }

  async cancelRequests(): Promise<string[]> {
    return (await this.#rows()).filter(({ kind }) => kind === "cancel").map(({ name }) => name);
  }

  async clearCancel(id: string): Promise<void> {
    await this.#remove(["cancel"], id);
  }

  async wait(timeout?: number, signal?: AbortSignal): Promise<void> {
    const news = this.#news.signal;
    if (this.#listens) {
      this.#listening ??= this.#database.listen(this.#channel, () => this.#tell());
      await this.#listening.catch(() => this.#listening = undefined); // away: looked for instead
    }
    const longest = this.#listening === undefined ? AGE.untold : AGE.told;
    const either = AbortSignal.any([news, ...(signal ? [signal] : [])]);
    if (!this.#hasMissed) await delay(timeout ?? longest, either);
    this.#hasMissed = false;
  }

  close(): void {
    this.#listening?.then((end) => end()).catch(() => {});
    this.#listening = undefined;
  }

  get #channel(): string {
    return `${this.#database.schema}_requests`;
  }

  async #put(kind: string, name: string): Promise<void> {
    await this.#database.again(() =>
      this.#database.query(
        `insert into queuectl.requests (kind, name) values ($1, $2)
        on conflict (kind, name) do update set at = excluded.at`,
        [kind, name],
      )
    );
    await this.#notify();
  }

  async #remove(kinds: readonly string[], name: string): Promise<void> {
    const there = this.#snapshot?.rows.some((row) => row.name === name && kinds.includes(row.kind));
    // Mostly there is nothing to remove, and that was seen a moment ago.
    if (there === false && this.#isFresh()) return;
    await this.#database.again(() =>
      this.#database.query(
        "delete from queuectl.requests where name = $2 and kind = any($1::text[])",
        [kinds, name],
      )
    );
    this.#snapshot = undefined;
  }

  /** After the commit, as a statement of its own: within it would hold up other commits. */
  async #notify(): Promise<void> {
    this.#tell();
    await this.#database.query("select pg_notify($1, '')", [this.#channel]);
  }

  async #rows(): Promise<Snapshot["rows"]> {
    if (!this.#isFresh()) {
      const readAt = performance.now();
      const rows = await this.#database.read<Snapshot["rows"][number]>(
        "select kind, name from queuectl.requests",
      );
      this.#snapshot = { readAt, rows };
    }
    return this.#snapshot!.rows;
  }

  /** Without news since, and not old. */
  #isFresh(): boolean {
    const age = this.#listening === undefined ? 0 : AGE.told;
    return this.#snapshot !== undefined && performance.now() - this.#snapshot.readAt < age;
  }

  #tell(): void {
    this.#snapshot = undefined;
    this.#hasMissed = true;
    this.#news.abort();
    this.#news = new AbortController();
  }
}
