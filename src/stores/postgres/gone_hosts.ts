// What becomes of a host that is gone: its workers lose their places, and then their jobs are
// recorded as lost. Whoever comes by takes a step that another has left undone.
import type { LeaseView } from "../../queue/leases.ts";
import type { LostPlaces } from "../shared/settle_lost.ts";
import type { Database } from "./connection.ts";

/** Takes a host for gone, unless it has given a sign of life meanwhile. */
export async function declareGone(database: Database, host: LeaseView): Promise<void> {
  await database.transaction(async (sql) => {
    // Waits for claims under way, which hold it in a weak mode: no claim sees the old places then.
    await sql.query("lock table queuectl.queues in exclusive mode");
    const [row] = await sql.query<{ name: string }>(
      `select name from queuectl.hosts
      where id = $1 and beat = $2 and guarded and lease_until < clock_timestamp() for update`,
      [host.id, host.beat],
    );
    if (row === undefined) return;
    await sql.query(
      "update queuectl.workers set host_id = null, lost_with = $2 where host_id = $1",
      [host.id, row.name],
    );
    await sql.query("delete from queuectl.hosts where id = $1", [host.id]);
  });
}

/** Those that have no place any more. */
export function lostPlaces(database: Database): LostPlaces {
  return {
    list: () => database.read(LOST),
    free: async (name) => {
      const rows = await database.read<{ id: string }>(FREE, [name]);
      return rows.map(({ id }) => id);
    },
    forget: async (name) => void await database.query(FORGET, [name]),
  };
}

const FREE = `select id from queuectl.jobs where state = 'processing' and worker = $1
for update skip locked`;

const FORGET = `delete from queuectl.workers where name = $1 and host_id is null
and not exists (select from queuectl.jobs where state = 'processing' and worker = $1)`;

// A claim that was under way when its worker lost its place may have left a job without either.
export const LOST =
  `select name, lost_with as "lostWith" from queuectl.workers where host_id is null
union
select distinct worker, null::text from queuectl.jobs
where state = 'processing' and not exists (select from queuectl.workers where name = worker)`;
