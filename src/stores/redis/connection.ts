// One connection to the server, which comes back by itself. Says nothing of jobs: commands and scripts
// go in, replies come out, errors are in a user's words.
import { UnknownOutcome } from "../shared/lost_answers.ts";
import { type ConnectOptions, Reconnecting } from "../shared/reconnecting.ts";
import { type Argument, ErrorReply, type Reply, type Wire } from "./driver.ts";
import { inWords, isAway, isNotReady, wasInterrupted } from "./errors.ts";
import { Finder, type Sought } from "./finder.ts";
import type { Info } from "./greeting.ts";
import { type Ask, type ReplicaOptions, Replicas } from "./replicas.ts";
import { hashOf } from "./script_common.ts";
import { type Address, ConnectionEnded } from "./socket.ts";

export type { Reply } from "./driver.ts";

export interface RedisOptions extends ConnectOptions, Sought, ReplicaOptions {
  /** What the names of all keys begin with. */
  readonly prefix: string;
  /** And what follows that, of a queue that is built beside another. */
  readonly within?: string;
}

export class Redis {
  readonly name: string;
  /** With braces, so that in a cluster all keys are on one server. */
  readonly base: string;
  /** Those that are to have what is acknowledged. */
  readonly replicas: Replicas;
  readonly #finder: Finder;
  readonly #link: Reconnecting<Wire>;

  constructor(options: RedisOptions) {
    this.name = options.name;
    this.base = `{${options.prefix}}:${options.within ?? ""}`;
    this.replicas = new Replicas(this, options);
    this.#finder = new Finder(options, this.base);
    const open = (within: number, signal: AbortSignal) => this.#connect(within, signal);
    this.#link = new Reconnecting({ open, end: (wire) => wire.end(), isAway }, options);
  }

  /** What the server has told at the last connection: it is another one after a restart. */
  async info(): Promise<Info> {
    await this.#inWords(() => this.#link.get());
    return this.#finder.info;
  }

  /** Whether the queue may move to other places. */
  async mayMove(): Promise<boolean> {
    await this.info();
    return this.#finder.mayMove;
  }

  /** Where it is looked for: the nodes of a cluster that are known, or the Sentinels. */
  get nodes(): readonly Address[] {
    return this.#finder.nodes;
  }

  /**
   * A command, with the name of its key without the prefix. One that was under way when the
   * connection ended is not sent again: see `again`.
   */
  async ask(command: string, key: string, ...rest: readonly Argument[]): Promise<Reply> {
    return await this.#ask([command, this.base + key, ...rest]);
  }

  /** As `ask`, where no key comes second: names of keys are as they are on the server. */
  async askPlain(...words: readonly string[]): Promise<Reply> {
    return await this.#ask(words);
  }

  /** As `read`, where what is read is bytes. */
  async readBytes(command: string, key: string, ...rest: string[]): Promise<Uint8Array> {
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
  again<T>(step: () => Promise<T>): Promise<T> {
    return this.#link.again(step);
  }

  /**
   * Does `step`, and gives it what asks by the connection that there is now, and by no later one. It
   * does not rest meanwhile.
   */
  async byOneConnection<T>(step: (ask: Ask) => Promise<T>): Promise<T> {
    return await this.#link.asking(async () => {
      const wire = await this.#inWords(() => this.#link.get());
      return await step((words) => this.#inWords(() => this.#askBy(wire, words)));
    });
  }

  /**
   * Calls `heard` when somebody publishes on the topic, and once after each reconnection, since
   * something may have been missed. Keeps the connection. @returns ends the listening
   */
  async listen(topic: string, heard: (word: string) => void): Promise<() => Promise<void>> {
    const channel = this.base + topic;
    const { listeners } = this.#link;
    try {
      if (listeners.add(channel, heard)) await this.#ask(["SUBSCRIBE", channel]);
    } catch (error) {
      listeners.remove(channel, heard);
      throw error;
    }
    return async () => {
      const isLast = listeners.remove(channel, heard);
      if (isLast && this.#link.current !== undefined) await this.#ask(["UNSUBSCRIBE", channel]);
    };
  }

  /** As `Reconnecting.rest`. */
  rest(isResting: boolean): void {
    this.#link.rest(isResting);
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    (await this.#link.close())?.end();
  }

  async #connect(within: number, closing: AbortSignal): Promise<Wire> {
    const signal = AbortSignal.any([AbortSignal.timeout(within), closing]);
    const { listeners } = this.#link;
    return await this.#finder.connect(signal, async (wire) => {
      wire.onEnd = () => this.#link.forget(wire);
      wire.onNews = (channel, word) => listeners.tell(channel, word);
      await Promise.all(listeners.channels.map((one) => wire.ask(["SUBSCRIBE", one])));
    });
  }

  /** Asks again for a while where the server says that it is not ready: then it has done nothing. */
  async #ask(words: readonly Argument[], asBytes = false): Promise<Reply> {
    const askOnce = async () => {
      const wire = await this.#link.get();
      this.#finder.lookAroundAgain(wire);
      return await this.#askBy(wire, words, asBytes);
    };
    const step = () => this.#inWords(askOnce);
    return await this.#link.asking(() => this.#link.again(step, isNotReady));
  }

  async #askBy(wire: Wire, words: readonly Argument[], asBytes = false): Promise<Reply> {
    try {
      return await this.#link.inTime(() => wire.ask(words, asBytes), () => wire.giveUp());
    } catch (error) {
      if (error instanceof ConnectionEnded) throw new UnknownOutcome(error);
      if (wasInterrupted(error)) {
        wire.end();
        throw new UnknownOutcome(error);
      }
      if (this.#finder.isLeft(error)) wire.end();
      throw error;
    }
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
}
