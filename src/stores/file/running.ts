// How many jobs of each queue run: counted by the tickets that workers have, whose names tell their
// queues.
import { COMMAND_HOLDER, queueOf } from "./layout.ts";
import { heldTickets, type Places } from "./listing.ts";

/** Counts when it is first asked, and then tells the same again. */
export class Running {
  readonly #places: Pick<Places, "files" | "running">;
  #counts: Map<string, number> | undefined;

  constructor(places: Pick<Places, "files" | "running">) {
    this.#places = places;
  }

  /** How many jobs run of the queue with this key. */
  of(key: string): number {
    return (this.#counts ??= this.#count()).get(key) ?? 0;
  }

  #count(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { name, worker } of heldTickets(this.#places)) {
      // What a command has does not run.
      if (worker!.startsWith(COMMAND_HOLDER)) continue;
      const key = queueOf(name);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }
}
