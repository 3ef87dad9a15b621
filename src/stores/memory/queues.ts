// The reference implementation of the port for queues: their settings, and when jobs began.
import { DEFAULT_QUEUE, hasEnded, isWaiting, type Job } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import {
  beginTime,
  isUnrestricted,
  isVoid,
  type QueueSettings,
  type QueueStore,
  type QueueView,
  rateOpensAt,
  roomIn,
  UNRESTRICTED,
} from "../../queue/queues.ts";

export class MemoryQueues implements QueueStore {
  readonly #settings = new Map<string, QueueSettings>();
  /** When jobs began, for queues with a rate. */
  readonly #begins = new Map<string, number[]>();
  readonly #jobs: () => Iterable<Job>;
  readonly #changed: () => void;

  /**
   * @param jobs returns all jobs;
   * @param changed called when more jobs may begin than before
   */
  constructor(jobs: () => Iterable<Job>, changed: () => void) {
    this.#jobs = jobs;
    this.#changed = changed;
  }

  list(): Promise<QueueView[]> {
    const jobs = [...this.#jobs()].filter((job) => !hasEnded(job));
    const used = jobs.map(({ queue }) => queue);
    const names = new Set([DEFAULT_QUEUE, ...this.#settings.keys(), ...used]);
    return Promise.resolve(
      [...names].sort().map((name) => {
        const own = jobs.filter((job) => job.queue === name);
        const waiting = own.filter(({ status }) => isWaiting(status));
        return {
          name,
          ...this.settingsOf(name),
          waiting: waiting.length,
          failed: own.filter(({ status }) => status.state === "failed").length,
          blocked: own.filter(({ status }) => status.state === "blocked").length,
          running: own.filter(({ status }) => isRunning(status)).length,
          oldestWaitingAt: waiting.length === 0
            ? null
            : Math.min(...waiting.map((job) => job.createdAt)),
        };
      }),
    );
  }

  settings(): Promise<ReadonlyMap<string, QueueSettings>> {
    return Promise.resolve(new Map(this.#settings));
  }

  // deno-lint-ignore require-await -- a refusal is a rejection, as in every other store
  async change(
    names: Iterable<string>,
    change: (before: QueueSettings) => QueueSettings | QueueError,
  ): Promise<void> {
    const changed = new Map<string, QueueSettings>();
    for (const name of names) {
      const after = change(this.settingsOf(name));
      if (after instanceof QueueError) throw after;
      changed.set(name, after);
    }
    for (const [name, after] of changed) {
      if (isUnrestricted(after)) this.#settings.delete(name);
      else this.#settings.set(name, after);
    }
    this.#changed();
  }

  settingsOf(queue: string): QueueSettings {
    return this.#settings.get(queue) ?? UNRESTRICTED;
  }

  /** Whether a job of this queue may begin now. */
  hasRoom(queue: string, now: number): boolean {
    const running = [...this.#jobs()]
      .filter((job) => job.queue === queue && isRunning(job.status)).length;
    const begins = this.#begins.get(queue) ?? [];
    return roomIn(this.settingsOf(queue), { running, begins, now }) > 0;
  }

  /**
   * Records that a job of this queue begins.
   * @returns the time of its begin
   */
  begin(queue: string, now: number): number {
    const { rate } = this.settingsOf(queue);
    if (rate === null) return now;
    const before = this.#begins.get(queue) ?? [];
    const time = beginTime(rate, before, now);
    this.#begins.set(queue, isVoid(rate, before, now) ? [time] : [...before, time]);
    return time;
  }

  /** When the rate of a queue lets the next job begin, if it has one. */
  opensAt(queue: string, now: number): number | undefined {
    const { rate, paused } = this.settingsOf(queue);
    if (rate === null || paused) return undefined;
    return rateOpensAt(rate, this.#begins.get(queue) ?? [], now);
  }
}

function isRunning({ state }: Job["status"]): boolean {
  return state === "processing";
}
