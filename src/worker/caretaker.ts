// What a worker does for all beside its jobs: it gives signs of life, takes the places of those that
// died, and clears away what they left. What goes wrong with one job, one name or one file keeps
// nothing else from being looked at.
import { QueueError } from "../queue/errors.ts";
import type { JobStore } from "../queue/store.ts";
import { delay } from "../system/delay.ts";
import type { FileSystem } from "../system/file_system.ts";
import type { Attempts } from "./attempts.ts";
import { cancelRequests, clearCancel } from "./control.ts";
import { isAlive, isMissing, knownNames, LOCK_RENEWAL, WorkerLock } from "./worker_lock.ts";

/** Milliseconds between looks. */
const LOOK_AROUND = 1500;
/** Who looks whether a worker lives has its lock for a moment; so often in a row nobody does. */
const LOST_AFTER = 3;

export interface CaretakerParts {
  readonly files: FileSystem;
  readonly dataDir: string;
  readonly store: JobStore;
  readonly attempts: Attempts;
  readonly stopping: AbortSignal;
  /** The place of the worker itself, as it is now. */
  presence(): WorkerLock;
  /** Whether the worker has this job at hand. */
  runs(id: string): boolean;
  /** Follows all jobs of a dead worker to their end, and settles them. */
  rescue(name: string): Promise<void>;
  /** Removes what a worker that is settled leaves. */
  clear(name: string, place: WorkerLock): Promise<void>;
  /** Another has the worker's place by now. */
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
    const { files, dataDir, store, attempts } = this.#parts;
    await attempts.attempt("give a sign of life", () => this.#heartbeat());
    await attempts.attempt("put right what commands left", () => store.recover());
    await attempts.attempt("look for requests", async () => {
      for (const id of cancelRequests(files, dataDir)) {
        await attempts.attempt(`see to the request to cancel "${id}"`, () => this.#clearMoot(id));
      }
    });
    await attempts.attempt("look for workers that died", async () => {
      for (const name of knownNames(files, dataDir)) {
        await attempts.attempt(`look after ${name}`, () => this.#lookAfter(name));
      }
    });
    this.#isLooking = false;
  }

  #heartbeat(): void {
    try {
      this.#parts.presence().heartbeat();
      this.#unlocked = 0;
    } catch (error) {
      // Somebody removed the lock's file, and another worker goes on in this one's place.
      if (error instanceof QueueError && ++this.#unlocked === LOST_AFTER) this.#parts.onReplaced();
      throw error;
    }
  }

  #lookAfter(name: string): void {
    const { files, dataDir, presence } = this.#parts;
    const isMine = name === presence().name || this.#rescues.has(name);
    if (isMine || isAlive(files, dataDir, name)) return;
    const done = this.#rescue(name).finally(() => this.#rescues.delete(name));
    this.#rescues.set(name, done);
  }

  async #rescue(name: string): Promise<void> {
    const { attempts, rescue, clear } = this.#parts;
    await attempts.attempt(`take over from ${name} yet`, async () => {
      const place = await this.#place(name);
      if (place === undefined) return;
      try {
        await rescue(name);
        await clear(name, place);
      } catch (error) {
        place.abandon();
        throw error;
      }
    });
  }

  /** The place of a worker that died; undefined if it lives, or another takes it. */
  async #place(name: string): Promise<WorkerLock | undefined> {
    const { files, dataDir, stopping } = this.#parts;
    if (isMissing(files, dataDir, name)) {
      await delay(LOCK_RENEWAL, stopping);
      if (stopping.aborted) return undefined;
    }
    return WorkerLock.takeOver(files, dataDir, name);
  }

  /** A request that came too late, and whose maker is gone, must not hit the next attempt. */
  async #clearMoot(id: string): Promise<void> {
    const { files, dataDir, store, runs } = this.#parts;
    if (runs(id)) return;
    if ((await store.get(id))?.status.state !== "processing") clearCancel(files, dataDir, id);
  }
}
