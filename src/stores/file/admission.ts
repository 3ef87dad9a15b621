// Which of the jobs that are about to be added may come: of those with keys, the ones whose keys
// nobody has.
import type { Job } from "../../queue/job.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { UniqueKeys } from "./unique_keys.ts";

/** So many are synced one by one; more, with the whole file system when they are added. */
const FEW = 32;

/**
 * Adds those jobs whose keys are free, and gives them their keys, such that nobody else does so at
 * the same time.
 */
export async function withoutTaken(
  files: FileSystem,
  dataDir: string,
  jobs: Iterable<Job>,
  taken: (job: Job, holder: string) => void = () => {},
  add: (jobs: Iterable<Job>) => Promise<number>,
): Promise<number> {
  const keys = new UniqueKeys(files, dataDir);
  /** Whose jobs are not there yet. */
  const own = new Map<string, string>();
  const sync = Array.isArray(jobs) && jobs.length <= FEW;

  function* free(): Iterable<Job> {
    for (const job of jobs) {
      const { unique } = job;
      const holder = unique === null ? undefined : own.get(unique) ?? keys.holderOf(unique)?.id;
      if (holder !== undefined) {
        taken(job, holder);
        continue;
      }
      if (unique !== null) {
        keys.hold(unique, job.id, sync);
        own.set(unique, job.id);
      }
      yield job;
    }
  }
  return await keys.whileLocked(() => add(Array.isArray(jobs) ? [...free()] : free()));
}
