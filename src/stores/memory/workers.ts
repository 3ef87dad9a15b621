// The reference implementation of the port for workers. A worker "dies" when its lock is abandoned.
// Methods are async although they wait for nothing, so that errors become rejections.
//
// deno-lint-ignore-file require-await
import { QueueError } from "../../queue/errors.ts";
import {
  isSupervisorName,
  supervisorName,
  type WorkerIdentity,
  type WorkerInfo,
  type WorkerLock,
  type Workers,
} from "../../queue/workers.ts";
import type { MemoryRequests } from "./requests.ts";

export class MemoryWorkers implements Workers {
  /** Live and dead workers, by name. */
  readonly #known = new Map<string, MemoryWorkerLock>();
  readonly #requests: MemoryRequests;
  readonly #now: () => number;

  constructor(requests: MemoryRequests, now: () => number = Date.now) {
    this.#requests = requests;
    this.#now = now;
  }

  async join(
    wanted: string | undefined,
    avoid: ReadonlySet<string> = new Set(),
  ): Promise<WorkerLock> {
    for (let n = 1;; n++) {
      const name = wanted === undefined ? `worker-${n}` : n === 1 ? wanted : `${wanted}-${n}`;
      if (avoid.has(name) || this.#known.get(name)?.isHeld) continue;
      await this.#requests.clearStop(name);
      return this.#hold(name);
    }
  }

  joinAsSupervisor(pid: number): Promise<WorkerLock> {
    return this.join(supervisorName(pid));
  }

  async live(): Promise<WorkerInfo[]> {
    return this.#living().filter(({ name }) => !isSupervisorName(name));
  }

  async liveSupervisors(): Promise<WorkerInfo[]> {
    return this.#living().filter(({ name }) => isSupervisorName(name));
  }

  async find(name: string): Promise<WorkerInfo | undefined> {
    return this.#living().find((one) => one.name === name);
  }

  async dead(): Promise<string[]> {
    return [...this.#known.values()].filter(({ isHeld }) => !isHeld).map(({ name }) => name);
  }

  async takeOver(name: string, signal?: AbortSignal): Promise<WorkerLock | undefined> {
    const dead = this.#known.get(name);
    if (signal?.aborted || dead?.isHeld) return undefined;
    const lock = this.#hold(name);
    if (dead !== undefined) lock.info = { ...dead.info, rescued: true };
    return lock;
  }

  async signal(): Promise<string[]> {
    return []; // there are no processes
  }

  #living(): WorkerInfo[] {
    return [...this.#known.values()].filter(({ isHeld }) => isHeld).map(({ info }) => info);
  }

  #hold(name: string): MemoryWorkerLock {
    const lock = new MemoryWorkerLock(name, this.#now, () => {
      if (this.#known.get(name) === lock) this.#known.delete(name);
      this.#requests.clearStop(name);
    });
    this.#known.set(name, lock);
    return lock;
  }
}

class MemoryWorkerLock implements WorkerLock {
  readonly name: string;
  info: WorkerInfo;
  isHeld = true;
  readonly #now: () => number;
  readonly #forget: () => void;

  constructor(name: string, now: () => number, forget: () => void) {
    this.name = name;
    this.info = { name, pid: 0, host: "", startedAt: 0, lastSeenAt: 0, ready: false };
    this.#now = now;
    this.#forget = forget;
  }

  async announce(identity: WorkerIdentity): Promise<void> {
    this.info = { ...this.info, ready: false, ...identity, lastSeenAt: this.#now() };
  }

  async heartbeat(): Promise<void> {
    if (!this.isHeld) {
      throw new QueueError("claim_lost", `${this.name} has lost its place to another`);
    }
    this.info = { ...this.info, lastSeenAt: this.#now() };
  }

  async abandon(): Promise<void> {
    this.isHeld = false;
  }

  async leave(): Promise<void> {
    this.isHeld = false;
    this.#forget();
  }
}
