// How many jobs of each queue may begin now, as one process knows it: counts running jobs by their
// tickets, applies the rule `roomIn`, and remembers when a queue is worth another look. It holds no
// locks and moves no tickets.
import {
  type Begins,
  type QueueSettings,
  type Rate,
  rateOpensAt,
  roomIn,
} from "../../queue/queues.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { Gate } from "./gate.ts";
import { Running } from "./running.ts";
import type { Tickets } from "./tickets.ts";

export interface QueueRoomsParts {
  readonly dataDir: string;
  readonly files: FileSystem;
  readonly tickets: Tickets;
}

export class QueueRooms {
  readonly #parts: QueueRoomsParts;
  readonly #gates = new Map<string, Gate>();
  /** When to look at a queue again: its rate opens then, or another process has its lock now. */
  readonly #openings = new Map<string, number>();
  /** The time of the present claim. */
  now = 0;

  constructor(parts: QueueRoomsParts) {
    this.#parts = parts;
  }

  /** The gate of a queue. */
  gate(key: string): Gate {
    let gate = this.#gates.get(key);
    if (gate === undefined) {
      gate = new Gate(this.#parts.files, this.#parts.dataDir, key);
      this.#gates.set(key, gate);
    }
    return gate;
  }

  /** Counts running jobs once, for several calls of `of`. */
  count(): Running {
    return new Running(this.#parts.tickets);
  }

  /** How many jobs of a queue with these settings may begin now. */
  of(key: string, settings: QueueSettings | undefined, counted?: Running): number {
    if (settings === undefined) return Infinity;
    const { limit, rate } = settings;
    const running = limit === null ? 0 : (counted ?? this.count()).of(key);
    const begins = this.gate(key).begins(rate);
    const room = roomIn(settings, { running, begins, now: this.now });
    if (room === 0 && rate !== null && !settings.paused) this.noteOpening(key, rate, begins);
    return room;
  }

  /** Remembers when the rate of a queue lets the next job begin. */
  noteOpening(key: string, rate: Rate, begins: Begins): void {
    const opening = rateOpensAt(rate, begins, this.now);
    if (opening > this.now) this.#openings.set(key, opening);
  }

  /** Leaves a queue alone for some milliseconds, since another process has its lock. */
  leaveAlone(key: string, milliseconds: number): void {
    this.#openings.set(key, this.now + milliseconds);
  }

  /** Looks at a queue again at once, since this process has its lock, and it has room. */
  reopen(key: string): void {
    this.#openings.delete(key);
  }

  /** Whether a queue is not to be looked at yet. */
  isShut(key: string): boolean {
    const opening = this.#openings.get(key);
    return opening !== undefined && opening > this.now;
  }

  /** Forgets the times that have come. @returns whether there were any */
  takeDue(): boolean {
    const due = [...this.#openings].filter(([, time]) => time <= this.now);
    for (const [key] of due) this.#openings.delete(key);
    return due.length > 0;
  }

  /** Forgets all times, since the settings have changed. */
  forget(): void {
    this.#openings.clear();
  }

  /** The next time at which a queue is worth a look; undefined if none is known. */
  nextOpening(now: number): number | undefined {
    const times = [...this.#openings.values()].filter((time) => time > now);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

/** What was found out while one line is being read. */
export class Reading {
  /** How many tickets, or whole buckets, were set aside. */
  moves = 0;
  readonly #admitted = new Map<string, boolean>();
  readonly #look: (key: string) => boolean;

  constructor(look: (key: string) => boolean) {
    this.#look = look;
  }

  /** Whether jobs of a queue may begin, as far as it can be seen without its lock. */
  admits(key: string): boolean {
    let admitted = this.#admitted.get(key);
    if (admitted === undefined) this.#admitted.set(key, admitted = this.#look(key));
    return admitted;
  }
}
