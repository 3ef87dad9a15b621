// The places of workers as rows of a table.
import { QueueError } from "../../queue/errors.ts";
import type { WorkerIdentity, WorkerInfo } from "../../queue/workers.ts";
import { refusedByRestore } from "../file/maintenance.ts";
import type { WorkerPlaces } from "../shared/host_workers.ts";
import { type Database, timestamp } from "./connection.ts";
import { codeOf } from "./errors.ts";

export class PostgresPlaces implements WorkerPlaces {
  readonly #database: Database;
  readonly #hostId: string | undefined;

  constructor(database: Database, hostId: string | undefined) {
    this.#database = database;
    this.#hostId = hostId;
  }

  async takenElsewhere(): Promise<string[]> {
    const rows = await this.#database.read<{ name: string }>(
      "select name from queuectl.workers where host_id is distinct from $1",
      [this.#hostId],
    );
    return rows.map(({ name }) => name);
  }

  async mayJoin(): Promise<void> {
    if ((await this.#database.read(BEING_RESTORED)).length > 0) throw refusedByRestore();
  }

  async take(name: string): Promise<boolean> {
    const rows = await this.#database.again(() =>
      this.#database.query(
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
        [name, this.#hostId],
      )
    ).catch((error) => {
      if (codeOf(error) !== "23503") throw error; // no such host
      throw new QueueError("claim_lost", "This host was taken for gone a moment ago");
    });
    return rows.length > 0;
  }

  async isOurs(name: string): Promise<boolean> {
    const rows = await this.#database.read(
      "select from queuectl.workers where name = $1 and host_id = $2",
      [name, this.#hostId],
    );
    return rows.length > 0;
  }

  async announce(name: string, { pid, startedAt, ready = false }: WorkerIdentity): Promise<void> {
    await this.#database.again(() =>
      this.#database.query(
        `update queuectl.workers set pid = $3, started_at = $4::timestamptz,
          last_seen_at = clock_timestamp(), ready = $5
        where name = $1 and host_id = $2`,
        [name, this.#hostId, pid, timestamp(startedAt), ready],
      )
    );
  }

  async leave(name: string): Promise<void> {
    await this.#database.again(() =>
      this.#database.query(
        `with requests as (
          delete from queuectl.requests where name = $1 and kind <> 'cancel'
            and exists (select from queuectl.workers where name = $1 and host_id = $2)
        )
        delete from queuectl.workers where name = $1 and host_id = $2`,
        [name, this.#hostId],
      )
    );
  }

  async elsewhere(): Promise<WorkerInfo[]> {
    const rows = await this.#database.read<WorkerRow>(
      `select workers.name, pid, hosts.name as host, started_at, last_seen_at, ready
      from queuectl.workers join queuectl.hosts on hosts.id = host_id
      where host_id is distinct from $1 and lease_until > clock_timestamp()`,
      [this.#hostId],
    );
    return rows.map(({ started_at, last_seen_at, ...info }) => ({
      ...info,
      startedAt: started_at ?? 0,
      lastSeenAt: last_seen_at ?? started_at ?? 0,
      isElsewhere: true,
    }));
  }
}

/** Nothing else takes this lock: see restore.ts. */
const BEING_RESTORED = `select from pg_locks
where relation = 'queuectl.workers'::regclass and mode = 'ExclusiveLock' and granted`;

interface WorkerRow {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  readonly started_at: number | null;
  readonly last_seen_at: number | null;
  readonly ready: boolean;
}
