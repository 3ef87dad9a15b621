// Records what jobs that are being enqueued wait for, and by when they have to begin: after their
// files are written, and before their tickets. See dependents.ts and deadlines.ts.
import { stillAwaitedBy } from "../../queue/dependencies.ts";
import type { Job } from "../../queue/job.ts";
import type { Deadlines } from "./deadlines.ts";
import { type Dependents, waiterLine } from "./dependents.ts";

/** How many lines are kept in memory before they are written. */
const KEPT = 20_000;

export class WaitLines {
  readonly #dependents: Dependents;
  readonly #deadlines: Deadlines;
  /** The beginning of temporary paths; whoever settles this name removes leftovers. */
  readonly #stage: string;
  readonly #awaited = new Set<string>();
  readonly #lines = new Map<string, string[]>();
  readonly #hurried: Job[] = [];
  #kept = 0;

  constructor(dependents: Dependents, deadlines: Deadlines, stage: string) {
    this.#dependents = dependents;
    this.#deadlines = deadlines;
    this.#stage = stage;
  }

  /** Notes a job whose file is written. */
  note(job: Job): void {
    for (const awaited of stillAwaitedBy(job)) {
      const lines = this.#lines.get(awaited.id) ?? [];
      lines.push(waiterLine(job, awaited));
      this.#lines.set(awaited.id, lines);
      this.#awaited.add(awaited.id);
      this.#kept++;
    }
    if (job.startBy !== null) {
      this.#hurried.push(job);
      this.#kept++;
    }
    if (this.#kept >= KEPT) this.#lay();
  }

  /** Writes what is left, and then marks awaited jobs that have ended. */
  layAll(): void {
    this.#lay();
    for (const id of this.#awaited) this.#dependents.markIfEnded(id);
    this.#awaited.clear();
  }

  #lay(): void {
    for (const [id, lines] of this.#lines) this.#dependents.lay(id, lines, this.#stage);
    this.#lines.clear();
    this.#deadlines.lay(this.#hurried, this.#stage);
    this.#hurried.length = 0;
    this.#kept = 0;
  }
}
