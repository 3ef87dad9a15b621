// Lets a command end the running job of a dead worker.
import type { Job } from "../queue/job.ts";
import type { JobStore } from "../queue/store.ts";
import type { Store } from "../stores/store.ts";
import { endOrphan } from "../worker/orphans.ts";

/**
 * Ends a running job whose worker has died.
 *
 * @returns false if the worker lives, or another worker has taken its place
 *
 * @throws QueueError `refused` if the job's processes can't be seen from this host
 */
export async function endOrphanOf(
  store: Store,
  jobs: JobStore,
  job: Job,
  reason: "cancelled" | "released",
): Promise<boolean> {
  const settings = await (await store.settings()).load();
  const workers = await store.workers();
  return await endOrphan(job, reason, {
    jobs,
    workers,
    settings,
    tallies: await store.tallies(),
    host: await store.host(),
  });
}
