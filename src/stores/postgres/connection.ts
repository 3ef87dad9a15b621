// One connection to the database, which comes back by itself. Says nothing of jobs: statements go
// in, rows come out, errors are in a user's words.
import { QueueError } from "../../queue/errors.ts";
import { afterMilliseconds, delay } from "../../system/delay.ts";
import { Listeners } from "../shared/listeners.ts";
import { newClient, type PgClient, type ServerConfig } from "./driver.ts";
import { UnknownOutcome } from "../shared/lost_answers.ts";
import { inWords, isConflict, isDisconnection, isRefusal, unavailable } from "./errors.ts";

export type { ServerConfig } from "./driver.ts";
export { timestamp } from "./driver.ts";

/** What takes statements: a connection, or a transaction on it. */
export interface Sql {
  /**
   * The rows that a statement returns. The schema is written `queuectl` in it, whatever its name.
   * @throws QueueError where a user can do something about it; `unavailable` if it is not known
   *   whether the statement was carried out
   */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface DatabaseOptions {
  /** What users call it: a URL without a password. */
  readonly name: string;
  readonly server: ServerConfig;
  /** The schema of the tables; `queuectl` if left out. */
  readonly schema?: string;
  /** Milliseconds for which a connection is waited for; `Infinity` for workers. */
  readonly patience?: number;
  /**
   * Milliseconds in which a statement is answered. After that the connection is taken for dead: what
   * is lost on the way, nobody reports.
   */
  readonly answerWithin?: number;
  /** Told once when the database is away, and once when it is back. */
  readonly tell?: (message: string) => void;
}

/** Milliseconds. Commands say within ten seconds that nothing can be reached. */
const PATIENCE = 7_000;
const ANSWER_WITHIN = 60_000;
/** After so long without a statement a connection that is to rest is ended. */
const REST = 1_000;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;
/**
 * Ends a transaction whose process was stopped, or cut off, in the midst of it: all that claim may
 * wait for its locks. It begins again where it can be called twice.
 */
const MOVES = "; set local idle_in_transaction_session_timeout = '10s'";
/** Conflicts between transactions, of which one has to begin again. */
const TRIES = 20;

/** Safe to use from several places at once: what they ask is done one after the other. */
export class Database implements Sql {
  readonly name: string;
  readonly schema: string;
  readonly #options: DatabaseOptions;
  readonly #patience: number;
  #client: PgClient | undefined;
  /** Ends when all that was asked for before has been done. */
  #line: Promise<unknown> = Promise.resolve();
  readonly #listeners = new Listeners();
  readonly #closing = new AbortController();
  #isAway = false;
  /** Grows for as long as nothing can be reached, also over several calls. */
  #pause = FIRST_PAUSE;
  /** How often a connection was given up. */
  #failures = 0;
  #isResting = false;
  #isAsked = false;
  #stayAwake = () => {};

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.name = options.name;
    this.schema = options.schema ?? "queuectl";
    this.#patience = options.patience ?? PATIENCE;
  }

  /**
   * A statement on its own. One that was under way when the connection ended is not sent again:
   * see `again`.
   */
  async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return await this.#inLine(async () => {
      const client = await this.#connected();
      try {
        return await this.#send<Row>(client, text, values);
      } catch (error) {
        throw isDisconnection(error) && !isRefusal(error) ? new UnknownOutcome(error) : error;
      }
    });
  }

  /** Reads: a statement that may be sent again when the connection ends under way. */
  async read<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return await this.again(() => this.query<Row>(text, values));
  }

  /**
   * Does `step` again when the connection has ended under way, for as long as this database is
   * waited for. Only for what may be done twice.
   */
  async again<T>(step: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#patience;
    for (;;) {
      const failures = this.#failures;
      try {
        return await step();
      } catch (error) {
        const isAway = error instanceof QueueError && error.code === "unavailable";
        // Where no connection came about, patience was had already.
        const isOver = this.#failures > failures || performance.now() >= deadline;
        if (!isAway || isOver || this.#closing.signal.aborted) throw error;
        // A standby lets itself be connected to as often as one likes.
        await delay(FIRST_PAUSE, this.#closing.signal);
      }
    }
  }

  /**
   * Statements that are carried out together or not at all. `work` is called again after a conflict
   * with another transaction, and when the connection ended before the commit.
   * @param once `work` can't be called twice
   * @throws QueueError `unavailable`, with an `UnknownOutcome` as its cause, if the connection
   *   ended while it was committed
   */
  async transaction<T>(
    work: (sql: Sql) => Promise<T>,
    { once = false }: { readonly once?: boolean } = {},
  ): Promise<T> {
    return await this.#inLine(async () => {
      const deadline = performance.now() + this.#patience;
      for (let tries = 1;; tries++) {
        const failures = this.#failures;
        try {
          return await this.#attempt(work, once ? "" : MOVES);
        } catch (error) {
          if (once) throw inWords(this.name, error);
          const isGone = isLost(error) && performance.now() < deadline &&
            this.#failures === failures && !this.#closing.signal.aborted;
          if (!isGone && !(isConflict(error) && tries < TRIES)) throw inWords(this.name, error);
          if (isGone) await delay(FIRST_PAUSE, this.#closing.signal);
        }
      }
    });
  }

  /**
   * Calls `heard` when somebody notifies the channel, and once after each reconnection, since
   * something may have been missed. Behind a pooler nothing may come. Keeps the connection.
   * @returns ends the listening
   */
  async listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>> {
    if (this.#listeners.add(channel, heard)) await this.query(`listen ${quoted(channel)}`);
    return async () => {
      const isLast = this.#listeners.remove(channel, heard);
      if (isLast && this.#client !== undefined) await this.query(`unlisten ${quoted(channel)}`);
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

  /** Ends the connection, when all that was asked for has been done. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#line;
    this.#stayAwake();
    const client = this.#client;
    this.#client = undefined;
    this.#listeners.clear();
    await client?.end().catch(() => {});
  }

  async #inLine<T>(step: () => Promise<T>): Promise<T> {
    const before = this.#line;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#line = promise;
    await before;
    this.#isAsked = true;
    try {
      return await step();
    } catch (error) {
      throw inWords(this.name, error);
    } finally {
      this.#isAsked = false;
      if (this.#isResting) this.#endSoon();
      resolve();
    }
  }

  #endSoon(): void {
    this.#stayAwake();
    this.#stayAwake = afterMilliseconds(REST, () => {
      if (!this.#isResting || this.#isAsked) return;
      const client = this.#client;
      this.#client = undefined;
      client?.end().catch(() => {});
    });
  }

  async #send<Row>(client: PgClient, text: string, values: readonly unknown[]): Promise<Row[]> {
    const giveUp = () => client.connection.stream.destroy();
    const { answerWithin = ANSWER_WITHIN } = this.#options;
    const timer = answerWithin === Infinity ? undefined : setTimeout(giveUp, answerWithin);
    try {
      const result = await client.query({ text: this.#inSchema(text), values });
      return (Array.isArray(result) ? result.at(-1)! : result).rows as Row[];
    } catch (error) {
      if (isDisconnection(error)) this.#forget(client);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #attempt<T>(work: (sql: Sql) => Promise<T>, rule: string): Promise<T> {
    const own = await this.#connected();
    const isHere = () => {
      if (this.#client !== own) throw new Error("Connection terminated unexpectedly");
    };
    const sql: Sql = {
      query: (text, values = []) => {
        isHere();
        return this.#send(own, text, values);
      },
    };
    await sql.query(`begin isolation level read committed${rule}`);
    let result: T;
    try {
      result = await work(sql);
    } catch (error) {
      if (this.#client === own) await sql.query("rollback").catch(() => {});
      throw error;
    }
    try {
      await sql.query("commit");
    } catch (error) {
      if (!isDisconnection(error)) throw error;
      throw unavailable(this.name, new UnknownOutcome(error));
    }
    return result;
  }

  /** The open connection; a new one where there is none, tried for as long as patience lasts. */
  async #connected(): Promise<PgClient> {
    if (this.#client !== undefined) return this.#client;
    if (this.#closing.signal.aborted) throw new Error("The database was closed");
    const deadline = performance.now() + this.#patience;
    for (;; this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE)) {
      const pause = this.#pause;
      try {
        const client = await this.#connect(deadline);
        this.#pause = FIRST_PAUSE;
        if (this.#isAway) this.#options.tell?.(`${this.name} is back`);
        this.#isAway = false;
        return client;
      } catch (error) {
        const left = deadline - performance.now();
        if (!isDisconnection(error) || left < pause || this.#closing.signal.aborted) {
          this.#failures++;
          throw error;
        }
        if (!this.#isAway && this.#patience === Infinity) {
          this.#options.tell?.(`${unavailable(this.name, error).message}; trying until it works`);
          this.#isAway = true;
        }
      }
      await delay(pause * (0.5 + Math.random() / 2), this.#closing.signal);
    }
  }

  async #connect(deadline: number): Promise<PgClient> {
    const left = Math.max(100, Math.min(deadline - performance.now(), PATIENCE));
    const client = newClient(this.#options.server, left);
    // Errors of a connection that nobody uses at the moment; those under way reject by themselves.
    const forget = () => this.#forget(client);
    client.on("error", forget);
    client.on("end", forget);
    client.on("notification", ({ channel, payload }) => {
      this.#listeners.tell(channel, payload ?? "");
    });
    try {
      await client.connect();
      for (const channel of this.#listeners.channels) {
        await client.query({ text: `listen ${quoted(channel)}` });
      }
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    this.#client = client;
    this.#listeners.wake();
    return client;
  }

  #forget(client: PgClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#listeners.wake();
  }

  #inSchema(text: string): string {
    return this.schema === "queuectl"
      ? text
      : text.replaceAll("queuectl.", `${quoted(this.schema)}.`);
  }
}

/** A name, as it is written in a statement. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Whether the connection ended before anything was kept. */
function isLost(error: unknown): boolean {
  if (error instanceof QueueError) {
    return error.code === "unavailable" && !(error.cause instanceof UnknownOutcome);
  }
  return isDisconnection(error);
}
