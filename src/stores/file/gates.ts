// How a data folder keeps the limits, rates and pauses of queues. What is exact, and why:
//
// - What runs is counted by the tickets of holders, whose names tell their queues: there is nothing
//   beside them that a crash could leave wrong, and a job whose worker has died counts until it is
//   settled. Whoever lets a job of a queue with settings begin holds the lock of that queue from
//   counting until the ticket is in its hands; so does whoever sets a ticket aside or puts one back.
// - Jobs of other queues know nothing of all this. That a queue has no settings is looked at now and
//   then, not for each claim (known_queues.ts); a claim that took longer than that holds looks again.
// - Tickets that may not begin are set aside (`held/`), once, whole buckets of them by one rename.
//   Who ends a job puts the next one back; what the clock lets begin, and what was left by one that
//   died before it had done so, is put back by whoever claims (`lookAround`).
import {
  type Begins,
  beginTime,
  isUnrestricted,
  type QueueSettings,
  type Rate,
  rateOpensAt,
  roomIn,
} from "../../queue/queues.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound } from "./bucketed_index.ts";
import { Gate } from "./gate.ts";
import { KnownQueues } from "./known_queues.ts";
import { type Bucket, parseTicket, queueOf, readySlice, type Ticket } from "./layout.ts";
import { Running } from "./running.ts";
import { type Seen, SetAside } from "./set_aside.ts";
import { wake } from "./staging.ts";
import type { Tickets } from "./tickets.ts";

/** Milliseconds for which a queue's lock is waited for. */
const PATIENCE = 200;
/** Milliseconds for which a queue is let alone whose lock could not be had. */
const SHUT = 1000;
/** Milliseconds after which a queue is looked at again that somebody else was at work on. */
const SOON = 50;
/** So many tickets are moved one by one at a time, so that a claim does not wait for all. */
const MOVES = 500;
/** Milliseconds after which it is looked for what may be put back. */
const STALE = 200;
const READ_SHARE = 100;
const STALEST = 500;

/** What a try to take a ticket came to: `closed` if its queue lets none begin now. */
export type Taken = { readonly path: string; readonly ticket: Ticket } | "gone" | "closed";

export interface GateParts {
  readonly dataDir: string;
  readonly files: FileSystem;
  readonly tickets: Tickets;
  readonly warn: (message: string) => void;
  /** Letters and digits that no other process has. */
  readonly unique: string;
  readonly now: () => number;
}

export class Gates {
  readonly known: KnownQueues;
  readonly #parts: GateParts;
  readonly #gates = new Map<string, Gate>();
  readonly #aside: SetAside;
  /** When the clock, as far as is known, lets jobs of a queue begin that are held back. */
  readonly #openings = new Map<string, number>();
  /** The time of the claim that goes on. */
  #now = 0;
  /** Which settings were those at the last look around; none before the first. */
  #version: string | undefined;
  #sweptAt = -Infinity;
  #stale = STALE;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#aside = new SetAside(parts.files, parts.tickets, parts.unique);
    this.known = new KnownQueues(parts.dataDir, parts.files, parts.warn);
  }

  /** Whether the jobs of a ticket's queue begin without more ado, as far as is known. */
  isFree(name: string): boolean {
    return !this.known.isAny || this.known.of(queueOf(name)) === undefined;
  }

  /**
   * Whether a ticket that was just taken as one of a free queue may be kept; else it is put back.
   */
  mayKeep(path: string, name: string): boolean {
    if (this.known.isCurrent) return true;
    this.known.look();
    return this.isFree(name) || this.#return(path, name);
  }

  /** What was taken by settings that do not hold any more goes where it came from. */
  #return(path: string, name: string): false {
    const { files, tickets } = this.#parts;
    ignoreNotFound(() => tickets.ready.put(path, readySlice(parseTicket(name)!), name));
    wake(files, tickets.ready);
    return false;
  }

  /**
   * Puts back what may begin by now, at most some at a time, and not more often than is needed.
   * @returns whether something was put back
   */
  lookAround(now: number): boolean {
    this.#now = now;
    this.known.refresh();
    // Also where no settings are left: somebody may have removed their file.
    const isNew = this.known.version !== this.#version;
    if (!this.known.isAny && !isNew) return false;
    if (isNew) this.#openings.clear();
    this.#version = this.known.version;
    const begin = performance.now();
    const isDue = isNew || [...this.#openings.values()].some((time) => time <= now);
    if (!isDue && begin - this.#sweptAt < this.#stale) return false;
    for (const [key, time] of this.#openings) if (time <= now) this.#openings.delete(key);
    const running = new Running(this.#parts.tickets);
    let moved = false;
    for (const key of this.#parts.tickets.held.keys()) {
      const settings = this.known.of(key);
      if (settings?.paused || this.#openings.has(key)) continue;
      if (this.#room(key, settings, running) > 0) moved = this.#putBackNow(key) || moved;
    }
    this.#sweptAt = begin;
    const took = performance.now() - begin;
    this.#stale = Math.min(Math.max(STALE, READ_SHARE * took), STALEST);
    return moved;
  }

  /** When the clock next lets a job begin that is held back; undefined if none is known. */
  nextOpening(now: number): number | undefined {
    const times = [...this.#openings.values()].filter((time) => time > now);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Takes the ticket `seen` for a worker, or the one of its queue whose turn is before it. */
  async take(seen: Seen, worker: string, tag: Ticket["tag"]): Promise<Taken> {
    const key = queueOf(seen.name);
    const gate = this.#gate(key);
    const lock = await gate.lockPatiently(PATIENCE);
    if (lock === undefined) {
      // Somebody was stopped who has it. Other queues must not wait for that.
      this.#openings.set(key, this.#now + SHUT);
      return "closed";
    }
    try {
      this.known.look();
      const settings = this.known.of(key);
      if (this.#room(key, settings) === 0) {
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
    const gate = this.#gate(key);
    const rate = settings?.rate ?? null;
    const begins = gate.begins(rate);
    // After the one whose place it takes has ended: the claim may have waited for it.
    const now = Math.max(this.#now, this.#parts.now());
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
    if (rate !== null) this.#noteOpening(key, rate, gate.begins(rate));
    // This process may have been stopped since it looked.
    if (!this.known.isCurrent) {
      this.known.look();
      if (this.known.of(key) !== settings && !this.#return(path, from.name)) return "gone";
    }
    return { path, ticket };
  }

  /**
   * The tickets `names` of a bucket that may be in the line; the others are set aside, as far as they
   * are not too many. `areAll`: nothing else lies in it.
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
    const running = new Running(this.#parts.tickets);
    return new Reading((key) => {
      const settings = this.known.of(key);
      if (settings === undefined) return true;
      const shut = this.#openings.get(key);
      return (shut === undefined || shut <= this.#now) && this.#room(key, settings, running) > 0;
    });
  }

  /** Whether they must not be in the line: as many as may be now are set aside. */
  #setAsideIfClosed(
    key: string,
    bucket: Bucket,
    names: readonly string[],
    isAll: boolean,
    reading: Reading,
  ): boolean {
    const { tickets } = this.#parts;
    if (reading.moves >= MOVES) return true;
    const lock = this.#gate(key).lock();
    if (lock === undefined) {
      // Who has it is at work on this queue; if that makes room, it may be that nobody tells.
      this.#openings.set(key, this.#now + SOON);
      return true;
    }
    try {
      this.known.look();
      const settings = this.known.of(key);
      if (settings === undefined || this.#room(key, settings) > 0) return false;
      // Nobody puts a ticket into a bucket that is not one of a slice of time.
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
   * A job of a queue has ended, or was given back: another may begin in its place.
   * @returns whether one was put back for that
   */
  async settled(key: string, now: number): Promise<boolean> {
    const settings = this.known.of(key);
    if (settings === undefined || settings.limit === null || settings.paused) return false;
    this.#now = now;
    const lock = await this.#gate(key).lockPatiently(PATIENCE);
    if (lock === undefined) return false; // `lookAround` does it
    try {
      this.known.look();
      return this.#room(key, this.known.of(key)) > 0 && this.#aside.putBack(key, 1);
    } finally {
      lock.release();
    }
  }

  /**
   * Puts back what may begin by now, once whoever is at work on this queue is done with it.
   * @param now the time
   * @param then done while nobody can set a ticket of this queue aside, if it is unrestricted now
   */
  async open(key: string, now: number, then: () => Promise<void>): Promise<void> {
    this.#now = now;
    // Where somebody was stopped who has the lock, workers do it later.
    const lock = await this.#gate(key).lockPatiently(10 * PATIENCE);
    if (lock === undefined) return;
    try {
      this.known.look();
      const settings = this.known.of(key);
      const room = this.#room(key, settings);
      if (room > 0) this.#aside.putBack(key, atOnce(room));
      if (settings !== undefined && isUnrestricted(settings)) await then();
    } finally {
      lock.release();
      wake(this.#parts.files, this.#parts.tickets.ready);
    }
  }

  /** How many jobs of a queue may begin now. */
  #room(key: string, settings: QueueSettings | undefined, counted?: Running): number {
    if (settings === undefined) return Infinity;
    const { limit, rate } = settings;
    const now = this.#now;
    const running = limit === null ? 0 : (counted ?? new Running(this.#parts.tickets)).of(key);
    const begins = this.#gate(key).begins(rate);
    const room = roomIn(settings, { running, begins, now });
    if (room === 0 && rate !== null && !settings.paused) this.#noteOpening(key, rate, begins);
    return room;
  }

  #noteOpening(key: string, rate: Rate, begins: Begins): void {
    const opening = rateOpensAt(rate, begins, this.#now);
    if (opening > this.#now) this.#openings.set(key, opening);
  }

  /** Whether anything was put back. */
  #putBackNow(key: string): boolean {
    const lock = this.#gate(key).lock();
    if (lock === undefined) return false;
    try {
      this.known.look();
      const room = this.#room(key, this.known.of(key));
      this.#aside.lineOf(key).forget();
      return room > 0 && this.#aside.putBack(key, atOnce(room));
    } finally {
      lock.release();
    }
  }

  #gate(key: string): Gate {
    let gate = this.#gates.get(key);
    if (gate === undefined) {
      gate = new Gate(this.#parts.files, this.#parts.dataDir, key);
      this.#gates.set(key, gate);
    }
    return gate;
  }
}

/** One by one no more than some; all of them go by whole buckets. */
function atOnce(room: number): number {
  return room === Infinity ? room : Math.min(room, MOVES);
}

/** One reading of a line: what was found out for it. */
export class Reading {
  /** How many tickets, or whole buckets, were set aside for it. */
  moves = 0;
  readonly #admitted = new Map<string, boolean>();
  readonly #look: (key: string) => boolean;

  constructor(look: (key: string) => boolean) {
    this.#look = look;
  }

  /** Whether jobs of a queue may begin, as far as a look without its lock tells. */
  admits(key: string): boolean {
    let admitted = this.#admitted.get(key);
    if (admitted === undefined) this.#admitted.set(key, admitted = this.#look(key));
    return admitted;
  }
}
