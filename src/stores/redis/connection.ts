// One connection to the server, which comes back by itself. Says nothing of jobs: commands and scripts
// go in, replies come out, errors are in a user's words.
import { QueueError } from "../../queue/errors.ts";
import { UnknownOutcome } from "../shared/lost_answers.ts";
import { type ConnectOptions, Reconnecting } from "../shared/reconnecting.ts";
import {
  type Address,
  type Argument,
  ConnectionEnded,
  ErrorReply,
  NoGreeting,
  type Reply,
  Wire,
} from "./driver.ts";
import { isMoved, nodesOf, otherNode } from "./cluster.ts";
import { inWords, isAway, isNotReady, isOfReplica, wasInterrupted } from "./errors.ts";
import { greet, type Greeting, type Info } from "./greeting.ts";
import { askSentinel } from "./sentinel.ts";
import { hashOf, TOUCH } from "./script_common.ts";

export type { Reply } from "./driver.ts";

export interface RedisOptions extends ConnectOptions, Greeting {
  /** Of a cluster, that of any node; that of a Sentinel, if those are asked. */
  readonly address: Address;
  /** What Sentinels call the master; undefined where none is asked. */
  readonly sentinel?: string | undefined;
  /** What the names of all keys begin with. */
  readonly prefix: string;
  /** How many replicas are to have what is acknowledged; none if left out. */
  readonly replicas?: number;
  /** Milliseconds for which they are waited for. */
  readonly replicasWithin?: number;
  /** And what follows that, of a queue that is built beside another. */
  readonly within?: string;
}

/**
 * Milliseconds for which replicas are waited for; and once they were late, for as long as they are:
 * else a worker without a replica would end a job each five seconds.
 */
const REPLICAS_WITHIN = 5_000;
const LATE_REPLICAS_WITHIN = 200;
/** So many nodes of a cluster may send one on to another: they need not agree while it is changed. */
const MOST_HOPS = 5;
/** Milliseconds after which a cluster is asked for its nodes again: all that were known may go. */
const LOOK_AROUND = 60_000;

export class Redis {
  readonly name: string;
  /** With braces, so that in a cluster all keys are on one server. */
  readonly base: string;
  readonly #options: RedisOptions;
  readonly #link: Reconnecting<Wire>;
  #info: Info = new Map();
  /** Where to begin, in this order: of a cluster all nodes that are known, or all Sentinels. */
  #nodes: readonly Address[];
  /** When it was asked which those are, by the clock of this process. */
  #lookedAt = 0;
  #areReplicasLate = false;

  constructor(options: RedisOptions) {
    this.#options = options;
    this.#nodes = [options.address];
    this.name = options.name;
    this.base = `{${options.prefix}}:${options.within ?? ""}`;
    const open = (within: number, signal: AbortSignal) => this.#connect(within, signal);
    this.#link = new Reconnecting({ open, end: (wire) => wire.end(), isAway }, options);
  }

  /** What the server has told at the last connection: it is another one after a restart. */
  async info(): Promise<Info> {
    await this.#inWords(() => this.#link.get());
    return this.#info;
  }

  /** Whether the queue may move to other places. */
  async mayMove(): Promise<boolean> {
    await this.info();
    return this.#options.sentinel !== undefined || isCluster(this.#info);
  }

  /** Where it is looked for: the nodes of a cluster that are known, or the Sentinels. */
  get nodes(): readonly Address[] {
    return this.#nodes;
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
   * Does `step`, and waits until as many replicas as are wanted have what it has changed. The
   * connection is held up meanwhile.
   * @param late told if they have not got it in time
   * @param isChange whether it has changed anything, by what it returned; `seen`: others may have, or
   *   this process by an earlier connection, and it has found that
   * @throws QueueError `unavailable` if the connection ends before that is known: the server may be
   *   another one by now, which does not have it
   */
  async confirmed<T>(
    step: () => Promise<T>,
    late: (result: T) => void = () => {},
    isChange: (result: T) => boolean | "seen" = () => true,
  ): Promise<T> {
    const { replicas = 0, replicasWithin = REPLICAS_WITHIN } = this.#options;
    if (replicas === 0) return await step();
    return await this.#link.asking(async () => {
      const wire = await this.#inWords(() => this.#link.get());
      const result = await step();
      const changed = isChange(result);
      if (!changed) return result;
      // From Redis 7.2 on, WAIT waits for what its own connection has changed, and for nothing else.
      if (changed === "seen") await this.run(TOUCH, []);
      const within = this.#areReplicasLate ? LATE_REPLICAS_WITHIN : replicasWithin;
      const words = ["WAIT", String(replicas), String(within)];
      const count = await this.#inWords(() => this.#askBy(wire, words));
      this.#areReplicasLate = Number(count) < replicas;
      if (this.#areReplicasLate) late(result);
      return result;
    });
  }

  /**
   * Does `step` again when the connection has ended under way, for as long as this server is waited
   * for. Only for what may be done twice.
   */
  again<T>(step: () => Promise<T>): Promise<T> {
    return this.#link.again(step);
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

  /** By which the server knows this connection. */
  async clientId(): Promise<string> {
    return String(await this.again(() => this.#ask(["CLIENT", "ID"])));
  }

  /** Whether that connection is there still. */
  async isConnected(clientId: string): Promise<boolean> {
    return await this.again(() => this.#ask(["CLIENT", "LIST", "ID", clientId])) !== "";
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

  /** Asks again for a while where the server says that it is not ready: then it has done nothing. */
  async #ask(words: readonly Argument[], asBytes = false): Promise<Reply> {
    const step = () => this.#inWords(() => this.#askOnce(words, asBytes));
    return await this.#link.asking(() => this.#link.again(step, isNotReady));
  }

  async #askOnce(words: readonly Argument[], asBytes: boolean): Promise<Reply> {
    const wire = await this.#link.get();
    const isOld = performance.now() - this.#lookedAt > LOOK_AROUND;
    if (isOld && isCluster(this.#info)) {
      this.#lookAround(wire, this.#nodes[0]!).catch(() => {}); // the question itself will say
    }
    return await this.#askBy(wire, words, asBytes);
  }

  async #askBy(wire: Wire, words: readonly Argument[], asBytes = false): Promise<Reply> {
    try {
      return await this.#link.inTime(() => wire.ask(words, asBytes), () => giveUp(wire));
    } catch (error) {
      if (error instanceof ConnectionEnded) throw new UnknownOutcome(error);
      if (wasInterrupted(error)) {
        wire.end();
        throw new UnknownOutcome(error);
      }
      // Another server may have taken its place, or has.
      if (isOfReplica(error) || isMoved(error) || this.#isLeft(error)) wire.end();
      throw error;
    }
  }

  /** Whether the master has no replicas, as one has that Sentinels have replaced by another. */
  #isLeft(error: unknown): boolean {
    return this.#options.sentinel !== undefined && error instanceof ErrorReply &&
      error.word === "NOREPLICAS";
  }

  /** Which nodes there are now. The one that the URL names may lead to others by then. */
  async #lookAround(wire: Wire, place: Address): Promise<void> {
    this.#lookedAt = performance.now();
    this.#nodes = await nodesOf(wire, place, this.#options.address);
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

  async #connect(within: number, closing: AbortSignal): Promise<Wire> {
    const signal = AbortSignal.any([AbortSignal.timeout(within), closing]);
    try {
      let place = this.#options.sentinel === undefined
        ? this.#nodes[0]!
        : await this.#askSentinel(this.#nodes[0]!, this.#options.sentinel, signal);
      for (let hops = 0;; hops++) {
        const found = await this.#connectTo(place, signal);
        if (found instanceof Wire) return found;
        if (hops === MOST_HOPS) throw new ErrorReply("TRYAGAIN");
        place = found;
      }
    } catch (error) {
      // Where a node is gone, another one knows which has taken its place.
      const [first, ...others] = this.#nodes;
      this.#nodes = [...others, first!];
      throw error;
    }
  }

  /** @returns where the master is */
  async #askSentinel(place: Address, watched: string, signal: AbortSignal): Promise<Address> {
    const wire = await Wire.open(place, signal);
    try {
      const asked = () => askSentinel(wire, place, watched, this.#options);
      const { master, sentinels } = await unlessAborted(wire, signal, asked);
      this.#nodes = sentinels;
      return master;
    } finally {
      wire.end();
    }
  }

  /** @returns the connection, or where else the queue is */
  async #connectTo(place: Address, signal: AbortSignal): Promise<Wire | Address> {
    const wire = await Wire.open(place, signal);
    wire.onEnd = () => this.#link.forget(wire);
    try {
      const other = await unlessAborted(wire, signal, () => this.#begin(wire, place));
      if (other === undefined) return wire;
      wire.end();
      return other;
    } catch (error) {
      wire.end();
      if (this.#info.size > 0 || !(error instanceof ConnectionEnded) || signal.aborted) throw error;
      throw place.tls === undefined && !place.host.startsWith("/")
        ? new NoGreeting(error.message, { cause: error })
        : error;
    }
  }

  /** Greets the server, and asks to hear what is heard. @returns where else the queue is */
  async #begin(wire: Wire, place: Address): Promise<Address | undefined> {
    this.#info = await greet(wire, this.#options);
    if (isCluster(this.#info)) {
      const other = await otherNode(wire, this.base, place);
      if (other !== undefined) return other;
      await this.#lookAround(wire, place);
    }
    const { listeners } = this.#link;
    wire.onNews = (channel, word) => listeners.tell(channel, word);
    await Promise.all(listeners.channels.map((one) => wire.ask(["SUBSCRIBE", one])));
    return undefined;
  }
}

/** What `step` returns. The connection is given up when `signal` aborts meanwhile. */
async function unlessAborted<T>(
  wire: Wire,
  signal: AbortSignal,
  step: () => Promise<T>,
): Promise<T> {
  const onAbort = () => giveUp(wire);
  signal.addEventListener("abort", onAbort);
  try {
    return await step();
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function isCluster(info: Info): boolean {
  return info.get("cluster_enabled") === "1";
}

function giveUp(wire: Wire): void {
  wire.end(new ConnectionEnded("no answer in time"));
}
