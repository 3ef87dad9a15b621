// The counters in a database: a row for each name of a worker, which nobody else writes to.
import {
  added,
  NOTHING,
  type Tallies,
  type Tally,
  tallyFromJson,
  tallyToJson,
} from "../../queue/tally.ts";
import type { Database } from "./connection.ts";

export class PostgresTallies implements Tallies {
  readonly #database: Database;
  /** What the rows say that this process writes to. */
  readonly #known = new Map<string, Tally>();

  constructor(database: Database) {
    this.#database = database;
  }

  async add(name: string, more: Tally): Promise<void> {
    const before = this.#known.get(name) ?? await this.#read(name);
    const after = added(before, more);
    this.#known.delete(name); // not known if this fails
    await this.#database.query(
      `insert into queuectl.tallies (name, tally) values ($1, $2::jsonb)
      on conflict (name) do update set tally = excluded.tally`,
      [name, JSON.stringify(tallyToJson(after))],
    );
    this.#known.set(name, after);
  }

  async total(): Promise<Tally> {
    const rows = await this.#database.read<{ tally: unknown }>(
      "select tally from queuectl.tallies",
    );
    return rows.map(({ tally }) => tallyFromJson(tally) ?? NOTHING).reduce(added, NOTHING);
  }

  async #read(name: string): Promise<Tally> {
    const [row] = await this.#database.read<{ tally: unknown }>(
      "select tally from queuectl.tallies where name = $1",
      [name],
    );
    return tallyFromJson(row?.tally) ?? NOTHING;
  }
}
