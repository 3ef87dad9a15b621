// The supervisor: starts workers, starts one anew that died, and stops them. It never runs a job;
// nothing is lost when it dies.
import { messageOf } from "../queue/errors.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

/** A worker process, as its supervisor sees it. */
export interface Child {
  readonly pid: number;
  /** Resolves when it has taken its place among the living; never, if it dies before. */
  readonly up: Promise<void>;
  readonly ended: Promise<{ code: number; signal: string | null }>;
  /** Asks it to stop. */
  stop(kind: "graceful" | "force"): void;
}

export interface SupervisorParts {
  /** How many workers. */
  readonly count: number;
  /** Starts the worker at place `index`, from 0. */
  spawn(index: number): Child;
  /** Told when the first worker has come up. */
  ready(): void;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  now(): number;
  report(event: WorkerEvent): void;
}

/** The exit code of a worker that was told to end by SIGTERM, and not by its supervisor. */
export const TERMINATED = 143;

/** One that dies sooner than this after its start is not started anew at once. */
const SHORT_LIFE = 5000;
const LONGEST_PAUSE = 5000;
/** So often each place is tried where no worker at all has ever come up. */
const TRIES = 3;

/**
 * Runs until all workers have ended: after `stopping`, or, where they drain, by themselves.
 * @returns false if none of them ever came up, and it was given up
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
  /** Aborts when no worker is to be started any more. */
  readonly #halt: AbortSignal;
  #hasComeUp = false;
  /** How often each place was tried in vain, as long as no worker has come up. */
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
      // The first to die so is replaced at once: whoever killed it has done so for a reason of its
      // own.
      if (isShort && pause > 0) await sleep(pause, this.#halt);
      pause = isShort ? Math.min(Math.max(pause * 2, 100), LONGEST_PAUSE) : 0;
    }
  }

  /** Where all places were tried often enough and none of the workers came up, none will. */
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
      // Such as while the program is replaced by a newer one.
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
