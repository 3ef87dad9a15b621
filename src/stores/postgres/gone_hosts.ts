// What becomes of a host that is gone: its workers lose their places, and then their jobs are
// recorded as lost. Whoever comes by takes a step that another has left undone.
import { QueueError } from "../../queue/errors.ts";
import { hookFor } from "../../queue/hooks.ts";
import { claimOf } from "../../queue/job.ts";
import type { LeaseView } from "../../queue/leases.ts";
import type { Ending } from "../../queue/outcome.ts";
import type { Settings } from "../../queue/settings.ts";
import type { JobStore } from "../../queue/store.ts";
import { ended } from "../../queue/transitions.ts";
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

/** Records the jobs of those as lost that have no place any more. */
export async function settleLost(
  database: Database,
  jobs: JobStore,
  settings: () => Promise<Settings>,
): Promise<void> {
  const lost = await database.read<{ name: string; lost_with: string | null }>(LOST);
  if (lost.length === 0) return;
  const current = await settings();
  const backoff = { base: current.backoff_base, max: current.backoff_max };
  for (const { name, lost_with } of lost) {
    for (const job of await jobs.claimedBy(name)) {
      await jobs.change(
        job.id,
        (job, now) => ended(job, lostWith(lost_with), backoff, now),
        claimOf(job),
        (after, now) => hookFor(after, current, now),
      ).catch(unlessSettled);
    }
    await database.query("delete from queuectl.workers where name = $1 and host_id is null", [
      name,
    ]);
  }
}

// A claim that was under way when its worker lost its place may have left a job without either.
const LOST = `select name, lost_with from queuectl.workers where host_id is null
union
select distinct worker, null::text from queuectl.jobs
where state = 'processing' and not exists (select from queuectl.workers where name = worker)`;

function lostWith(host: string | null): Ending {
  const error = host === null
    ? "its worker is gone, and with it how it ended"
    : `its host ${host} is gone: it gave no sign of life for longer than its lease`;
  return { outcome: "lost", exitCode: null, signal: null, error };
}

/** Another `start` does the same, or the job was removed. */
function unlessSettled(error: unknown): void {
  if (error instanceof QueueError && ["claim_lost", "not_found"].includes(error.code)) return;
  throw error;
}
