// A connection to a server that comes back by itself: it is made when it is needed, made anew when it
// has ended, and ended whenever it may rest.
import { isUnavailable } from "../../queue/errors.ts";
import { afterMilliseconds, delay } from "../../system/delay.ts";
import { Listeners } from "./listeners.ts";

/** How connections of a kind are made. */
export interface Connector<Connection> {
  /**
   * Makes one, which hears what is told on the channels of `listeners` already.
   * @param within milliseconds
   * @param signal gives up
   */
  open(within: number, signal: AbortSignal): Promise<Connection>;
  end(connection: Connection): void;
  /** Whether another connection may do: this one is gone, or the server is not ready yet. */
  isAway(error: unknown): boolean;
}

export interface ConnectOptions {
  /**
   * Milliseconds for which a connection is waited for. Commands say within ten seconds that nothing
   * can be reached.
   */
  readonly patience?: number;
  /**
   * Milliseconds in which each question is answered, or the connection is taken for dead: what is
   * lost on the way, nobody reports.
   */
  readonly answerWithin?: number;
  /** Milliseconds from now after which nothing is waited for any more. */
  readonly totalWithin?: number;
}

/** All of these are milliseconds. */
const PATIENCE = 7_000;
const ANSWER_WITHIN = 60_000;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;
/** The longest where there is a connection, which is of no use: a standby may be promoted soon. */
const STANDBY_PAUSE = 500;
/** After so long without a question a connection that is to rest is ended. */
const REST = 1_000;

export class Reconnecting<Connection extends object> {
  /** They are called, too, whenever something may have been missed. */
  readonly listeners = new Listeners();
  readonly #connector: Connector<Connection>;
  readonly #patience: number;
  readonly #answerWithin: number;
  /** When it is time to give up, by the clock of `performance`. */
  readonly #end: number;
  readonly #closing = new AbortController();
  #current: Connection | undefined;
  /** Those that have ended, maybe before they were handed out. */
  readonly #ended = new WeakSet<Connection>();
  #opening: Promise<Connection> | undefined;
  /** Grows for as long as nothing can be reached, also over several calls. */
  #pause = FIRST_PAUSE;
  /** How often it was waited for a connection, or for an answer that is of use, to the end. */
  #failures = 0;
  #isResting = false;
  /** Questions that are not answered yet. */
  #asked = 0;
  #stayAwake = () => {};

  constructor(connector: Connector<Connection>, options: ConnectOptions) {
    this.#connector = connector;
    this.#patience = options.patience ?? PATIENCE;
    this.#answerWithin = options.answerWithin ?? ANSWER_WITHIN;
    this.#end = performance.now() + (options.totalWithin ?? Infinity);
  }

  /** The open connection, if there is one. */
  get current(): Connection | undefined {
    return this.#current;
  }

  /** The open connection; a new one where there is none, which all who ask wait for. */
  async get(): Promise<Connection> {
    if (this.#current !== undefined) return this.#current;
    if (this.#closing.signal.aborted) throw new Error("The connection was closed");
    this.#opening ??= this.#open().finally(() => this.#opening = undefined);
    return await this.#opening;
  }

  /** While `step` goes on, the connection does not rest. */
  async asking<T>(step: () => Promise<T>): Promise<T> {
    this.#asked++;
    try {
      return await step();
    } finally {
      this.#asked--;
      if (this.#isResting && !this.#closing.signal.aborted) this.#endSoon();
    }
  }

  /** What `answer` returns. @param giveUp called if that is not there in time */
  async inTime<T>(answer: () => Promise<T>, giveUp: () => void): Promise<T> {
    const limit = Math.min(this.#answerWithin, Math.max(0, this.#end - performance.now()));
    const timer = limit === Infinity ? undefined : setTimeout(giveUp, limit);
    try {
      return await answer();
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Does `step` again when it has failed by an error of this kind, since the connection has ended
   * under way, for as long as this server is waited for. Only for what may be done twice.
   */
  async again<T>(
    step: () => Promise<T>,
    isGone: (error: unknown) => boolean = isUnavailable,
  ): Promise<T> {
    const deadline = this.#deadline();
    for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, STANDBY_PAUSE)) {
      const failures = this.#failures;
      try {
        return await step();
      } catch (error) {
        if (!isGone(error) || this.#closing.signal.aborted) throw error;
        // Within the step patience was had already: for a connection, or by a call of this.
        if (this.#failures > failures) throw error;
        if (performance.now() + pause >= deadline) {
          this.#failures++;
          throw error;
        }
        // A server that is not ready, or a standby, lets itself be connected to as often as one likes.
        await delay(pause, this.#closing.signal);
      }
    }
  }

  /**
   * From now on the connection is ended whenever nothing was asked for a moment, until it is needed.
   * Listeners hear nothing meanwhile; they are called when there is a connection again.
   */
  rest(isResting: boolean): void {
    this.#isResting = isResting;
    if (isResting) this.#endSoon();
  }

  /** To be called when a connection has ended, also one that is about to be handed out. */
  forget(connection: Connection): void {
    this.#ended.add(connection);
    if (this.#current !== connection) return;
    this.#current = undefined;
    this.listeners.wake();
  }

  /** Makes no more connections. */
  stop(): void {
    this.#closing.abort();
  }

  /** Stops, and lets the connection go. @returns the one that was open, for the caller to end */
  async close(): Promise<Connection | undefined> {
    this.stop();
    this.#stayAwake();
    await this.#opening?.catch(() => {});
    this.listeners.clear();
    const connection = this.#current;
    this.#current = undefined;
    return connection;
  }

  async #open(): Promise<Connection> {
    const { signal } = this.#closing;
    const deadline = this.#deadline();
    for (;; this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE)) {
      const pause = this.#pause;
      try {
        const left = Math.max(100, Math.min(deadline - performance.now(), PATIENCE));
        const connection = await this.#connector.open(left, signal);
        // It says by itself to the one who asks that it has ended; the next one gets another.
        if (this.#ended.has(connection)) return connection;
        this.#current = connection;
        this.#pause = FIRST_PAUSE;
        this.listeners.wake();
        return connection;
      } catch (error) {
        const left = deadline - performance.now();
        if (!this.#connector.isAway(error) || left < pause || signal.aborted) {
          this.#failures++;
          throw error;
        }
      }
      await delay(pause * (0.5 + Math.random() / 2), signal);
    }
  }

  /** When to stop trying again what is begun now. */
  #deadline(): number {
    return Math.min(performance.now() + this.#patience, this.#end);
  }

  #endSoon(): void {
    this.#stayAwake();
    this.#stayAwake = afterMilliseconds(REST, () => {
      if (!this.#isResting || this.#asked > 0 || this.#current === undefined) return;
      const connection = this.#current;
      this.#current = undefined;
      this.#connector.end(connection);
    });
  }
}
