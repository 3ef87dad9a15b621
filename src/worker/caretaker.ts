// What a worker does besides running jobs: it sends heartbeats, takes the places of dead workers,
// and cleans up after them and after dead commands. A failure with one job, name or file does not
// stop the rest.
import { QueueError } from "../queue/errors.ts";
import type { Requests } from "../queue/requests.ts";
import type { JobStore } from "../queue/store.ts";
import type { WorkerLock, Workers } from "../queue/workers.ts";
import type { FallibleSteps } from "./fallible_steps.ts";

/** Milliseconds between rounds. */
const LOOK_AROUND = 1500;
/** Milliseconds of a round for what claims do too, so that jobs do not wait for it. */
const PATIENCE = 100;
/**
 * After so many failures in a row to get its lock, a worker has lost it. Before, another process
 * may only have tested the lock.
 */
const LOST_AFTER = 3;

export interface CaretakerParts {
  readonly jobs: JobStore;
  readonly workers: Workers;
  readonly requests: Requests;
  readonly steps: FallibleSteps;
  readonly stopping: AbortSignal;
  /** The worker's own lock, as it is now. */
  lock(): WorkerLock;
  /** Whether this worker runs this job. */
  runs(id: string): boolean;
  /** Follows all jobs of a dead worker to their ends, and records them. */
  rescue(name: string): Promise<void>;
  /** Removes the files of a worker whose jobs are settled. */
  clear(lock: WorkerLock): Promise<void>;
  /** Called when another process has taken the worker's name. */
  onReplaced(): void;
}

export class Caretaker {
  readonly #parts: CaretakerParts;
  readonly #rescues = new Map<string, Promise<void>>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isLooking = false;
  /** How often in a row the worker did not have its lock. */
  #unlocked = 0;

  constructor(parts: CaretakerParts) {
    this.#parts = parts;
  }

  /** Makes a round now, and then regularly until `stop`. */
  async start(): Promise<void> {
    await this.#lookAround();
    this.#timer = setInterval(() => this.#lookAround(), LOOK_AROUND);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Returns when all jobs that were taken over have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#rescues.values());
  }

  async #lookAround(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { jobs, workers, requests, steps } = this.#parts;
    await steps.attempt("give a sign of life", () => this.#heartbeat());
    await steps.attempt("put right what commands left", () => jobs.recover(PATIENCE));
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
      // Somebody removed the lock file, and another worker has taken this one's name.
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

  /**
   * Removes a request to cancel a job that is not running. It came too late, and must not hit the
   * next attempt.
   */
  async #clearMoot(id: string): Promise<void> {
    const { jobs, requests, runs } = this.#parts;
    if (runs(id)) return;
    if ((await jobs.get(id))?.status.state !== "processing") await requests.clearCancel(id);
  }
}
