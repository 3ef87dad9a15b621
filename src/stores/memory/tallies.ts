// The readable reference of the port for counters.
import { added, NOTHING, type Tallies, type Tally } from "../../queue/tally.ts";

export class MemoryTallies implements Tallies {
  #total: Tally = NOTHING;

  add(_name: string, more: Tally): Promise<void> {
    this.#total = added(this.#total, more);
    return Promise.resolve();
  }

  total(): Promise<Tally> {
    return Promise.resolve(this.#total);
  }
}
