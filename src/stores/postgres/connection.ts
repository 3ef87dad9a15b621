// One connection to the database, which comes back by itself. Says nothing of jobs: statements go
// in, rows come out, errors are in a user's words.
import { isUnavailable, QueueError } from "../../queue/errors.ts";
import { pause } from "../../system/delay.ts";
import { UnknownOutcome } from "../shared/lost_answers.ts";
import { type ConnectOptions, Reconnecting } from "../shared/reconnecting.ts";
import { newClient, type PgClient, type ServerConfig } from "./driver.ts";
import {
  inWords,
  isConflict,
  isDisconnection,
  isOfStandby,
  isPoolExhausted,
  isRefusal,
  unavailable,
} from "./errors.ts";
import { PreparedStatements } from "./prepared.ts";

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

export interface DatabaseOptions extends ConnectOptions {
  /** What users call it: a URL without a password. */
  readonly name: string;
  readonly server: ServerConfig;
  /** The schema of the tables; `queuectl` if left out. */
  readonly schema?: string;
}

const CHANGES = "read committed";
/**
 * Ends a transaction whose process was stopped, or cut off, in the midst of it: all that claim may
 * wait for its locks. It begins again where it can be called twice.
 */
const MOVES = "; set local idle_in_transaction_session_timeout = '10s'";
/** For what takes its time, whatever is set for the user. Servers before 17 lack the last of them. */
export const NO_TIME_LIMITS = "set local statement_timeout = 0; set local lock_timeout = 0; " +
  "select set_config('transaction_timeout', '0', true) " +
  "where current_setting('transaction_timeout', true) is not null";
/** What can't be called twice may take long, and waits for files; but its process may be cut off. */
const TAKES_LONG = `; ${NO_TIME_LIMITS}; set local idle_in_transaction_session_timeout = '10min'`;
/**
 * Ends what waits for a lock when its client is gone. Without it, each connection that was given up
 * would leave a process of the server behind, until there is no room for anybody.
 */
const ENDS_WITH_CLIENT = "set client_connection_check_interval = '2s'";
/** Conflicts between transactions, of which one has to begin again. */
const TRIES = 20;
/** Milliseconds in which a connection ends. */
const ENDS_WITHIN = 1_000;

/** Safe to use from several places at once: what they ask is done one after the other. */
export class Database implements Sql {
  readonly name: string;
  readonly schema: string;
  readonly #server: ServerConfig;
  readonly #link: Reconnecting<PgClient>;
  readonly #prepared = new PreparedStatements();
  /** Ends when all that was asked for before has been done. */
  #line: Promise<unknown> = Promise.resolve();
  /** Whether a connection was given up, since there was no answer in time. */
  #wasSilent = false;
  /** Whether an answer may take as long as it likes, as in a restore over millions of jobs. */
  #isPatient = false;

  constructor(options: DatabaseOptions) {
    this.name = options.name;
    this.schema = options.schema ?? "queuectl";
    this.#server = options.server;
    this.#link = new Reconnecting({
      open: (within) => this.#connect(within),
      end: (client) => void client.end().catch(() => {}),
      isAway: isDisconnection,
    }, options);
  }

  /**
   * A statement on its own. One that was under way when the connection ended is not sent again:
   * see `again`.
   */
  async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return await this.#alone((client) => this.#send<Row>(client, text, values));
  }

  /** As `query`, for what is sent for each job: the server keeps it prepared, where it can. */
  async often<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return await this.#alone(async (client) => {
      const name = await this.#prepared.nameFor(client, text, async () => {
        const [row] = await this.#send<{ pid: number }>(
          client,
          "select pg_backend_pid() as pid",
          [],
        );
        return row!.pid;
      });
      try {
        return await this.#send<Row>(client, text, values, name);
      } catch (error) {
        if (name === undefined || !this.#prepared.failed(client, error)) throw error;
        return await this.#send<Row>(client, text, values);
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
  again<T>(step: () => Promise<T>): Promise<T> {
    return this.#link.again(step, isWorthAnotherTry);
  }

  /**
   * Statements that are carried out together or not at all. `work` is called again after a conflict
   * with another transaction, and when the connection ended before the commit.
   * @param once `work` can't be called twice; it may take as long as it likes
   * @param mode the isolation level, and what comes after that; by default each statement sees what
   *   was committed before it
   * @throws QueueError `unavailable`, with an `UnknownOutcome` as its cause, if the connection
   *   ended while it was committed
   */
  async transaction<T>(
    work: (sql: Sql) => Promise<T>,
    { once = false, mode = CHANGES }: { readonly once?: boolean; readonly mode?: string } = {},
  ): Promise<T> {
    if (once) {
      return await this.#inLine(async () => {
        this.#isPatient = true;
        return await this.#attempt(work, mode + TAKES_LONG).finally(() => this.#isPatient = false);
      });
    }
    const attempt = () => withoutConflicts(() => this.#attempt(work, mode + MOVES));
    return await this.#inLine(() => this.#link.again(attempt, isLost));
  }

  /**
   * Calls `heard` when somebody notifies the channel, and once after each reconnection, since
   * something may have been missed. Behind a pooler nothing may come. Keeps the connection.
   * @returns ends the listening
   */
  async listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>> {
    const { listeners } = this.#link;
    if (listeners.add(channel, heard)) await this.query(`listen ${quoted(channel)}`);
    return async () => {
      const isLast = listeners.remove(channel, heard);
      if (isLast && this.#link.current !== undefined) {
        await this.query(`unlisten ${quoted(channel)}`);
      }
    };
  }

  /** As `Reconnecting.rest`. */
  rest(isResting: boolean): void {
    this.#link.rest(isResting);
  }

  /** Ends the connection, when all that was asked for has been done. */
  async close(): Promise<void> {
    this.#link.stop();
    await this.#line;
    const client = await this.#link.close();
    if (client !== undefined) await end(client);
  }

  async #alone<T>(step: (client: PgClient) => Promise<T>): Promise<T> {
    const attempt = async () => {
      const client = await this.#link.get();
      try {
        return await step(client);
      } catch (error) {
        throw isDisconnection(error) && !isRefusal(error) ? new UnknownOutcome(error) : error;
      }
    };
    // It has done nothing. A pooler without a free connection was waited for by itself.
    const patiently = () => this.#link.again(attempt, isOfStandby);
    return await this.#inLine(() => withoutConflicts(patiently));
  }

  async #inLine<T>(step: () => Promise<T>): Promise<T> {
    const before = this.#line;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#line = promise;
    await before;
    try {
      return await this.#link.asking(step);
    } catch (error) {
      throw inWords(this.name, this.schema, error);
    } finally {
      resolve();
    }
  }

  async #send<Row>(
    client: PgClient,
    text: string,
    values: readonly unknown[],
    name?: string,
  ): Promise<Row[]> {
    try {
      const query = { text: this.#inSchema(text), values };
      const result = await this.#ask(client, name === undefined ? query : { ...query, name });
      return (Array.isArray(result) ? result.at(-1)! : result).rows as Row[];
    } catch (error) {
      if (isDisconnection(error)) {
        this.#link.forget(client);
        // That of a standby is whole, and would stay open.
        void client.end().catch(() => {});
      }
      throw error;
    }
  }

  /** Asks one question. The connection is given up if there is no answer in time. */
  #ask(client: PgClient, query: Parameters<PgClient["query"]>[0]): ReturnType<PgClient["query"]> {
    if (this.#isPatient) return client.query(query);
    return this.#link.inTime(() => client.query(query), () => {
      this.#wasSilent = true;
      client.connection.stream.destroy();
    });
  }

  async #attempt<T>(work: (sql: Sql) => Promise<T>, rules: string): Promise<T> {
    const own = await this.#link.get();
    const isHere = () => {
      if (this.#link.current !== own) throw new Error("Connection terminated unexpectedly");
    };
    const sql: Sql = {
      query: (text, values = []) => {
        isHere();
        return this.#send(own, text, values);
      },
    };
    await sql.query(`begin isolation level ${rules}`);
    let result: T;
    try {
      result = await work(sql);
    } catch (error) {
      if (this.#link.current === own) await sql.query("rollback").catch(() => {});
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

  async #connect(within: number): Promise<PgClient> {
    const { listeners } = this.#link;
    const client = newClient(this.#server, within);
    // Errors of a connection that nobody uses at the moment; those under way reject by themselves.
    const forget = () => this.#link.forget(client);
    client.on("error", forget);
    client.on("end", forget);
    client.on("notification", ({ channel, payload }) => listeners.tell(channel, payload ?? ""));
    try {
      await this.#link.inTime(() => client.connect(), () => client.connection.stream.destroy());
      if (this.#wasSilent) await this.#ask(client, { text: ENDS_WITH_CLIENT }).catch(unlessUnknown);
      for (const channel of listeners.channels) {
        await this.#ask(client, { text: `listen ${quoted(channel)}` });
      }
    } catch (error) {
      await end(client);
      throw error;
    }
    return client;
  }

  #inSchema(text: string): string {
    return this.schema === "queuectl"
      ? text
      : text.replaceAll("queuectl.", `${quoted(this.schema)}.`);
  }
}

/**
 * Ends a connection. The driver waits until its socket is closed, which Deno does not tell each time
 * under TLS: nothing would be left to wait for, and the program would end in the midst of it.
 */
async function end(client: PgClient): Promise<void> {
  await pause(ENDS_WITHIN, client.end().catch(() => {}));
}

/** A name, as it is written in a statement. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Servers before version 14, and those on some systems, do without. */
function unlessUnknown(error: unknown): void {
  if (isDisconnection(error)) throw error;
}

/** Does it again when another transaction was quicker, so that nothing was done. */
async function withoutConflicts<T>(step: () => Promise<T>): Promise<T> {
  for (let conflicts = 0;;) {
    try {
      return await step();
    } catch (error) {
      if (!isConflict(error) || ++conflicts >= TRIES) throw error;
    }
  }
}

/** Not where a pooler was waited for in vain: that was the wait. */
function isWorthAnotherTry(error: unknown): boolean {
  return isUnavailable(error) && !isPoolExhausted((error as QueueError).cause);
}

/** Whether the connection ended before anything was kept. */
function isLost(error: unknown): boolean {
  if (error instanceof QueueError) {
    return error.code === "unavailable" && !(error.cause instanceof UnknownOutcome);
  }
  return isDisconnection(error);
}
