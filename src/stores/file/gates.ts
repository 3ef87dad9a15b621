// How a data folder enforces the limits, rates and pauses of queues. What is exact, and why:
//
// - Running jobs are counted by the tickets of holders, whose names tell their queues. No separate
//   counter could be wrong after a crash, and the job of a dead worker counts until it is settled.
//   Whoever lets a job of a queue with settings begin holds the queue's lock from counting until it
//   has the ticket; so does whoever sets a ticket aside or puts one back.
// - Jobs of other queues are not affected. Whether a queue has settings is looked up now and then,
//   not for each claim (known_queues.ts); a claim that takes longer than that is valid looks again.
// - Tickets that may not begin are set aside (`held/`), whole buckets of them by one rename. When a
//   job ends, the next one is put back. Tickets that may begin because time has passed, or that a
//   process did not put back before it died, are put back by claims (`lookAround`).
import { beginTime, isUnrestricted, type QueueSettings } from "../../queue/queues.ts";
import { ignoreNotFound } from "./bucketed_index.ts";
import { Freshness } from "./freshness.ts";
import { KnownQueues } from "./known_queues.ts";
import { type Bucket, parseTicket, queueOf, readySlice, type Ticket } from "./layout.ts";
import { QueueRooms, type QueueRoomsParts, Reading } from "./queue_rooms.ts";
import { type Seen, SetAside } from "./set_aside.ts";
import { wake } from "./staging.ts";

/** Milliseconds to wait for a queue's lock. */
const PATIENCE = 200;
/** Milliseconds for which a queue is left alone if its lock could not be taken. */
const SHUT = 1000;
/** Milliseconds after which a queue is looked at again if another process had its lock. */
const SOON = 50;
/** At most this many tickets are moved one by one at a time, so that a claim need not wait long. */
const MOVES = 500;

/** The result of trying to take a ticket; `closed` if its queue lets no job begin now. */
export type Taken = { readonly path: string; readonly ticket: Ticket } | "gone" | "closed";

export interface GateParts extends QueueRoomsParts {
  readonly warn: (message: string) => void;
  /** Letters and digits that no other process has. */
  readonly unique: string;
  readonly now: () => number;
}

export class Gates {
  readonly known: KnownQueues;
  readonly #parts: GateParts;
  readonly #rooms: QueueRooms;
  readonly #aside: SetAside;
  /** The version of the settings at the last `lookAround`; undefined before the first. */
  #version: string | undefined;
  /** What is known of tickets that may be put back. */
  readonly #freshness = new Freshness();

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#rooms = new QueueRooms(parts);
    this.#aside = new SetAside(parts.files, parts.tickets, parts.unique);
    this.known = new KnownQueues(parts.dataDir, parts.files, parts.warn);
  }

  /** Whether a ticket's queue has no settings, as far as is known. */
  isFree(name: string): boolean {
    return !this.known.isAny || this.known.of(queueOf(name)) === undefined;
  }

  /** Whether a ticket that was just taken from a free queue may be kept; if not, it is put back. */
  mayKeep(path: string, name: string): boolean {
    if (this.known.isCurrent) return true;
    this.known.look();
    return this.isFree(name) || this.#return(path, name);
  }

  /** Puts a ticket back that was taken under settings that have changed. */
  #return(path: string, name: string): false {
    const { files, tickets } = this.#parts;
    ignoreNotFound(() => tickets.ready.put(path, readySlice(parseTicket(name)!), name));
    wake(files, tickets.ready);
    return false;
  }

  /**
   * Puts tickets back that may begin now, a limited number at a time, and only as often as needed.
   * @returns whether any were put back
   */
  lookAround(now: number): boolean {
    this.#rooms.now = now;
    this.known.refresh();
    // Also if no settings are left, since somebody may have removed their file.
    const isNew = this.known.version !== this.#version;
    if (!this.known.isAny && !isNew) return false;
    if (isNew) this.#rooms.forget();
    this.#version = this.known.version;
    const isDue = this.#rooms.takeDue() || isNew;
    return (isDue || this.#freshness.isOver) && this.#freshness.renew(() => this.#putAllBack());
  }

  #putAllBack(): boolean {
    const running = this.#rooms.count();
    let moved = false;
    for (const key of this.#parts.tickets.held.keys()) {
      const settings = this.known.of(key);
      if (settings?.paused || this.#rooms.isShut(key)) continue;
      if (this.#rooms.of(key, settings, running) > 0) moved = this.#putBackNow(key) || moved;
    }
    return moved;
  }

  /** The next time at which a queue may let jobs begin; undefined if none is known. */
  nextOpening(now: number): number | undefined {
    return this.#rooms.nextOpening(now);
  }

  /** Takes the ticket `seen` for a worker, or an earlier one of its queue that was set aside. */
  async take(seen: Seen, worker: string, tag: Ticket["tag"]): Promise<Taken> {
    const key = queueOf(seen.name);
    const gate = this.#rooms.gate(key);
    const lock = await gate.lockPatiently(PATIENCE);
    if (lock === undefined) {
      // The process that has it may be suspended. Other queues must not wait for that.
      this.#rooms.leaveAlone(key, SHUT);
      return "closed";
    }
    try {
      this.known.look();
      const settings = this.known.of(key);
      if (this.#rooms.of(key, settings) === 0) {
        this.#aside.add(key, [seen]);
        return "closed";
      }
      return this.#takeFirst(key, settings, seen, worker, tag);
    } finally {
      lock.release();
    }
  }

  /** The caller has the lock, and the queue has room. */
  #takeFirst(
    key: string,
    settings: QueueSettings | undefined,
    seen: Seen,
    worker: string,
    tag: Ticket["tag"],
  ): Taken {
    const { tickets } = this.#parts;
    const gate = this.#rooms.gate(key);
    const rate = settings?.rate ?? null;
    const begins = gate.begins(rate);
    // Not before the end of the job whose place it takes; the claim may have waited for that.
    const now = Math.max(this.#rooms.now, this.#parts.now());
    const at = rate === null ? now : beginTime(rate, begins, now);
    const line = this.#aside.lineOf(key);
    const head = line.peek();
    const isHeld = head !== undefined && head.name < seen.name;
    const from = isHeld ? head : seen;
    if (rate !== null) gate.note(rate, begins, now, at);
    const ticket: Ticket = { ...parseTicket(from.name)!, at, tag };
    const path = tickets.take(from.path, worker, ticket);
    if (isHeld) {
      line.next();
      line.took(path !== undefined);
    }
    if (path === undefined) {
      if (rate !== null) gate.unnote();
      return "gone";
    }
    if (rate !== null) this.#rooms.noteOpening(key, rate, gate.begins(rate));
    // This process may have been suspended since it looked.
    if (!this.known.isCurrent) {
      this.known.look();
      if (this.known.of(key) !== settings && !this.#return(path, from.name)) return "gone";
    }
    return { path, ticket };
  }

  /**
   * The tickets `names` of a bucket that may be in the line. The others are set aside, up to a
   * limit. `areAll`: the bucket has no other tickets.
   */
  sift(bucket: Bucket, names: readonly string[], areAll: boolean, reading: Reading): string[] {
    const byKey = Map.groupBy(names, queueOf);
    const isOne = areAll && byKey.size === 1;
    const kept: string[] = [];
    for (const [key, own] of byKey) {
      if (reading.admits(key)) kept.push(...own);
      else if (this.#setAsideIfClosed(key, bucket, own, isOne, reading)) continue;
      else kept.push(...own);
    }
    return kept;
  }

  /** Begins to read a line. */
  reading(): Reading {
    const running = this.#rooms.count();
    return new Reading((key) => {
      const settings = this.known.of(key);
      if (settings === undefined) return true;
      return !this.#rooms.isShut(key) && this.#rooms.of(key, settings, running) > 0;
    });
  }

  /** Sets tickets of a queue aside, up to a limit, unless it lets jobs begin after all. */
  #setAsideIfClosed(
    key: string,
    bucket: Bucket,
    names: readonly string[],
    isAll: boolean,
    reading: Reading,
  ): boolean {
    const { tickets } = this.#parts;
    if (reading.moves >= MOVES) return true;
    const lock = this.#rooms.gate(key).lock();
    if (lock === undefined) {
      // Another process is working on this queue. If that makes room, nobody may tell, so look
      // again.
      this.#rooms.leaveAlone(key, SOON);
      return true;
    }
    try {
      this.known.look();
      const settings = this.known.of(key);
      if (settings === undefined || this.#rooms.of(key, settings) > 0) return false;
      // Tickets are added only to buckets of a time slice, so a batch's bucket can be moved as a
      // whole.
      if (isAll && bucket.unique !== "") {
        this.#aside.addBucket(key, bucket);
        reading.moves++;
        return true;
      }
      const opened = tickets.ready.unseal(bucket);
      if (opened === undefined) return true;
      const some = names.slice(0, MOVES - reading.moves);
      reading.moves += some.length;
      this.#aside.add(
        key,
        some.map((name) => ({ name, path: tickets.ready.path(opened.name, name) })),
      );
      return true;
    } finally {
      lock.release();
    }
  }

  /**
   * Puts the next ticket of a queue back, since one of its jobs has ended or was given back.
   * @returns whether one was put back
   */
  async settled(key: string, now: number): Promise<boolean> {
    const settings = this.known.of(key);
    if (settings === undefined || settings.limit === null || settings.paused) return false;
    this.#rooms.now = now;
    const lock = await this.#rooms.gate(key).lockPatiently(PATIENCE);
    if (lock === undefined) return false; // `lookAround` will do it
    try {
      this.known.look();
      return this.#rooms.of(key, this.known.of(key)) > 0 && this.#aside.putBack(key, 1);
    } finally {
      lock.release();
    }
  }

  /**
   * Puts tickets back that may begin under the present settings.
   * @param then called if the queue is unrestricted now, while no ticket of it can be set aside
   */
  async open(key: string, now: number, then: () => Promise<void>): Promise<void> {
    this.#rooms.now = now;
    // If the process that has the lock is suspended, workers do it later.
    const lock = await this.#rooms.gate(key).lockPatiently(10 * PATIENCE);
    if (lock === undefined) return;
    try {
      this.known.look();
      const settings = this.known.of(key);
      const room = this.#rooms.of(key, settings);
      if (room > 0) this.#aside.putBack(key, atOnce(room));
      if (settings !== undefined && isUnrestricted(settings)) await then();
    } finally {
      lock.release();
      wake(this.#parts.files, this.#parts.tickets.ready);
    }
  }

  /** Puts tickets of a queue back if its lock is free. @returns whether there were any */
  #putBackNow(key: string): boolean {
    const lock = this.#rooms.gate(key).lock();
    if (lock === undefined) return false;
    try {
      this.known.look();
      const room = this.#rooms.of(key, this.known.of(key));
      this.#aside.lineOf(key).forget();
      return room > 0 && this.#aside.putBack(key, atOnce(room));
    } finally {
      lock.release();
    }
  }
}

/** How many tickets to put back at once: a limited number one by one, or all, by whole buckets. */
function atOnce(room: number): number {
  return room === Infinity ? room : Math.min(room, MOVES);
}
