// What was set of queues, and when: which settings may have been in force at a moment. A command
// counts from when it is called, since it may have done its work long before it says so; what was
// there before counts until it has returned. Who is killed over it leaves both possible.
import { TICK } from "./ledger.ts";

export interface Limits {
  /** At most so many at once; `Infinity` for no limit. */
  readonly limit: number;
  readonly paused: boolean;
}

/** So many jobs begin at most within so many milliseconds. */
export interface Rate {
  readonly count: number;
  readonly within: number;
}

/** A queue of the torture, as it is set at the beginning. */
export interface Setup {
  readonly limit?: number;
  readonly rate?: Rate;
  /** Whether its limit is changed, and it is paused, while it is at work. */
  readonly changes?: boolean;
}

/** The name of one is so long that tickets have it cut. */
export const QUEUES: Readonly<Record<string, Setup>> = {
  "one-at-a-time-for-this-has-a-long-name-of-its-own": { limit: 1 },
  "two": { limit: 2 },
  "often": { rate: { count: 5, within: 2000 } },
  "both": { limit: 2, rate: { count: 3, within: 1000 } },
  "changing": { limit: 3, changes: true },
  "changing-too": { limit: 1, changes: true },
  "plain": {},
};

/** The queue that the end of a ticket's name means. */
export function queueOfKey(key: string): string {
  const [beginning, cut] = key.split("=");
  if (cut === undefined) return key;
  return Object.keys(QUEUES).find((name) => name.startsWith(beginning!)) ?? key;
}

const FREE: Limits = { limit: Infinity, paused: false };

/** From a moment on. */
interface Era {
  readonly since: number;
  readonly possible: readonly Limits[];
  /** What else may hold for jobs that had been claimed by then, and had not begun to run. */
  readonly claimed: ReadonlyMap<string, readonly Limits[]>;
}

export class QueueLog {
  readonly #eras = new Map<string, Era[]>();

  /** A command is called that sets this, and leaves the rest as it is. */
  called(queue: string, since: number, change: Partial<Limits>): void {
    const { possible, claimed } = this.#last(queue);
    this.#add(queue, { since, possible: [...possible, ...changed(possible, change)], claimed });
  }

  /**
   * It has returned, and said that it is done.
   * @param claimed ids of the jobs that were claimed then and had not begun to run
   */
  returned(
    queue: string,
    since: number,
    change: Partial<Limits>,
    claimed: readonly string[],
  ): void {
    const before = this.#last(queue);
    const carried = claimed.map((id) =>
      [id, [...before.possible, ...before.claimed.get(id) ?? []]] as const
    );
    const possible = changed(before.possible, change);
    this.#add(queue, { since, possible, claimed: new Map(carried) });
  }

  /** What may have held for a job that began to run at a time, from its claim to then. */
  possibleAt(queue: string, id: string, time: number): readonly Limits[] {
    const eras = this.#eras.get(queue) ?? [];
    const at = eras.findLastIndex(({ since }) => since < time - TICK);
    const first = eras[at] ?? { possible: [FREE], claimed: new Map<string, Limits[]>() };
    const near = eras.slice(at + 1).filter(({ since }) => since <= time + TICK);
    return [first, ...near].flatMap(({ possible, claimed }) => [
      ...possible,
      ...claimed.get(id) ?? [],
    ]);
  }

  #last(queue: string): Era {
    return this.#eras.get(queue)?.at(-1) ??
      { since: -Infinity, possible: [FREE], claimed: new Map() };
  }

  #add(queue: string, era: Era): void {
    this.#eras.set(queue, [...this.#eras.get(queue) ?? [], era]);
  }
}

/** What may be set after a change, each once. */
function changed(possible: readonly Limits[], change: Partial<Limits>): Limits[] {
  const after = possible.map((limits) => ({ ...limits, ...change }));
  return [...new Map(after.map((limits) => [JSON.stringify(limits), limits])).values()];
}
