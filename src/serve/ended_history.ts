// What ended in each part of a time that is past. It stays as it is, so it is counted once.
import type { EndedState } from "../queue/job.ts";
import { Turns } from "../system/turns.ts";
import type { JobReader } from "../queue/store.ts";

/** Milliseconds for which a part that is past may still change: ends are recorded a little late. */
const SETTLES = 10_000;

type Ended = Readonly<Record<EndedState, number>>;
const NONE: Ended = { completed: 0, dead: 0, cancelled: 0 };

/** Counts of the past, each read once. */
export class EndedHistory {
  readonly #jobs: Pick<JobReader, "countEndedSince">;
  /** What ended in the part that begins at this time, by the length of parts. */
  readonly #known = new Map<number, Map<number, Ended>>();

  constructor(jobs: Pick<JobReader, "countEndedSince">) {
    this.#jobs = jobs;
  }

  /** What ended in each of so many parts of `step` milliseconds; the last one is not over yet. */
  async counts(
    now: number,
    step: number,
    parts: number,
  ): Promise<{ from: number; counts: Ended[] }> {
    const last = Math.floor(now / step) * step;
    const from = last - (parts - 1) * step;
    const before = this.#known.get(step) ?? new Map<number, Ended>();
    const known = new Map<number, Ended>();
    const counts: Ended[] = [];
    // Backwards from now: what ended since a time, less what ended since the next one.
    let since: Ended | undefined = NONE;
    const turns = new Turns();
    for (let start = last; start >= from; start -= step) {
      let part = before.get(start);
      if (part === undefined) {
        const later: Ended = since ?? await this.#jobs.countEndedSince(start + step);
        since = await this.#jobs.countEndedSince(start);
        part = minus(since, later);
      } else since = undefined;
      await turns.give();
      counts.unshift(part);
      if (start + step + SETTLES <= now) known.set(start, part);
    }
    this.#known.set(step, known);
    return { from, counts };
  }
}

/** What was removed meanwhile makes nothing negative. */
function minus(a: Ended, b: Ended): Ended {
  const less = (state: EndedState) => Math.max(0, a[state] - b[state]);
  return { completed: less("completed"), dead: less("dead"), cancelled: less("cancelled") };
}
