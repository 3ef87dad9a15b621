// The part of a check for unique keys: every job with a key that has not ended must hold it alone.
import type { Job } from "../../queue/job.ts";
import { holdsKey } from "../../queue/unique.ts";
import { QueueError } from "../../queue/errors.ts";
import { jobPath } from "./layout.ts";
import type { CheckParts } from "./ticket_places.ts";
import { UniqueKeys } from "./unique_keys.ts";

type Parts = Pick<CheckParts, "dataDir" | "files" | "jobs" | "findings">;

/**
 * Checks the keys.
 * @param keyed the jobs with keys that had not ended when they were read
 */
export function checkKeys({ dataDir, files, jobs, findings }: Parts, keyed: readonly Job[]): void {
  const keys = new UniqueKeys(files, dataDir);
  for (const { id, unique } of keyed) {
    const key = unique!;
    const isSaid = () => {
      const holder = keys.holderOf(key)?.id;
      if (holder === id) return undefined;
      try {
        if (!holdsKey(jobs.read(id)?.job, key)) return undefined; // it has ended meanwhile
      } catch (error) {
        if (error instanceof QueueError) return undefined;
        throw error;
      }
      return holder === undefined
        ? "has a key that others could take"
        : `has the same key as job ${holder}`;
    };
    const problem = isSaid();
    if (problem === undefined) continue;
    const isFree = keys.holderOf(key) === undefined;
    findings.add(
      jobPath(dataDir, id),
      problem,
      isFree ? () => (keys.hold(key, id, true), "nobody else can take it") : undefined,
    );
  }
}
