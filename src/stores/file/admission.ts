// Decides which of the jobs with unique keys may be added: those whose keys are free.
import type { Job } from "../../queue/job.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { UniqueKeys } from "./unique_keys.ts";

/**
 * Up to this many key files are synced one by one; more are synced together, with the whole file
 * system.
 */
const FEW = 32;

/**
 * Adds the jobs whose keys are free and gives them their keys, under a lock, so that no other
 * process does so at the same time.
 */
export async function withoutTaken(
  files: FileSystem,
  dataDir: string,
  jobs: Iterable<Job>,
  { taken = () => {}, callOff, add }: {
    taken: ((job: Job, holder: string) => void) | undefined;
    /** Calls off a job that has not begun in time; whether it has ended by now. */
    callOff: (job: Job) => boolean;
    add: (jobs: Iterable<Job>) => Promise<number>;
  },
): Promise<number> {
  const keys = new UniqueKeys(files, dataDir);
  /** The keys of jobs in this batch, which are not in the store yet. */
  const own = new Map<string, string>();
  const sync = Array.isArray(jobs) && jobs.length <= FEW;

  function holderOf(key: string): string | undefined {
    const holder = keys.holderOf(key);
    return holder === undefined || callOff(holder) ? undefined : holder.id;
  }

  function* free(): Iterable<Job> {
    for (const job of jobs) {
      const { unique } = job;
      const holder = unique === null ? undefined : own.get(unique) ?? holderOf(unique);
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
