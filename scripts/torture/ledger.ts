// What was asked of the program and what it said of that, kept for the reckoning at the end. Times
// are by the machine's own clock since it was started, in milliseconds, as jobs note theirs.
import type { Order } from "./orders.ts";

/**
 * The name of one life of an id: ids may be used again once their job is removed, and each life
 * has to be accounted for. The first is called as the id itself.
 */
export function keyOf(id: string, life = 0): string {
  return life === 0 ? id : `${id}#${life}`;
}

/** The id of a key. */
export function idOfKey(key: string): string {
  return key.replace(/#.*/, "");
}

/** The key of a job, whose life is the last word of its command. */
export function keyOfJob({ id, command }: { id: string; command: string }): string {
  return keyOf(id, Number(/ (\d+)$/.exec(command)?.[1] ?? 0));
}

/** Milliseconds since the machine was started. It ticks a hundred times a second. */
export function uptime(): number {
  return uptimeOf(Deno.readTextFileSync("/proc/uptime").split(" ")[0]!);
}

/** The same, as a job notes it in seconds. */
export function uptimeOf(seconds: string): number {
  return Math.round(Number(seconds) * 1000);
}

/** Times of `uptime` that lie so close together may be in either order. */
export const TICK = 20;

/** What a user has last changed of a job. */
export type Revision = Partial<Pick<Order, "priority" | "queue" | "maxRetries">>;

/** Of jobs it holds keys, where nothing else is said. */
export class Ledger {
  /** Jobs whose ids `enqueue` has printed, and when it had. */
  readonly acknowledged = new Map<string, number>();
  /** What was asked for, also by those who were killed before they could say more. */
  readonly orders = new Map<string, Order>();
  /** The life that an id has by now, if it was used again. */
  readonly lives = new Map<string, number>();
  /** Ids that may be used again. */
  readonly reusable = new Set<string>();
  /** Ids of jobs that others wait for: they are not used again. */
  readonly awaited = new Set<string>();
  /** The jobs of each batch, which are to be there all or not at all. */
  readonly batches: (readonly string[])[] = [];
  /** Jobs that were said to be cancelled, and when that was said last. */
  readonly cancelled = new Map<string, number>();
  /** Jobs that have certainly ended by a time, whichever way. */
  readonly ended = new Map<string, number>();
  /** Ids of jobs whose own file was damaged on purpose, and how. */
  readonly damaged = new Map<string, string>();
  /** Jobs of which a removal has said that they are removed. */
  readonly removed = new Set<string>();
  /** Jobs whose removal was begun by a command that was killed. */
  readonly perhapsRemoved = new Set<string>();
  /** When jobs that had ended may have been put back: that one, or any if none is named. */
  readonly #revivals: { readonly id: string | undefined; readonly from: number; to: number }[] = [];
  /** What was changed of jobs; undefined if nobody can tell. */
  readonly revisions = new Map<string, Revision | undefined>();
  /** When the program's clock was set. */
  readonly clockChanges: number[] = [];

  acknowledge(key: string): void {
    this.acknowledged.set(key, uptime());
  }

  /** The key of the life that an id has now. */
  keyOf(id: string): string {
    return keyOf(id, this.lives.get(id));
  }

  /** Notes that an id whose job is gone may be used again, unless it has to stay what it was. */
  freeId(id: string): void {
    const order = this.orders.get(this.keyOf(id));
    if (order !== undefined && order.unique === undefined && !this.awaited.has(id)) {
      this.reusable.add(id);
    }
  }

  /** Whether a job was removed or damaged on purpose, so that nobody can say what became of it. */
  isExcused(key: string): boolean {
    return this.damaged.has(idOfKey(key)) || this.mayBeRemoved(key);
  }

  mayBeRemoved(key: string): boolean {
    return this.removed.has(key) || this.perhapsRemoved.has(key);
  }

  /** Somebody begins to put jobs back; returns what is to be called when he is done. */
  reviving(id: string | undefined): () => void {
    const revival = { id, from: uptime(), to: Infinity };
    this.#revivals.push(revival);
    return () => revival.to = uptime();
  }

  /** Whether a job that had ended may have been put back between two times, by its name. */
  mayBeRetried(key: string, after = -Infinity, before = Infinity): boolean {
    return this.#mayBePutBack(key, after, before).some(({ id }) => id !== undefined);
  }

  /** The same for one that may have been dead: it may have been put back with all of those. */
  mayBeRevived(key: string, after = -Infinity, before = Infinity): boolean {
    return this.#mayBePutBack(key, after, before).length > 0;
  }

  #mayBePutBack(key: string, after: number, before: number) {
    return this.#revivals.filter(({ id, from, to }) =>
      (id === undefined || id === idOfKey(key)) && to >= after - TICK && from <= before + TICK
    );
  }
}
