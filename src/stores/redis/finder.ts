// Which server has the queue, and a connection to it: the one that the URL names, the node of a cluster,
// or the master that Sentinels know. Each connection looks for it anew, wherever it may be by then.
import { isMoved, nodesOf, otherNode } from "./cluster.ts";
import { ErrorReply, Wire } from "./driver.ts";
import { isOfReplica } from "./errors.ts";
import { greet, type Greeting, type Info } from "./greeting.ts";
import { askSentinel } from "./sentinel.ts";
import { type Address, ConnectionEnded, NoGreeting } from "./socket.ts";

export interface Sought extends Greeting {
  /** Of a cluster, that of any node; that of a Sentinel, if those are asked. */
  readonly address: Address;
  /** What Sentinels call the master; undefined where none is asked. */
  readonly sentinel?: string | undefined;
}

/** So many nodes of a cluster may send one on to another: they need not agree while it is changed. */
const MOST_HOPS = 5;
const ALL_OR_NONE =
  "Sentinels and servers have to be all with TLS (rediss: in the URL), or all without (redis:)";
/** Milliseconds after which a cluster is asked for its nodes again: all that were known may go. */
const LOOK_AROUND = 60_000;

export class Finder {
  readonly #sought: Sought;
  readonly #key: string;
  #info: Info = new Map();
  /** Where to begin, in this order: of a cluster all nodes that are known, or all Sentinels. */
  #nodes: readonly Address[];
  /** When it was asked which those are, by the clock of this process. */
  #lookedAt = 0;

  /** @param key any one of the queue: all of them are on one node */
  constructor(sought: Sought, key: string) {
    this.#sought = sought;
    this.#key = key;
    this.#nodes = [sought.address];
  }

  /** What the server has told at the last connection: it is another one after a restart. */
  get info(): Info {
    return this.#info;
  }

  /** The nodes of a cluster that are known, or the Sentinels. */
  get nodes(): readonly Address[] {
    return this.#nodes;
  }

  /** Whether the queue may move to other places, by the last connection. */
  get mayMove(): boolean {
    return this.#sought.sentinel !== undefined || this.#isCluster;
  }

  /** Whether another server may have taken the place of the one that says so, or has. */
  isLeft(error: unknown): boolean {
    if (isOfReplica(error) || isMoved(error)) return true;
    // The master has no replicas, as one has that Sentinels have replaced by another.
    return this.#sought.sentinel !== undefined && error instanceof ErrorReply &&
      error.word === "NOREPLICAS";
  }

  /** Asks the node of a cluster now and then which others there are. Nobody waits for it. */
  lookAroundAgain(wire: Wire): void {
    if (!this.#isCluster || performance.now() - this.#lookedAt <= LOOK_AROUND) return;
    this.#lookAround(wire, this.#nodes[0]!).catch(() => {}); // the next question will say
  }

  /**
   * Makes a connection, and greets the server.
   * @param signal gives up
   * @param begin what else there is to say to the server that has the queue
   */
  async connect(signal: AbortSignal, begin: (wire: Wire) => Promise<unknown>): Promise<Wire> {
    try {
      const { sentinel } = this.#sought;
      let place = this.#nodes[0]!;
      if (sentinel !== undefined) place = await this.#askSentinel(place, sentinel, signal);
      for (let hops = 0;; hops++) {
        const found = await this.#connectTo(place, signal, begin);
        if (found instanceof Wire) return found;
        if (hops === MOST_HOPS) throw new ErrorReply("TRYAGAIN");
        place = found;
      }
    } catch (error) {
      // Where a node is gone, another one knows which has taken its place.
      const [first, ...others] = this.#nodes;
      this.#nodes = [...others, first!];
      throw this.#asOfTls(error, signal.aborted);
    }
  }

  /** @returns where the master is */
  async #askSentinel(place: Address, watched: string, signal: AbortSignal): Promise<Address> {
    return await this.#talk(place, signal, async (wire) => {
      const { master, sentinels } = await askSentinel(wire, place, watched, this.#sought);
      wire.end();
      this.#nodes = sentinels;
      return master;
    });
  }

  /** @returns the connection, or where else the queue is */
  async #connectTo(
    place: Address,
    signal: AbortSignal,
    begin: (wire: Wire) => Promise<unknown>,
  ): Promise<Wire | Address> {
    return await this.#talk(place, signal, async (wire) => {
      const other = await this.#greet(wire, place);
      if (other === undefined) await begin(wire);
      else wire.end();
      return other ?? wire;
    });
  }

  /** What `step` returns, which says the first words to the server at that place. */
  async #talk<T>(place: Address, signal: AbortSignal, step: (wire: Wire) => Promise<T>) {
    const wire = await Wire.open(place, signal);
    try {
      return await wire.unlessAborted(signal, () => step(wire));
    } catch (error) {
      wire.end();
      throw error;
    }
  }

  /** The error, with what to do where it may be that one side speaks TLS and the other does not. */
  #asOfTls(error: unknown, wasSilent: boolean): unknown {
    if (this.#info.size > 0 || !(error instanceof ConnectionEnded)) return error;
    const { address: { tls, host }, sentinel } = this.#sought;
    const found = tls === undefined && !host.startsWith("/") && !wasSilent
      ? new NoGreeting(error.message, { cause: error })
      : error;
    if (found.hint !== undefined && sentinel !== undefined) found.hint = ALL_OR_NONE;
    return found;
  }

  /** @returns where else the queue is */
  async #greet(wire: Wire, place: Address): Promise<Address | undefined> {
    this.#info = await greet(wire, this.#sought);
    if (!this.#isCluster) return undefined;
    const other = await otherNode(wire, this.#key, place);
    if (other === undefined) await this.#lookAround(wire, place);
    return other;
  }

  /** Which nodes there are now. The one that the URL names may lead to others by then. */
  async #lookAround(wire: Wire, place: Address): Promise<void> {
    this.#lookedAt = performance.now();
    this.#nodes = await nodesOf(wire, place, this.#sought.address);
  }

  get #isCluster(): boolean {
    return this.#info.get("cluster_enabled") === "1";
  }
}
