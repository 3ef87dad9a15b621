// Requests to those that run, in a store that tells of new ones.
import type { Requests, StopKind } from "../../queue/requests.ts";
import { delay } from "../../system/delay.ts";
import type { Lookout } from "./lookout.ts";
import type { Channel } from "./wake.ts";

/**
 * Milliseconds for which what was read is taken to be all there is: where news are told, and where
 * they are not. A worker looks several times a second, and mostly at nothing.
 */
const AGE = { told: 4000, untold: 500 };

export interface Request {
  readonly kind: StopKind | "cancel";
  readonly name: string;
}

/** Where the requests are kept. */
export interface RequestTable {
  put(request: Request): Promise<void>;
  remove(requests: readonly Request[]): Promise<void>;
  all(): Promise<readonly Request[]>;
}

interface Snapshot {
  readonly readAt: number;
  readonly rows: readonly Request[];
}

export class ToldRequests implements Requests {
  readonly #table: RequestTable;
  readonly #channel: Channel;
  readonly #listens: boolean;
  readonly #lookout: Lookout | undefined;
  #snapshot: Snapshot | undefined;
  #news = new AbortController();
  /** Something came while nobody waited. At first it may have: before anybody listened. */
  #hasMissed = true;
  #listening: Promise<() => Promise<void>> | undefined;

  /**
   * @param listens whether to be told of news; else they are looked for
   * @param lookout of a worker: while that rests nothing is looked for, until another one calls
   */
  constructor(table: RequestTable, channel: Channel, listens: boolean, lookout?: Lookout) {
    this.#table = table;
    this.#channel = channel;
    this.#listens = listens;
    this.#lookout = lookout;
    lookout?.onRest(() => this.#tell());
  }

  async requestStop(name: string, kind: StopKind): Promise<void> {
    await this.#put({ kind, name });
  }

  async stopRequested(name: string): Promise<StopKind | undefined> {
    const kinds = (await this.#rows()).filter((row) => row.name === name).map(({ kind }) => kind);
    return kinds.includes("force") ? "force" : kinds.includes("graceful") ? "graceful" : undefined;
  }

  async clearStop(name: string): Promise<void> {
    await this.#remove(["graceful", "force"], name);
  }

  async requestCancel(id: string): Promise<void> {
    await this.#put({ kind: "cancel", name: id });
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
      this.#listening ??= this.#channel.listen(() => this.#tell());
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

  async #put(request: Request): Promise<void> {
    await this.#table.put(request);
    this.#tell();
    await this.#channel.say("");
  }

  async #remove(kinds: readonly Request["kind"][], name: string): Promise<void> {
    const there = this.#snapshot?.rows.some((row) => row.name === name && kinds.includes(row.kind));
    // Mostly there is nothing to remove, and that was seen a moment ago.
    if (there === false && this.#isFresh()) return;
    await this.#table.remove(kinds.map((kind) => ({ kind, name })));
    this.#snapshot = undefined;
  }

  async #rows(): Promise<Snapshot["rows"]> {
    if (this.#lookout?.isResting) return [];
    if (!this.#isFresh()) {
      const readAt = performance.now();
      const rows = await this.#table.all();
      this.#snapshot = { readAt, rows };
      if (rows.length > 0) this.#lookout?.callAll();
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
