// The supervisor: starts workers, replaces those that die, and stops them. It never runs a job, so
// nothing is lost when it dies.
import { messageOf } from "../queue/errors.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

/** A worker process as its supervisor sees it. */
export interface Child {
  readonly pid: number;
  /** Resolves when the worker is ready to run jobs; never, if it dies before. */
  readonly up: Promise<void>;
  readonly ended: Promise<{ code: number; signal: string | null }>;
  /** Asks it to stop. */
  stop(kind: "graceful" | "force"): void;
}

export interface SupervisorParts {
  /** How many workers. */
  readonly count: number;
  /** Starts the worker for place `index`, counted from 0. */
  spawn(index: number): Child;
  /** Called when the first worker is ready. */
  ready(): void;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  now(): number;
  report(event: WorkerEvent): void;
}

/** The exit code of a worker that was ended by SIGTERM and not by its supervisor. */
export const TERMINATED = 143;

/** A worker that dies within this many milliseconds is replaced only after a pause. */
const SHORT_LIFE = 5000;
const LONGEST_PAUSE = 5000;
/** How often each place is tried if no worker has ever become ready. */
const TRIES = 3;

/**
 * Runs until all workers have ended: after `stopping`, or by themselves if they drain.
 *
 * @returns false if it gave up because no worker ever became ready
 */
export async function supervise(
  parts: SupervisorParts,
  stopping: AbortSignal,
  force: AbortSignal,
): Promise<boolean> {
  const pool = new Pool(parts, stopping, force);
  await Promise.all(Array.from({ length: parts.count }, (_, index) => pool.keepAlive(index)));
  return !pool.hasGivenUp;
}

class Pool {
  readonly #parts: SupervisorParts;
  readonly #force: AbortSignal;
  readonly #givenUp = new AbortController();
  /** Aborts when no more workers are to be started. */
  readonly #halt: AbortSignal;
  #hasComeUp = false;
  /** How often each place was tried without success, as long as no worker has become ready. */
  readonly #tries: number[];

  constructor(parts: SupervisorParts, stopping: AbortSignal, force: AbortSignal) {
    this.#parts = parts;
    this.#force = force;
    this.#halt = AbortSignal.any([stopping, this.#givenUp.signal]);
    this.#tries = Array(parts.count).fill(0);
  }

  get hasGivenUp(): boolean {
    return this.#givenUp.signal.aborted;
  }

  async keepAlive(index: number): Promise<void> {
    const { now, sleep } = this.#parts;
    for (let pause = 0; !this.#halt.aborted;) {
      const startedAt = now();
      if (await this.#runOne(index)) return;
      const isShort = now() - startedAt < SHORT_LIFE;
      // The first one that dies early is replaced at once, since somebody may have killed it.
      if (isShort && pause > 0) await sleep(pause, this.#halt);
      pause = isShort ? Math.min(Math.max(pause * 2, 100), LONGEST_PAUSE) : 0;
    }
  }

  /**
   * Counts a failed try. If all places were tried often enough and no worker became ready, it gives
   * up.
   */
  #countTry(index: number): void {
    this.#tries[index]!++;
    if (!this.#hasComeUp && this.#tries.every((tries) => tries >= TRIES)) this.#givenUp.abort();
  }

  #cameUp(): void {
    if (this.#hasComeUp) return;
    this.#hasComeUp = true;
    this.#parts.ready();
  }

  /** Runs one worker to its end. @returns false if it died */
  async #runOne(index: number): Promise<boolean> {
    let child: Child;
    try {
      child = this.#parts.spawn(index);
    } catch (error) {
      // For example, while the program is being replaced by a newer version.
      const message = `Cannot start a worker, trying again: ${messageOf(error)}`;
      this.#parts.report({ kind: "warning", message });
      this.#countTry(index);
      return false;
    }
    child.up.then(() => this.#cameUp());
    const graceful = () => child.stop("graceful");
    const forced = () => child.stop("force");
    this.#halt.addEventListener("abort", graceful);
    this.#force.addEventListener("abort", forced);
    const { code, signal } = await child.ended;
    this.#halt.removeEventListener("abort", graceful);
    this.#force.removeEventListener("abort", forced);
    if (code === 0 && signal === null) return true;
    this.#countTry(index);
    const replaced = !this.#halt.aborted;
    if (code !== TERMINATED) {
      this.#parts.report({ kind: "worker_died", pid: child.pid, code, signal, replaced });
    } else if (replaced) {
      this.#parts.report({
        kind: "worker_died",
        pid: child.pid,
        code,
        signal: "SIGTERM",
        replaced,
      });
    }
    return false;
  }
}
