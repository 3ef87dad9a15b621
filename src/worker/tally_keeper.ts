// Counts the attempts whose ends a worker records. The counts go to the store a moment later, so
// that many short jobs cost one write.
import type { Job } from "../queue/job.ts";
import { added, counted, NOTHING, type Tallies, type Tally } from "../queue/tally.ts";
import { afterMilliseconds } from "../system/delay.ts";

/** Milliseconds: who dies within takes its last counts along. */
const LATER = 100;

export interface TallyKeeperParts {
  readonly tallies: Tallies;
  /** The name that this worker holds; undefined if another has it by now. */
  readonly name: () => string | undefined;
}

export class TallyKeeper {
  readonly #parts: TallyKeeperParts;
  #kept: Tally = NOTHING;
  #cancel: (() => void) | undefined;

  constructor(parts: TallyKeeperParts) {
    this.#parts = parts;
  }

  /** @param job while it ran; @param after when that attempt has ended */
  count(job: Job, after: Job): void {
    this.#kept = counted(this.#kept, job, after);
    this.#cancel ??= afterMilliseconds(LATER, () => void this.flush());
  }

  /** Hands over what was counted. Where that fails it is kept for the next time. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const [kept, name] = [this.#kept, this.#parts.name()];
    if (kept === NOTHING || name === undefined) return;
    this.#kept = NOTHING;
    try {
      await this.#parts.tallies.add(name, kept);
    } catch {
      // A full disk, or a store that is away: the jobs go on, and say so themselves.
      this.#kept = this.#kept === NOTHING ? kept : added(kept, this.#kept);
    }
  }
}
