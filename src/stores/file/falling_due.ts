// What falls due, as one process sees it: moves the tickets of jobs whose time has come from `later`
// to `ready`, a bounded number at a time, and remembers when that is next worth a look.
import { ignoreNotFound } from "./bucketed_index.ts";
import { LATER_SLICE, laterSlice, parseTicket, readyName, readySlice } from "./layout.ts";
import type { Tickets } from "./tickets.ts";

/** So many tickets are moved at a time, so that a claim does not wait for all. */
const MOVES = 1000;
/** Milliseconds after which what other processes laid in is looked for, also by a busy worker. */
const STALE = 200;
/** Where there is much to read, reading may take one part in so many of the time. */
const READ_SHARE = 100;
/** But a job that has fallen due waits no longer than this. */
const STALEST = 500;

export class FallingDue {
  readonly #tickets: Tickets;
  /** When the next job that is known of falls due; `-Infinity` if there may be more already. */
  #next = -Infinity;
  #readAt = -Infinity;
  #stale = STALE;

  constructor(tickets: Tickets) {
    this.#tickets = tickets;
  }

  /** Something may have come that is not known of. */
  forget(): void {
    this.#next = -Infinity;
  }

  /** A job has come that falls due at this time. */
  expect(due: number): void {
    this.#next = Math.min(this.#next, due);
  }

  /** Whether all that has fallen due, as far as is known, is ready. */
  isDone(now: number): boolean {
    return now < this.#next;
  }

  /** Makes at most some of the jobs that have fallen due ready; how many. */
  promote(now: number): number {
    const begin = performance.now();
    if (this.isDone(now) && begin - this.#readAt < this.#stale) return 0;
    const { promoted, next } = this.#promote(now);
    this.#next = next;
    this.#readAt = begin;
    this.#stale = Math.min(Math.max(STALE, READ_SHARE * (performance.now() - begin)), STALEST);
    return promoted;
  }

  /**
   * Buckets are slices of a minute that do not overlap, but for those that a restore or an older
   * version laid in. Such a one is split when its first ticket may be due: the others move to the
   * buckets of their minutes, so that nothing due is ever behind something that is not.
   */
  #promote(now: number): { promoted: number; next: number } {
    const { later, ready } = this.#tickets;
    let moves = 0;
    let promoted = 0;
    let next = Infinity;
    for (const sealed of later.buckets()) {
      const lower = Number(sealed.lower.slice(0, 13));
      if (lower > now) return { promoted, next: Math.min(next, lower) };
      const bucket = later.unseal(sealed);
      // Another worker has opened it just now. It may die over it, so look again.
      if (bucket === undefined) return { promoted, next: -Infinity };
      const own = laterSlice({ at: lower });
      let left = 0;
      for (const name of later.tickets(bucket)) {
        const ticket = parseTicket(name)!;
        const isDue = ticket.at <= now;
        if (!isDue) next = Math.min(next, ticket.at);
        const to = laterSlice(ticket);
        if (!isDue && to === own) {
          left++;
          continue;
        }
        if (moves++ === MOVES) return { promoted, next: -Infinity };
        const from = later.path(bucket.name, name);
        ignoreNotFound(() =>
          isDue ? ready.put(from, readySlice(ticket), readyName(ticket)) : later.put(from, to, name)
        );
        if (isDue) promoted++;
      }
      // Tickets that come one by one may still go into the bucket of this minute.
      const past = bucket.unique !== "" || lower + LATER_SLICE < now;
      if (left === 0 && past) later.removeIfEmpty(bucket);
    }
    return { promoted, next };
  }
}
