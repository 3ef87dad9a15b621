// Puts tickets of queues back that were set aside, when they may begin: because a job has ended, the
// settings have changed, or time has passed.
import { isUnrestricted } from "../../queue/queues.ts";
import { Freshness } from "./freshness.ts";
import type { KnownQueues } from "./known_queues.ts";
import type { QueueRooms, QueueRoomsParts } from "./queue_rooms.ts";
import type { SetAside } from "./set_aside.ts";
import { wake } from "./staging.ts";

/** At most this many tickets are moved one by one at a time, so that a claim need not wait long. */
export const MOVES = 500;
/** Milliseconds for which a command waits for a queue's lock. */
const PATIENCE = 2000;

export class Openings {
  readonly #known: KnownQueues;
  readonly #rooms: QueueRooms;
  readonly #aside: SetAside;
  readonly #parts: QueueRoomsParts;
  /** The version of the settings at the last `lookAround`; undefined before the first. */
  #version: string | undefined;
  /** What is known of tickets that may be put back. */
  readonly #freshness = new Freshness();

  constructor(known: KnownQueues, rooms: QueueRooms, aside: SetAside, parts: QueueRoomsParts) {
    this.#known = known;
    this.#rooms = rooms;
    this.#aside = aside;
    this.#parts = parts;
  }

  /**
   * Puts tickets back that may begin now, a limited number at a time, and only as often as needed.
   * @returns whether any were put back
   */
  lookAround(now: number): boolean {
    this.#rooms.now = now;
    this.#known.refresh();
    // Also if no settings are left, since somebody may have removed their file.
    const isNew = this.#known.version !== this.#version;
    if (!this.#known.isAny && !isNew) return false;
    if (isNew) this.#rooms.forget();
    this.#version = this.#known.version;
    const isDue = this.#rooms.takeDue() || isNew;
    return (isDue || this.#freshness.isOver) && this.#freshness.renew(() => this.#putAllBack());
  }

  #putAllBack(): boolean {
    const running = this.#rooms.count();
    let moved = false;
    for (const key of this.#parts.tickets.held.keys()) {
      const settings = this.#known.of(key);
      if (settings?.paused || this.#rooms.isShut(key)) continue;
      if (this.#rooms.of(key, settings, running) > 0) moved = this.#putBackNow(key) || moved;
    }
    return moved;
  }

  /** The next time at which a queue may let jobs begin; undefined if none is known. */
  nextOpening(now: number): number | undefined {
    return this.#rooms.nextOpening(now);
  }

  /**
   * Puts the next ticket of a queue back, since one of its jobs has ended or was given back.
   * @returns whether one was put back
   */
  async settled(key: string, now: number): Promise<boolean> {
    const settings = this.#known.of(key);
    if (settings === undefined || settings.limit === null || settings.paused) return false;
    this.#rooms.now = now;
    const gate = this.#rooms.gate(key);
    if (!gate.mayHaveAside()) return false;
    const lock = await gate.lockPatiently();
    if (lock === undefined) return false; // `lookAround` will do it
    try {
      this.#known.look();
      return this.#rooms.of(key, this.#known.of(key)) > 0 && this.#aside.putBack(key, 1);
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
    const lock = await this.#rooms.gate(key).lockPatiently(PATIENCE);
    if (lock === undefined) return;
    try {
      this.#known.look();
      const settings = this.#known.of(key);
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
      this.#known.look();
      const room = this.#rooms.of(key, this.#known.of(key));
      this.#aside.lineOf(key).forget();
      return room > 0 && this.#aside.putBack(key, atOnce(room));
    } finally {
      lock.release();
    }
  }
}

/** How many tickets to put back at once: a limited number one by one, or all, by whole buckets. */
export function atOnce(room: number): number {
  return room === Infinity ? room : Math.min(room, MOVES);
}
