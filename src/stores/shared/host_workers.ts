// Workers of all hosts: each has a place in the store, and on its own host a lock of its name, as in a
// folder. What the lock says of life and death counts on this host; of others the lease of their host
// says it.
import { QueueError } from "../../queue/errors.ts";
import {
  type EndingSignal,
  isSupervisorName,
  supervisorName,
  type WorkerIdentity,
  type WorkerInfo,
  type WorkerLock,
  type Workers,
} from "../../queue/workers.ts";
import { compareNames } from "../file/workers.ts";

/** The places of workers and supervisors in the store, which are unique over all hosts. */
export interface WorkerPlaces {
  /**
   * Where a restore takes long: @throws QueueError `refused` while there is one. All else that a
   * worker asks for would wait for its end, or be given up.
   */
  mayJoin?(): Promise<void>;
  /** The names that other hosts have, and that nobody has any more whose jobs are to be settled. */
  takenElsewhere(): Promise<readonly string[]>;
  /**
   * Takes a name for this host, or again, if it is its own. Requests to stop are no longer for it.
   * @returns false if another host has the name
   * @throws QueueError `claim_lost` if this host was taken for gone
   */
  take(name: string): Promise<boolean>;
  isOurs(name: string): Promise<boolean>;
  announce(name: string, identity: WorkerIdentity): Promise<void>;
  /** Removes the place, if it is ours, and requests to stop. */
  leave(name: string): Promise<void>;
  /** Those of other hosts whose lease has not run out. */
  elsewhere(): Promise<readonly WorkerInfo[]>;
}

export interface HostWorkersOptions {
  readonly places: WorkerPlaces;
  /** The id of this host; undefined where no `start` has run here. */
  readonly hostId: string | undefined;
  /** Those that have their locks on this host. */
  readonly local: Workers;
  /** Which lease this host has: see host_keeper.ts. */
  readonly epoch: () => string | undefined;
  /** Whether this process asks only what it must. */
  readonly isResting: () => boolean;
  /** Keeps the lease of this host while the process has a place among its workers. */
  readonly keepLease: (isSupervisor: boolean) => Promise<{ close(): Promise<void> }>;
}

export class HostWorkers implements Workers {
  readonly #options: HostWorkersOptions;

  constructor(options: HostWorkersOptions) {
    this.#options = options;
  }

  join(wanted: string | undefined, avoid: ReadonlySet<string> = new Set()): Promise<WorkerLock> {
    return this.#join((taken) => this.#options.local.join(wanted, taken), avoid, false);
  }

  joinAsSupervisor(pid: number): Promise<WorkerLock> {
    const wanted = supervisorName(pid);
    return this.#join((taken) => this.#options.local.join(wanted, taken), new Set(), true);
  }

  async live(): Promise<WorkerInfo[]> {
    const all = [
      ...await this.#options.local.live(),
      ...(await this.#elsewhere()).filter(({ name }) => !isSupervisorName(name)),
    ];
    return all.sort((one, other) => compareNames(one.name, other.name));
  }

  async liveSupervisors(): Promise<WorkerInfo[]> {
    return [
      ...await this.#options.local.liveSupervisors(),
      ...(await this.#elsewhere()).filter(({ name }) => isSupervisorName(name)),
    ];
  }

  async find(name: string): Promise<WorkerInfo | undefined> {
    return await this.#options.local.find(name) ??
      (await this.#elsewhere()).find((one) => one.name === name);
  }

  dead(): Promise<string[]> {
    return this.#options.local.dead();
  }

  async takeOver(name: string, signal?: AbortSignal): Promise<WorkerLock | undefined> {
    const { local, hostId } = this.#options;
    const lock = await local.takeOver(name, signal);
    if (lock === undefined) return undefined;
    try {
      // Its name may be another's by now, where this host was taken for gone meanwhile.
      if (await this.#options.places.isOurs(name)) return this.#portOf(lock);
    } catch (error) {
      await lock.abandon();
      throw error;
    }
    if (hostId === undefined) await lock.abandon();
    else await lock.leave();
    return undefined;
  }

  signal(names: readonly string[], signal: EndingSignal): Promise<string[]> {
    return this.#options.local.signal(names, signal);
  }

  async #join(
    joinHere: (taken: ReadonlySet<string>) => Promise<WorkerLock>,
    avoid: ReadonlySet<string>,
    isSupervisor: boolean,
  ): Promise<WorkerLock> {
    const { places, keepLease } = this.#options;
    await places.mayJoin?.();
    const keeper = await keepLease(isSupervisor);
    try {
      const taken = new Set([...avoid, ...await places.takenElsewhere()]);
      for (;;) {
        const lock = await joinHere(taken);
        if (await places.take(lock.name)) return this.#portOf(lock, keeper);
        await lock.leave();
        taken.add(lock.name);
      }
    } catch (error) {
      await keeper.close();
      throw error;
    }
  }

  async #elsewhere(): Promise<readonly WorkerInfo[]> {
    return await this.#options.places.elsewhere();
  }

  /** @param keeper of the lease, if the place was taken for this process itself */
  #portOf(lock: WorkerLock, keeper?: { close(): Promise<void> }): WorkerLock {
    const { places, epoch, isResting } = this.#options;
    const { name } = lock;
    let identity: WorkerIdentity | undefined;
    const announce = async () => {
      if (identity !== undefined) await places.announce(name, identity);
    };
    // Where this host was taken for gone, and all that its workers had is settled, nobody has the
    // name: it is free for a new beginning.
    const takeBack = async () => {
      if (await places.isOurs(name)) return;
      if (await places.take(name)) return await announce();
      throw new QueueError("claim_lost", `${name} has lost its place: its host was taken for gone`);
    };
    let [lookedAt, lookedIn] = [performance.now(), epoch()];
    return {
      name,
      announce: async (own) => {
        await lock.announce(own);
        identity = own;
        await announce();
      },
      heartbeat: async () => {
        await lock.heartbeat();
        // The lease has a clock of its own; claims are refused at once where the place is lost.
        if (performance.now() - lookedAt < LOOK) return;
        // A place is lost with the lease under which it was taken.
        const now = epoch();
        if (isResting() && (now === undefined || now === lookedIn)) return;
        await takeBack();
        [lookedAt, lookedIn] = [performance.now(), now];
      },
      abandon: async () => {
        await lock.abandon();
        await keeper?.close();
      },
      leave: async () => {
        await places.leave(name);
        await lock.leave();
        await keeper?.close();
      },
    };
  }
}

/** Milliseconds between looks whether a worker still has its place. */
const LOOK = 5000;
