// How a data folder enforces the limits, rates and pauses of queues. What is exact, and why:
//
// - Running jobs are counted by the tickets of holders, whose names tell their queues. No separate
//   counter could be wrong after a crash, and the job of a dead worker counts until it is settled.
//   Whoever lets a job of a queue with settings begin holds the queue's lock from counting until it
//   has the ticket; so does whoever sets a ticket aside or puts one back.
// - Jobs of other queues are not affected. Whether a queue has settings is looked up now and then,
//   not for each claim (known_queues.ts); a claim that takes longer than that is valid looks again.
// - Tickets that may not begin are set aside (`held/`), whole buckets of them by one rename. When a
//   job ends, the next one is put back. The end needs no lock if nothing is set aside: its ticket has
//   moved before it looks, and whoever sets tickets aside counts again afterwards, so one of the two
//   sees the other. Tickets that may begin because time has passed, or that a process did not put
//   back before it died, are put back by claims. See openings.ts.
import { beginTime } from "../../queue/queues.ts";
import { ignoreNotFound } from "./bucketed_index.ts";
import { KnownQueues } from "./known_queues.ts";
import { type Bucket, parseTicket, queueOf, readySlice, type Ticket } from "./layout.ts";
import { atOnce, MOVES, Openings } from "./openings.ts";
import { QueueRooms, type QueueRoomsParts, Reading } from "./queue_rooms.ts";
import type { ReadyLine } from "./ready_line.ts";
import { type Seen, SetAside } from "./set_aside.ts";
import { wake } from "./staging.ts";

/** Milliseconds for which a queue is left alone if its lock could not be taken. */
const SHUT = 1000;
/** Milliseconds after which a queue is looked at again if another process had its lock. */
const SOON = 50;
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
  readonly openings: Openings;
  readonly #parts: GateParts;
  readonly #rooms: QueueRooms;
  readonly #aside: SetAside;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#rooms = new QueueRooms(parts);
    this.#aside = new SetAside(
      parts.files,
      parts.tickets,
      parts.unique,
      (key) => this.#rooms.gate(key),
    );
    this.known = new KnownQueues(parts.dataDir, parts.files, parts.warn);
    this.openings = new Openings(this.known, this.#rooms, this.#aside, parts);
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
   * Takes the next ticket of `line` for a worker, or an earlier one of its queue that was set
   * aside. If others have taken it, it tries the tickets of the same queue that follow.
   */
  async take(line: ReadyLine, seen: Seen, worker: string, tag: Ticket["tag"]): Promise<Taken> {
    const key = queueOf(seen.name);
    const lock = await this.#rooms.gate(key).lockPatiently();
    if (lock === undefined) {
      // The process that has it may be suspended. Other queues must not wait for that.
      this.#rooms.leaveAlone(key, SHUT);
      line.forget();
      return "closed";
    }
    try {
      this.known.refresh();
      if (this.#isClosed(key)) {
        this.known.look();
        if (this.#isClosed(key)) return this.#close(line, seen);
      }
      this.#rooms.reopen(key);
      // Nobody else lets a job of this queue begin meanwhile, so its room can only grow.
      for (let next: Seen | undefined = seen;;) {
        const taken = this.#takeFirst(key, line, next, worker, tag);
        next = line.known;
        if (taken !== "gone" || next === undefined || queueOf(next.name) !== key) return taken;
        line.next();
      }
    } finally {
      lock.release();
    }
  }

  #isClosed(key: string): boolean {
    return this.#rooms.of(key, this.known.of(key)) === 0;
  }

  /** Sets a ticket aside whose queue is closed. */
  #close(line: ReadyLine, seen: Seen): "closed" {
    const key = queueOf(seen.name);
    this.#setAside(key, () => this.#aside.add(key, [seen]));
    line.forget(); // read it again, without this queue
    return "closed";
  }

  /**
   * Sets tickets aside. A job that ends meanwhile looks for such tickets after its own has moved,
   * perhaps before these are here; so its place is looked for again. The caller has the lock.
   */
  #setAside(key: string, add: () => void): void {
    add();
    const room = this.#rooms.of(key, this.known.of(key));
    if (room > 0) this.#aside.putBack(key, atOnce(room));
  }

  /**
   * The line whose ticket comes first: `ready`, of which `seen` was the last, or the one of those
   * set aside. Undefined if `ready` has to be asked again.
   */
  #firstLine(key: string, ready: ReadyLine, seen: Seen): ReadyLine | undefined {
    const head = this.#aside.headOf(key);
    if (head === undefined || seen.name < head.name) return ready;
    // The ones before it may have been put back since `ready` was read.
    ready.forget();
    const first = ready.peek();
    return first !== undefined && first.name < head.name ? undefined : this.#aside.lineOf(key);
  }

  /** Takes a ticket of a queue that has room. The caller has the lock. */
  #takeFirst(
    key: string,
    ready: ReadyLine,
    seen: Seen,
    worker: string,
    tag: Ticket["tag"],
  ): Taken {
    const line = this.#firstLine(key, ready, seen);
    const from = line === ready ? seen : line?.next();
    if (line === undefined || from === undefined) return "gone";
    const settings = this.known.of(key);
    const { tickets } = this.#parts;
    const gate = this.#rooms.gate(key);
    const rate = settings?.rate ?? null;
    const begins = gate.begins(rate);
    // Not before the end of the job whose place it takes; the claim may have waited for that.
    const now = Math.max(this.#rooms.now, this.#parts.now());
    const at = rate === null ? now : beginTime(rate, begins, now);
    if (rate !== null) gate.note(rate, begins, now, at);
    const ticket: Ticket = { ...parseTicket(from.name)!, at, tag };
    const path = tickets.take(from.path, worker, ticket);
    line.took(path !== undefined);
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
        this.#setAside(key, () => this.#aside.addBucket(key, bucket));
        reading.moves++;
        return true;
      }
      const opened = tickets.ready.unseal(bucket);
      if (opened === undefined) return true;
      const some = names.slice(0, MOVES - reading.moves);
      reading.moves += some.length;
      const seen = some.map((name) => ({ name, path: tickets.ready.path(opened.name, name) }));
      this.#setAside(key, () => this.#aside.add(key, seen));
      return true;
    } finally {
      lock.release();
    }
  }
}
