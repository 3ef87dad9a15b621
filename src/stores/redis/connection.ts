// One connection to the server, which comes back by itself. Says nothing of jobs: commands and scripts
// go in, replies come out, errors are in a user's words.
import { QueueError } from "../../queue/errors.ts";
import { afterMilliseconds, delay } from "../../system/delay.ts";
import { Listeners } from "../shared/listeners.ts";
import { UnknownOutcome } from "../shared/lost_answers.ts";
import type { ConnectOptions } from "../shared/server_store.ts";
import {
  type Address,
  type Argument,
  ConnectionEnded,
  ErrorReply,
  type Reply,
  Wire,
} from "./driver.ts";
import { inWords, isAway, unavailable } from "./errors.ts";
import { greet, type Greeting, type Info } from "./greeting.ts";
import { hashOf } from "./script_common.ts";

export type { Reply } from "./driver.ts";

export interface RedisOptions extends ConnectOptions, Greeting {
  readonly address: Address;
  /** What the names of all keys begin with. */
  readonly prefix: string;
  /** And what follows that, of a queue that is built beside another. */
  readonly within?: string;
}

/** Milliseconds. Commands say within ten seconds that nothing can be reached. */
const PATIENCE = 7_000;
const ANSWER_WITHIN = 60_000;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;
/** After so long without a question a connection that is to rest is ended. */
const REST = 1_000;

export class Redis {
  readonly name: string;
  /** With braces, so that in a cluster all keys are on one server. */
  readonly base: string;
  readonly #options: RedisOptions;
  readonly #patience: number;
  #wire: Wire | undefined;
  #connecting: Promise<Wire> | undefined;
  #info: Info = new Map();
  readonly #listeners = new Listeners();
  readonly #closing = new AbortController();
  /** Grows for as long as nothing can be reached, also over several calls. */
  #pause = FIRST_PAUSE;
  /** How often a connection was given up. */
  #failures = 0;
  #isResting = false;
  /** Questions that are not answered yet. */
  #asked = 0;
  #stayAwake = () => {};

  constructor(options: RedisOptions) {
    this.#options = options;
    this.name = options.name;
    this.base = `{${options.prefix}}:${options.within ?? ""}`;
    this.#patience = options.patience ?? PATIENCE;
  }

  /** What the server has told at the last connection: it is another one after a restart. */
  async info(): Promise<Info> {
    await this.#inWords(() => this.#connected());
    return this.#info;
  }

  /**
   * A command, with the name of its key without the prefix. One that was under way when the
   * connection ended is not sent again: see `again`.
   */
  async ask(command: string, key: string, ...rest: readonly Argument[]): Promise<Reply> {
    return await this.#ask([command, this.base + key, ...rest]);
  }

  /** As `ask`, where what is read is bytes. */
  async askBytes(command: string, key: string, ...rest: string[]): Promise<Uint8Array> {
    const words = [command, this.base + key, ...rest];
    return await this.again(() => this.#ask(words, true)) as Uint8Array;
  }

  /** Reads: a command that may be sent again when the connection ends under way. */
  async read(command: string, key: string, ...rest: readonly string[]): Promise<Reply> {
    return await this.again(() => this.ask(command, key, ...rest));
  }

  /** Calls a script with these arguments. */
  async run(script: string, args: readonly Argument[]): Promise<Reply> {
    const hash = await hashOf(script);
    const rest = ["1", this.base, ...args];
    try {
      return await this.#ask(["EVALSHA", hash, ...rest]);
    } catch (error) {
      const isUnknown = error instanceof ErrorReply && error.word === "NOSCRIPT";
      if (!isUnknown) throw error;
      return await this.#ask(["EVAL", script, ...rest]);
    }
  }

  /**
   * Does `step` again when the connection has ended under way, for as long as this server is waited
   * for. Only for what may be done twice.
   */
  async again<T>(step: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#patience;
    for (;;) {
      const failures = this.#failures;
      try {
        return await step();
      } catch (error) {
        const isGone = error instanceof QueueError && error.code === "unavailable";
        // Where no connection came about, patience was had already.
        const isOver = this.#failures > failures || performance.now() >= deadline;
        if (!isGone || isOver || this.#closing.signal.aborted) throw error;
        // A server that answers, but is not ready.
        if (error.cause instanceof ErrorReply) await delay(FIRST_PAUSE, this.#closing.signal);
      }
    }
  }

  /** The bytes that a key takes, about; 0 if it is not there, or one may not ask. */
  async memoryOf(key: string): Promise<number> {
    const bytes = await this.again(() => this.#ask(["MEMORY", "USAGE", this.base + key]))
      .catch((error) => {
        if (error instanceof QueueError && error.code === "refused") return 0;
        throw error;
      });
    return Number(bytes ?? 0);
  }

  /** Removes all keys whose names begin so. */
  async removeAll(beginning: string): Promise<void> {
    for await (const keys of this.keys(beginning)) {
      if (keys.length === 0) continue;
      const names = keys.map((key) => this.base + key);
      await this.again(() => this.#ask(["UNLINK", ...names]));
    }
  }

  /** The names of keys that begin so, without the prefix; portion by portion, each at least once. */
  async *keys(beginning: string): AsyncIterable<readonly string[]> {
    const pattern = `${(this.base + beginning).replace(/[\\*?[\]]/g, "\\$&")}*`;
    for await (const names of this.#scan(["SCAN"], "MATCH", pattern)) {
      yield names.map((name) => name.slice(this.base.length));
    }
  }

  /** What is in a hash or a set, portion by portion; each of it at least once. */
  async *scan(command: "HSCAN" | "ZSCAN", key: string): AsyncIterable<readonly string[]> {
    yield* this.#scan([command, this.base + key]);
  }

  async *#scan(begin: string[], ...end: string[]): AsyncIterable<readonly string[]> {
    let cursor = "0";
    do {
      const words = [...begin, cursor, ...end, "COUNT", "500"];
      const [next, found] = await this.again(() => this.#ask(words)) as [string, string[]];
      yield found;
      cursor = next;
    } while (cursor !== "0");
  }

  async publish(topic: string, word: string): Promise<void> {
    await this.ask("PUBLISH", topic, word);
  }

  /**
   * Calls `heard` when somebody publishes on the topic, and once after each reconnection, since
   * something may have been missed. Keeps the connection. @returns ends the listening
   */
  async listen(topic: string, heard: (word: string) => void): Promise<() => Promise<void>> {
    const channel = this.base + topic;
    try {
      if (this.#listeners.add(channel, heard)) await this.#ask(["SUBSCRIBE", channel]);
    } catch (error) {
      this.#listeners.remove(channel, heard);
      throw error;
    }
    return async () => {
      const isLast = this.#listeners.remove(channel, heard);
      if (isLast && this.#wire !== undefined) await this.#ask(["UNSUBSCRIBE", channel]);
    };
  }

  /**
   * From now on the connection is ended whenever nothing was asked for a moment, until it is needed.
   * Listeners hear nothing meanwhile; they are called when there is a connection again.
   */
  rest(isResting: boolean): void {
    this.#isResting = isResting;
    if (isResting) this.#endSoon();
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#stayAwake();
    await this.#connecting?.catch(() => {});
    this.#listeners.clear();
    const wire = this.#wire;
    this.#wire = undefined;
    wire?.end();
  }

  async #ask(words: readonly Argument[], asBytes = false): Promise<Reply> {
    this.#asked++;
    try {
      return await this.#askOnce(words, asBytes);
    } finally {
      this.#asked--;
      if (this.#isResting && !this.#closing.signal.aborted) this.#endSoon();
    }
  }

  #endSoon(): void {
    this.#stayAwake();
    this.#stayAwake = afterMilliseconds(REST, () => {
      if (!this.#isResting || this.#asked > 0) return;
      const wire = this.#wire;
      this.#wire = undefined;
      wire?.end();
    });
  }

  async #askOnce(words: readonly Argument[], asBytes: boolean): Promise<Reply> {
    return await this.#inWords(async () => {
      const wire = await this.#connected();
      const { answerWithin = ANSWER_WITHIN } = this.#options;
      const giveUp = () => wire.end(new ConnectionEnded("no answer in time"));
      const timer = answerWithin === Infinity ? undefined : setTimeout(giveUp, answerWithin);
      try {
        return await wire.ask(words, asBytes);
      } catch (error) {
        if (error instanceof ConnectionEnded) throw new UnknownOutcome(error);
        // Another server may have taken its place.
        if (error instanceof ErrorReply && error.word === "READONLY") wire.end();
        throw error;
      } finally {
        clearTimeout(timer);
      }
    });
  }

  async #inWords<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      // For the one who asks it means something.
      if (error instanceof ErrorReply && error.word === "NOSCRIPT") throw error;
      throw inWords(this.name, error);
    }
  }

  /** The open connection; a new one where there is none, which all who ask wait for. */
  async #connected(): Promise<Wire> {
    if (this.#wire !== undefined) return this.#wire;
    if (this.#closing.signal.aborted) throw new Error("The connection was closed");
    this.#connecting ??= this.#tryToConnect().finally(() => this.#connecting = undefined);
    return await this.#connecting;
  }

  async #tryToConnect(): Promise<Wire> {
    const deadline = performance.now() + this.#patience;
    for (;; this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE)) {
      const pause = this.#pause;
      try {
        const wire = await this.#connect(deadline);
        this.#pause = FIRST_PAUSE;
        return wire;
      } catch (error) {
        const left = deadline - performance.now();
        if (!isAway(error) || left < pause || this.#closing.signal.aborted) {
          this.#failures++;
          throw isAway(error) ? unavailable(this.name, error) : error;
        }
      }
      await delay(pause * (0.5 + Math.random() / 2), this.#closing.signal);
    }
  }

  async #connect(deadline: number): Promise<Wire> {
    const left = Math.max(100, Math.min(deadline - performance.now(), PATIENCE));
    const signal = AbortSignal.any([AbortSignal.timeout(left), this.#closing.signal]);
    const wire = await Wire.open(this.#options.address, signal);
    const giveUp = () => wire.end(new ConnectionEnded("no answer in time"));
    signal.addEventListener("abort", giveUp);
    try {
      this.#info = await greet(wire, this.#options);
      wire.onNews = (channel, word) => this.#listeners.tell(channel, word);
      const { channels } = this.#listeners;
      if (channels.length > 0) {
        await Promise.all(channels.map((one) => wire.ask(["SUBSCRIBE", one])));
      }
    } catch (error) {
      wire.end();
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
    wire.onEnd = () => this.#forget(wire);
    this.#wire = wire;
    this.#listeners.wake();
    return wire;
  }

  #forget(wire: Wire): void {
    if (this.#wire !== wire) return;
    this.#wire = undefined;
    this.#listeners.wake();
  }
}
