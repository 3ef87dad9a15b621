// How a worker of a store on a server waits for work: it asks seldom, and while it rests, nothing.
import type { IdleTime } from "./idle_time.ts";
import type { Lookout } from "./lookout.ts";
import type { Wake } from "./wake.ts";

/** Milliseconds between looks for what others have left undone. */
const RECOVER_EVERY = 5_000;

/** When the next job falls due, and the time of the store. */
export interface NextDue {
  readonly due: number | undefined;
  readonly now: number;
}

export interface WorkerWaitsParts {
  /** The id of the host of a worker; undefined in a command, which asks whenever it is asked. */
  readonly host: string | undefined;
  readonly lookout: Lookout | undefined;
  readonly idle: IdleTime;
  readonly wake: Wake;
  /** When the next job falls due after a time that is so many milliseconds ago. */
  readonly dueAfter: (ago: number) => Promise<NextDue>;
}

export class WorkerWaits {
  readonly #parts: WorkerWaitsParts;
  #recoverAt = 0;

  constructor(parts: WorkerWaitsParts) {
    this.#parts = parts;
    parts.lookout?.onRest(() => parts.idle.forget());
  }

  /** As `JobStore.nextDue`. For a worker, what is due already is found by the next claim. */
  async nextDue(): Promise<number | undefined> {
    const { host, lookout, idle, dueAfter } = this.#parts;
    if (host === undefined) return (await dueAfter(0)).due;
    if (lookout?.isResting) return undefined;
    const { known } = idle;
    if (known !== undefined) return known.due;
    const { due, now } = await dueAfter(idle.age ?? 0);
    idle.begin(due, now);
    return due === undefined || due > now ? due : undefined;
  }

  /** As `JobStore.waitForChange`. */
  async forChange(timeout: number, signal?: AbortSignal): Promise<void> {
    const { lookout, wake } = this.#parts;
    await (lookout?.isResting ? lookout : wake).wait(timeout, signal);
  }

  /** Whether it is time to look for what others have left undone: each time, but for a worker. */
  isTimeToRecover(): boolean {
    const { host, lookout } = this.#parts;
    if (host === undefined) return true;
    if (lookout?.isResting || performance.now() < this.#recoverAt) return false;
    this.#recoverAt = performance.now() + RECOVER_EVERY * (1 + Math.random());
    return true;
  }

  close(): void {
    this.#parts.lookout?.close();
  }
}
