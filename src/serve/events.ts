// Server-sent events: what changed, told to all that listen. One loop looks for all of them: the
// less often, the more a look costs, and not while nobody listens. Who does not read is dropped.
import { messageOf } from "../queue/errors.ts";
import { delay } from "../system/delay.ts";
import { Problem } from "./answer.ts";

/** Milliseconds between looks, and for which a client may not read. */
const PERIODS = { all: 1000, logs: 250, patience: 30_000 };
/** Of all time, looking may take this share. */
const SHARE = 1 / 50;
const LONGEST = 30_000;
/** Milliseconds after which a comment is sent, so that both sides notice a dead connection. */
const BEAT = 15_000;
/** With so many bytes that wait for it, a client is told nothing more. */
const UNREAD = 64 * 1024;
const MOST_CLIENTS = 200;

export interface LogName {
  readonly id: string;
  /** The last one if undefined. */
  readonly attempt: number | undefined;
}

/** What one client is told of, beside the counts and the workers. */
export interface Watch {
  readonly ids: readonly string[];
  readonly logs: readonly LogName[];
}

export interface LogState {
  readonly id: string;
  readonly attempt: number;
  readonly size: number;
  readonly running: boolean;
}

export interface EventSources {
  readonly status: () => Promise<unknown>;
  /** Undefined if there is no such job. */
  readonly job: (id: string) => Promise<unknown>;
  /** Undefined if there is no such log yet. */
  readonly log: (name: LogName) => Promise<LogState | undefined>;
  readonly warn: (message: string) => void;
}

interface Client {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly watch: Watch;
  /** What it was last told, by what that was about. */
  readonly told: Map<string, string>;
  spokeAt: number;
  /** Since when it has not read what waits for it. */
  deafSince: number | undefined;
}

const encoder = new TextEncoder();

export class EventHub {
  readonly #sources: EventSources;
  readonly #periods: typeof PERIODS;
  readonly #clients = new Set<Client>();
  readonly #closed = new AbortController();
  /** Ends the wait between two looks. */
  #wake = new AbortController();
  #looking: Promise<void> | undefined;
  readonly #toldWrong = new Set<string>();
  #failures = 0;

  constructor(sources: EventSources, periods: typeof PERIODS = PERIODS) {
    this.#sources = sources;
    this.#periods = periods;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** A stream for one more client. @throws Problem `busy` */
  open(watch: Watch): ReadableStream<Uint8Array> {
    if (this.#clients.size >= MOST_CLIENTS || this.#closed.signal.aborted) {
      throw new Problem(503, "busy", "Too many streams are open");
    }
    let client: Client;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        client = { controller, watch, told: new Map(), spokeAt: 0, deafSince: undefined };
        this.#clients.add(client);
        this.#say(client, ": queuectl\n\n");
        this.#wake.abort();
        this.#looking ??= this.#look();
      },
      cancel: () => void this.#clients.delete(client),
    }, { highWaterMark: UNREAD, size: (chunk) => chunk.byteLength });
  }

  /** Ends all streams, and returns when nothing is looked for any more. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#wake.abort();
    for (const client of [...this.#clients]) this.#drop(client);
    await this.#looking;
  }

  async #look(): Promise<void> {
    // What is due first: the counts and jobs, or the logs.
    for (let next = 0; this.#clients.size > 0 && !this.#closed.signal.aborted;) {
      this.#wake = new AbortController();
      const began = performance.now();
      this.#dropDeaf(began);
      const isFull = began >= next || this.#hasNew();
      const isWell = await this.#tryToLook(isFull);
      this.#beat();
      const cost = performance.now() - began;
      // Not counted as a part of the cost.
      if (!isWell) await delay(this.#periods.all, this.#closed.signal);
      if (isFull) next = began + Math.min(LONGEST, Math.max(this.#periods.all, cost / SHARE));
      const hasLogs = [...this.#clients].some(({ watch }) => watch.logs.length > 0);
      const wait = hasLogs
        ? Math.min(LONGEST, Math.max(this.#periods.logs, cost / SHARE))
        : next - performance.now();
      if (!this.#hasNew()) await delay(Math.max(0, wait), this.#wake.signal);
    }
    this.#looking = undefined;
  }

  /** Whether some have come that were told nothing yet. */
  #hasNew(): boolean {
    return [...this.#clients].some(({ told }) => told.size === 0);
  }

  async #lookAtAll(): Promise<void> {
    const status = await this.#sources.status();
    const text = JSON.stringify(status);
    // That a worker lives is no news.
    const news = text.replace(/"last_seen_at":"[^"]*"/g, "");
    for (const client of this.#listening()) this.#tell(client, "status", news, "status", text);
    await this.#lookAtJobs();
    await this.#lookAtLogs();
  }

  async #lookAtJobs(): Promise<void> {
    const ids = new Set([...this.#clients].flatMap(({ watch }) => watch.ids));
    const states = new Map<string, string | undefined>();
    for (const id of ids) {
      const job = await this.#read(() => this.#sources.job(id));
      if (job !== undefined) states.set(id, textOf(job.it));
    }
    for (const client of this.#listening()) {
      const [jobs, removed]: [string[], string[]] = [[], []];
      for (const id of client.watch.ids) {
        // One that came meanwhile watches others; and some can't be read.
        if (!states.has(id)) continue;
        const state = states.get(id);
        if (client.told.get(`job ${id}`) === (state ?? "")) continue;
        client.told.set(`job ${id}`, state ?? "");
        if (state === undefined) removed.push(id);
        else jobs.push(state);
      }
      if (jobs.length + removed.length === 0) continue;
      const data = `{"jobs":[${jobs.join()}],"removed":${JSON.stringify(removed)}}`;
      this.#say(client, `event: jobs\ndata: ${data}\n\n`);
    }
  }

  async #lookAtLogs(): Promise<void> {
    const texts = new Map<string, string | undefined>();
    for (const client of this.#listening()) {
      for (const name of client.watch.logs) {
        const key = `log ${name.id} ${name.attempt ?? ""}`;
        if (!texts.has(key)) {
          const state = await this.#read(() => this.#sources.log(name));
          texts.set(key, textOf(state?.it));
        }
        const text = texts.get(key);
        if (text !== undefined) this.#tell(client, key, text, "log", text);
      }
    }
  }

  /** Tells a client something, if it is news. */
  #tell(client: Client, about: string, news: string, event: string, data: string): void {
    if (client.told.get(about) === news) return;
    client.told.set(about, news);
    this.#say(client, `event: ${event}\ndata: ${data}\n\n`);
  }

  #beat(): void {
    const now = performance.now();
    for (const client of this.#listening()) {
      if (now - client.spokeAt >= BEAT) this.#say(client, ":\n\n");
    }
  }

  #say(client: Client, text: string): void {
    if (!this.#clients.has(client)) return;
    client.spokeAt = performance.now();
    client.controller.enqueue(encoder.encode(text));
  }

  /** Those that read. Others are told later what is news then. */
  #listening(): Client[] {
    return [...this.#clients].filter(({ controller }) => (controller.desiredSize ?? 0) > 0);
  }

  #dropDeaf(now: number): void {
    const listening = new Set(this.#listening());
    for (const client of [...this.#clients]) {
      if (listening.has(client)) client.deafSince = undefined;
      else if (now - (client.deafSince ??= now) >= this.#periods.patience) {
        this.#drop(client, "queuectl: A client that does not read its events was dropped");
      }
    }
  }

  /** @param why is printed by Deno: of an `Error` the stack trace too */
  #drop(client: Client, why?: string): void {
    if (!this.#clients.delete(client)) return;
    if (why === undefined) client.controller.close();
    else client.controller.error(why); // what waits for it is thrown away
  }

  /** A store that is away for a while ends no stream. @returns whether it could look */
  async #tryToLook(isFull: boolean): Promise<boolean> {
    const before = this.#failures;
    try {
      await (isFull ? this.#lookAtAll() : this.#lookAtLogs());
      if (isFull && this.#failures === before) this.#toldWrong.clear();
      return true;
    } catch (error) {
      this.#warn(error);
      return false;
    }
  }

  /** Reads one job or log. One that is damaged does not keep others from being told of. */
  async #read<T>(read: () => Promise<T>): Promise<{ readonly it: T } | undefined> {
    try {
      return { it: await read() };
    } catch (error) {
      this.#warn(error);
      return undefined;
    }
  }

  /** Told once, until all is well again. */
  #warn(error: unknown): void {
    this.#failures++;
    const message = `Cannot look for changes: ${messageOf(error)}`;
    if (!this.#toldWrong.has(message)) this.#sources.warn(message);
    this.#toldWrong.add(message);
  }
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
