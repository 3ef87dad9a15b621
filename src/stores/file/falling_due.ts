// Moves the tickets of jobs that fall due from `later` to `ready`, a limited number at a time, and
// remembers when to look again.
import { ignoreNotFound } from "./bucketed_index.ts";
import { Freshness } from "./freshness.ts";
import { LATER_SLICE, laterSlice, parseTicket, readyName, readySlice } from "./layout.ts";
import type { Tickets } from "./tickets.ts";

/** At most this many tickets are moved at a time, so that a claim does not wait for all of them. */
const MOVES = 1000;

export class FallingDue {
  readonly #tickets: Tickets;
  /** When the next known job falls due; `-Infinity` if jobs may be due already. */
  #next = -Infinity;
  /** What is known of tickets from other processes, which even a busy worker looks for. */
  readonly #freshness = new Freshness();

  constructor(tickets: Tickets) {
    this.#tickets = tickets;
  }

  /** Tickets that are not known here may have come. */
  forget(): void {
    this.#next = -Infinity;
  }

  /** A job was added that falls due at this time. */
  expect(due: number): void {
    this.#next = Math.min(this.#next, due);
  }

  /** Whether all jobs that are due are in `ready`, as far as is known. */
  isDone(now: number): boolean {
    return now < this.#next;
  }

  /**
   * Moves some of the jobs that are due to `ready`.
   * @returns how many
   */
  promote(now: number): number {
    if (this.isDone(now) && !this.#freshness.isOver) return 0;
    const { promoted, next } = this.#freshness.renew(() => this.#promote(now));
    this.#next = next;
    return promoted;
  }

  /**
   * Buckets are slices of a minute and do not overlap, except those made by a restore or an older
   * version. Such a bucket is split when its first ticket may be due: the other tickets move to the
   * buckets of their minutes, so that a due ticket is never behind one that is not due.
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
      // Another worker has just opened it, but may die before it is done, so look again.
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
      // Single tickets may still be added to the bucket of this minute.
      const past = bucket.unique !== "" || lower + LATER_SLICE < now;
      if (left === 0 && past) later.removeIfEmpty(bucket);
    }
    return { promoted, next };
  }
}
