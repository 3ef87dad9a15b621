// Workers of all hosts: a row for each, and on its own host a lock of its name, as in a folder. What
// the lock says of life and death counts on this host; of others the lease of their host says it.
import { QueueError } from "../../queue/errors.ts";
import {
  type EndingSignal,
  supervisorName,
  type WorkerIdentity,
  type WorkerInfo,
  type WorkerLock,
  type Workers,
} from "../../queue/workers.ts";
import { compareNames } from "../file/workers.ts";
import { type Database, timestamp } from "./connection.ts";
import { codeOf } from "./errors.ts";

export interface PostgresWorkersOptions {
  readonly database: Database;
  /** The id of this host; undefined where no `start` has run here. */
  readonly hostId: string | undefined;
  /** Those that have their locks on this host. */
  readonly local: Workers;
  /** Keeps the lease of this host while the process has a place among its workers. */
  readonly keepLease: (isSupervisor: boolean) => Promise<{ close(): Promise<void> }>;
}

export class PostgresWorkers implements Workers {
  readonly #options: PostgresWorkersOptions;

  constructor(options: PostgresWorkersOptions) {
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
      ...await this.#elsewhere("name not like 'supervisor-%'"),
    ];
    return all.sort((one, other) => compareNames(one.name, other.name));
  }

  async liveSupervisors(): Promise<WorkerInfo[]> {
    return [
      ...await this.#options.local.liveSupervisors(),
      ...await this.#elsewhere("name like 'supervisor-%'"),
    ];
  }

  async find(name: string): Promise<WorkerInfo | undefined> {
    return await this.#options.local.find(name) ??
      (await this.#elsewhere("name = $2", name))[0];
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
      if (await this.#isOurs(name)) return this.#portOf(lock);
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
    const { database, hostId, keepLease } = this.#options;
    const keeper = await keepLease(isSupervisor);
    try {
      const others = await database.read<{ name: string }>(
        "select name from queuectl.workers where host_id is distinct from $1",
        [hostId],
      );
      const taken = new Set([...avoid, ...others.map(({ name }) => name)]);
      for (;;) {
        const lock = await joinHere(taken);
        if (await this.#takeName(lock)) return this.#portOf(lock, keeper);
        await lock.leave();
        taken.add(lock.name);
      }
    } catch (error) {
      await keeper.close();
      throw error;
    }
  }

  /** Makes the row of a name whose lock is held. @returns false if another host has the name */
  async #takeName({ name }: WorkerLock): Promise<boolean> {
    const { database, hostId } = this.#options;
    const rows = await database.again(() =>
      database.query(
        `with cleared as (
          delete from queuectl.requests where name = $1 and kind <> 'cancel'
            and not exists (select from queuectl.workers where name = $1
              and host_id is distinct from $2)
        )
        insert into queuectl.workers (name, host_id) values ($1, $2)
        on conflict (name) do update set pid = 0, started_at = null, last_seen_at = null,
          ready = false
        where workers.host_id = excluded.host_id
        returning name`,
        [name, hostId],
      )
    ).catch((error) => {
      if (codeOf(error) !== "23503") throw error; // no such host
      throw new QueueError("claim_lost", "This host was taken for gone a moment ago");
    });
    return rows.length > 0;
  }

  async #isOurs(name: string): Promise<boolean> {
    const { database, hostId } = this.#options;
    const rows = await database.read(
      "select from queuectl.workers where name = $1 and host_id = $2",
      [name, hostId],
    );
    return rows.length > 0;
  }

  async #elsewhere(which: string, ...values: string[]): Promise<WorkerInfo[]> {
    const rows = await this.#options.database.read<WorkerRow>(
      `select workers.name, pid, hosts.name as host, started_at, last_seen_at, ready
      from queuectl.workers join queuectl.hosts on hosts.id = host_id
      where host_id is distinct from $1 and lease_until > clock_timestamp()
        and workers.${which}`,
      [this.#options.hostId, ...values],
    );
    return rows.map(({ started_at, last_seen_at, ...info }) => ({
      ...info,
      startedAt: started_at ?? 0,
      lastSeenAt: last_seen_at ?? started_at ?? 0,
      isElsewhere: true,
    }));
  }

  /** @param keeper of the lease, if the place was taken for this process itself */
  #portOf(lock: WorkerLock, keeper?: { close(): Promise<void> }): WorkerLock {
    const { database, hostId } = this.#options;
    const { name } = lock;
    let identity: WorkerIdentity | undefined;
    const announce = async () => {
      if (identity === undefined) return;
      const values = announced(name, hostId, identity);
      await database.again(() => database.query(ANNOUNCE, values));
    };
    // Where this host was taken for gone, and all that its workers had is settled, nobody has the
    // name: it is free for a new beginning.
    const takeBack = async () => {
      if (await this.#isOurs(name)) return;
      if (await this.#takeName(lock)) return await announce();
      throw new QueueError("claim_lost", `${name} has lost its place: its host was taken for gone`);
    };
    let lookedAt = performance.now();
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
        await takeBack();
        lookedAt = performance.now();
      },
      abandon: async () => {
        await lock.abandon();
        await keeper?.close();
      },
      leave: async () => {
        await database.again(() => database.query(LEAVE, [name, hostId]));
        await lock.leave();
        await keeper?.close();
      },
    };
  }
}

/** Milliseconds between looks whether a worker still has its place. */
const LOOK = 5000;

interface WorkerRow {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  readonly started_at: number | null;
  readonly last_seen_at: number | null;
  readonly ready: boolean;
}

const ANNOUNCE = `update queuectl.workers set pid = $3, started_at = $4::timestamptz,
  last_seen_at = clock_timestamp(), ready = $5
  where name = $1 and host_id = $2`;

function announced(name: string, host: string | undefined, identity: WorkerIdentity): unknown[] {
  return [name, host, identity.pid, timestamp(identity.startedAt), identity.ready ?? false];
}

const LEAVE = `with requests as (
  delete from queuectl.requests where name = $1 and kind <> 'cancel'
    and exists (select from queuectl.workers where name = $1 and host_id = $2)
)
delete from queuectl.workers where name = $1 and host_id = $2`;
