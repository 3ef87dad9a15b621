// The leases of hosts in the database, by its clock.
import type { LeaseView } from "../../queue/leases.ts";
import type { Beat, BeatingHost, Leases } from "../shared/host_keeper.ts";
import type { Database } from "./connection.ts";
import { declareGone, LOST } from "./gone_hosts.ts";

export class PostgresLeases implements Leases {
  readonly #database: Database;
  readonly #settle: () => Promise<void>;

  /** @param settle done when hosts were declared gone, or had been */
  constructor(database: Database, settle: () => Promise<void>) {
    this.#database = database;
    this.#settle = settle;
  }

  async beat(
    host: BeatingHost,
    fallback: number,
    ages: ReadonlyMap<string, number>,
  ): Promise<Beat> {
    const [beat] = await this.#database.query<Beat>(BEAT, [
      host.id,
      host.hostname,
      host.guarded,
      fallback,
      [...ages.keys()],
      [...ages.values()],
    ]);
    return beat!;
  }

  async settle(gone: readonly LeaseView[]): Promise<void> {
    for (const host of gone) await declareGone(this.#database, host);
    await this.#settle();
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

const BEAT = `
with setting as (
  select coalesce(
    (select value::float8 from queuectl.settings where key = 'lease'), $4::float8) as lease
), seen as (
  update queuectl.workers set last_seen_at = clock_timestamp() - age * interval '1 millisecond'
  from unnest($5::text[], $6::float8[]) as own (worker, age)
  where name = worker and host_id = $1
), beat as (
  insert into queuectl.hosts (id, name, guarded, beat, lease, lease_until)
  select $1, $2, $3, 1, lease, clock_timestamp() + lease * interval '1 second' from setting
  on conflict (id) do update set name = excluded.name, guarded = excluded.guarded,
    beat = hosts.beat + 1, lease = excluded.lease, lease_until = excluded.lease_until
  returning lease, since
)
select (select lease from beat) as lease,
  (select (extract(epoch from since) * 1000000)::bigint::text from beat) as epoch, pg_postmaster_start_time()::text as server,
  coalesce((
    select jsonb_agg(jsonb_build_object('id', id, 'beat', beat, 'lease', hosts.lease,
      'guarded', guarded, 'hasRunOut', lease_until < clock_timestamp()))
    from queuectl.hosts where id <> $1
  ), '[]'::jsonb) as others,
  exists (${LOST}) as "hasStrays"`;
