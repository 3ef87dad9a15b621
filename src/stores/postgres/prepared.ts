// Statements that the server keeps prepared, for those that are sent again and again: it then need
// not parse and plan them each time. A pooler may hand each to another session, so that only a
// connection to the server itself has them.
import type { PgClient } from "./driver.ts";
import { codeOf } from "./errors.ts";

/** A session that is used no more often than this need not be asked whose it is. */
const SELDOM = 5;

/** Nothing was done, since it is not there, has another meaning, or its tables have changed. */
const NOT_PREPARED = new Set([
  "26000", // invalid_sql_statement_name
  "42P05", // duplicate_prepared_statement
  "0A000", // feature_not_supported: the cached plan returns other columns
]);

interface Use {
  count: number;
  /** Undefined until it is known. */
  mayPrepare: boolean | undefined;
}

export class PreparedStatements {
  /** The same on all connections. */
  readonly #names = new Map<string, string>();
  readonly #uses = new WeakMap<PgClient, Use>();

  /**
   * The name by which to send a statement on this connection; undefined to send it without.
   * @param backend asks the connection for the process id of the server's end of it
   */
  async nameFor(
    client: PgClient,
    text: string,
    backend: () => Promise<number>,
  ): Promise<string | undefined> {
    const use = this.#useOf(client);
    if (++use.count <= SELDOM) return undefined;
    // A pooler makes up the process id that it tells at the beginning.
    use.mayPrepare ??= await backend() === client.processID;
    return use.mayPrepare ? this.#nameOf(text) : undefined;
  }

  /** Whether a statement failed for its name alone. From now on this connection sends none. */
  failed(client: PgClient, error: unknown): boolean {
    if (!NOT_PREPARED.has(codeOf(error) ?? "")) return false;
    this.#useOf(client).mayPrepare = false;
    return true;
  }

  #useOf(client: PgClient): Use {
    const known = this.#uses.get(client);
    if (known !== undefined) return known;
    const use = { count: 0, mayPrepare: undefined };
    this.#uses.set(client, use);
    return use;
  }

  #nameOf(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const name = `queuectl_${this.#names.size + 1}`;
    this.#names.set(text, name);
    return name;
  }
}
