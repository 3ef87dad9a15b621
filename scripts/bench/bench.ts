// What every measurement is given: the ground, how much to measure, and the large queues, which are
// made once for all.
import { doneQueue } from "./done_queue.ts";
import type { Ground } from "./ground.ts";
import { Queue } from "./queue.ts";

export interface LargeQueue {
  readonly queue: Queue;
  /** One of its jobs. */
  readonly id: string;
}

export class Bench {
  readonly ground: Ground;
  readonly quick: boolean;
  readonly say: (text: string) => void;
  readonly #rounds: number | undefined;
  readonly #large = new Map<string, Promise<LargeQueue>>();

  constructor(
    ground: Ground,
    options: { quick: boolean; rounds: number | undefined; say: (text: string) => void },
  ) {
    this.ground = ground;
    this.quick = options.quick;
    this.say = options.say;
    this.#rounds = options.rounds;
  }

  /** One of two, by how much is to be measured. */
  pick<T>(full: T, quick: T): T {
    return this.quick ? quick : full;
  }

  /** How many rounds: what was asked for, or else one of these. */
  rounds(full: number, quick: number): number {
    return this.#rounds ?? this.pick(full, quick);
  }

  /** The sizes of large queues. */
  get sizes(): readonly number[] {
    return this.pick([100_000, 1_000_000], [10_000]);
  }

  /** A queue in which so many jobs wait. */
  waiting(count: number): Promise<LargeQueue> {
    return this.#once(`${count} waiting`, async () => {
      const queue = new Queue(this.ground, `waiting-${count}`);
      const { ids } = await queue.fill(count);
      return { queue, id: ids[count / 2]! };
    });
  }

  /** Takes over a queue that was filled, so that none like it has to be made. */
  keepWaiting(count: number, large: LargeQueue): void {
    this.#large.set(`${count} waiting`, Promise.resolve(large));
  }

  /** A queue in which so many jobs have been done. */
  done(count: number): Promise<LargeQueue> {
    return this.#once(`${count} done`, () => doneQueue(this.ground, count));
  }

  #once(name: string, make: () => Promise<LargeQueue>): Promise<LargeQueue> {
    let large = this.#large.get(name);
    if (large === undefined) {
      this.say(`making a queue with ${name}`);
      large = make().then(async (made) => (await this.ground.settle(), made));
      this.#large.set(name, large);
    }
    return large;
  }
}
