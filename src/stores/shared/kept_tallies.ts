// The counters on a server: one for each name of a worker, which nobody else writes to.
import {
  added,
  NOTHING,
  type Tallies,
  type Tally,
  tallyFromJson,
  tallyToJson,
} from "../../queue/tally.ts";

/** Where they are kept, as JSON. */
export interface TallyTable {
  put(name: string, json: string): Promise<void>;
  get(name: string): Promise<unknown>;
  all(): Promise<readonly unknown[]>;
}

export class KeptTallies implements Tallies {
  readonly #table: TallyTable;
  /** What the table says that this process writes to. */
  readonly #known = new Map<string, Tally>();

  constructor(table: TallyTable) {
    this.#table = table;
  }

  async add(name: string, more: Tally): Promise<void> {
    const before = this.#known.get(name) ?? tallyFromJson(await this.#table.get(name)) ?? NOTHING;
    const after = added(before, more);
    this.#known.delete(name); // not known if this fails
    await this.#table.put(name, JSON.stringify(tallyToJson(after)));
    this.#known.set(name, after);
  }

  async total(): Promise<Tally> {
    const all = await this.#table.all();
    return all.map((tally) => tallyFromJson(tally) ?? NOTHING).reduce(added, NOTHING);
  }
}
