// Counts the running jobs of each queue by the tickets that workers hold, whose names tell their
// queues.
import { COMMAND_HOLDER, queueOf } from "./layout.ts";
import { heldTickets, type Places } from "./listing.ts";

/** Counts at the first call, and returns the same counts afterwards. */
export class Running {
  readonly #places: Pick<Places, "files" | "running">;
  #counts: Map<string, number> | undefined;

  constructor(places: Pick<Places, "files" | "running">) {
    this.#places = places;
  }

  /** How many jobs of the queue with this key are running. */
  of(key: string): number {
    return (this.#counts ??= this.#count()).get(key) ?? 0;
  }

  #count(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { name, worker } of heldTickets(this.#places)) {
      // A job that a command holds is not running.
      if (worker!.startsWith(COMMAND_HOLDER)) continue;
      const key = queueOf(name);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }
}
