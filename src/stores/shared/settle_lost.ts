// Records the jobs of workers as lost that have no place any more, since their host was taken for gone.
// Whoever comes by takes a step that another has left undone.
import { QueueError } from "../../queue/errors.ts";
import { hookFor } from "../../queue/hooks.ts";
import { claimOf } from "../../queue/job.ts";
import type { Ending } from "../../queue/outcome.ts";
import type { Settings } from "../../queue/settings.ts";
import type { JobStore } from "../../queue/store.ts";
import { ended } from "../../queue/transitions.ts";

/** The workers that have no place any more, or may have jobs although they never had one. */
export interface LostPlaces {
  list(): Promise<readonly { readonly name: string; readonly lostWith: string | null }[]>;
  /**
   * Its jobs that nobody else has locked, such as a transaction of an application: those are for
   * later. All if left out.
   */
  free?(name: string): Promise<readonly string[]>;
  /** Its jobs are settled: if all are, the place goes. */
  forget(name: string): Promise<void>;
}

/** Records their jobs as lost. */
export async function settleLost(
  places: LostPlaces,
  jobs: JobStore,
  settings: () => Promise<Settings>,
): Promise<void> {
  const lost = await places.list();
  if (lost.length === 0) return;
  const current = await settings();
  const backoff = { base: current.backoff_base, max: current.backoff_max };
  for (const { name, lostWith } of lost) {
    const found = await jobs.claimedBy(name);
    // Another may have settled them meanwhile, and the name be taken again, with a job that runs. As the
    // name is nobody's after the jobs were seen, they are nobody's, too.
    if (found.length > 0 && !await isLost(places, name)) continue;
    const free = found.length > 0 ? await places.free?.(name) : undefined;
    for (const job of found) {
      if (free?.includes(job.id) === false) continue;
      await jobs.change(
        job.id,
        (job, now) => ended(job, endingOf(lostWith), backoff, now),
        claimOf(job),
        (after, now) => hookFor(after, current, now),
      ).catch(unlessSettled);
    }
    await places.forget(name);
  }
}

async function isLost(places: LostPlaces, name: string): Promise<boolean> {
  return (await places.list()).some((place) => place.name === name);
}

function endingOf(host: string | null): Ending {
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
