// What a worker does for all beside its jobs: it gives signs of life, takes the places of those that
// died, and clears away what they left. What goes wrong with one job, one name or one file keeps
// nothing else from being looked at.
import { QueueError } from "../queue/errors.ts";
import type { Requests } from "../queue/requests.ts";
import type { JobStore } from "../queue/store.ts";
import type { WorkerLock, Workers } from "../queue/workers.ts";
import type { FallibleSteps } from "./fallible_steps.ts";

/** Milliseconds between looks. */
const LOOK_AROUND = 1500;
/** Who looks whether a worker lives has its lock for a moment; so often in a row nobody does. */
const LOST_AFTER = 3;

export interface CaretakerParts {
  readonly jobs: JobStore;
  readonly workers: Workers;
  readonly requests: Requests;
  readonly steps: FallibleSteps;
  readonly stopping: AbortSignal;
  /** That of the worker itself, as it is now. */
  lock(): WorkerLock;
  /** Whether the worker has this job at hand. */
  runs(id: string): boolean;
  /** Follows all jobs of a dead worker to their end, and settles them. */
  rescue(name: string): Promise<void>;
  /** Removes what a worker that is settled leaves. */
  clear(lock: WorkerLock): Promise<void>;
  /** Another has the worker's name by now. */
  onReplaced(): void;
}

export class Caretaker {
  readonly #parts: CaretakerParts;
  readonly #rescues = new Map<string, Promise<void>>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isLooking = false;
  /** How often in a row the worker has not had its lock. */
  #unlocked = 0;

  constructor(parts: CaretakerParts) {
    this.#parts = parts;
  }

  /** Looks around now, and again and again until `stop`. */
  async start(): Promise<void> {
    await this.#lookAround();
    this.#timer = setInterval(() => this.#lookAround(), LOOK_AROUND);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Returns when all that was taken over has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#rescues.values());
  }

  async #lookAround(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { jobs, workers, requests, steps } = this.#parts;
    await steps.attempt("give a sign of life", () => this.#heartbeat());
    await steps.attempt("put right what commands left", () => jobs.recover());
    await steps.attempt("look for requests", async () => {
      for (const id of await requests.cancelRequests()) {
        await steps.attempt(`see to the request to cancel "${id}"`, () => this.#clearMoot(id));
      }
    });
    await steps.attempt("look for workers that died", async () => {
      for (const name of await workers.dead()) this.#lookAfter(name);
    });
    this.#isLooking = false;
  }

  async #heartbeat(): Promise<void> {
    try {
      await this.#parts.lock().heartbeat();
      this.#unlocked = 0;
    } catch (error) {
      // Somebody removed the lock's file, and another worker goes on in this one's place.
      const isLost = error instanceof QueueError && error.code === "claim_lost";
      if (isLost && ++this.#unlocked === LOST_AFTER) this.#parts.onReplaced();
      throw error;
    }
  }

  #lookAfter(name: string): void {
    if (name === this.#parts.lock().name || this.#rescues.has(name)) return;
    const done = this.#rescue(name).finally(() => this.#rescues.delete(name));
    this.#rescues.set(name, done);
  }

  async #rescue(name: string): Promise<void> {
    const { steps, workers, stopping, rescue, clear } = this.#parts;
    await steps.attempt(`take over from ${name} yet`, async () => {
      const lock = await workers.takeOver(name, stopping);
      if (lock === undefined) return;
      try {
        await rescue(name);
        await clear(lock);
      } catch (error) {
        await lock.abandon();
        throw error;
      }
    });
  }

  /** A request that came too late, and whose maker is gone, must not hit the next attempt. */
  async #clearMoot(id: string): Promise<void> {
    const { jobs, requests, runs } = this.#parts;
    if (runs(id)) return;
    if ((await jobs.get(id))?.status.state !== "processing") await requests.clearCancel(id);
  }
}
