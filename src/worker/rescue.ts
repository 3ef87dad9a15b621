// Settles the jobs of a dead worker: each is followed to its end, and the end is recorded.
import { isPermanent, isUnavailable, messageOf } from "../queue/errors.ts";
import { claimOf, type Job } from "../queue/job.ts";
import type { Ending } from "../queue/outcome.ts";
import type { JobStore } from "../queue/store.ts";
import { unclaimed } from "../queue/transitions.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

export interface RescueParts {
  /** The worker that does the rescue, for the reports. */
  readonly name: string;
  readonly jobs: JobStore;
  /** Waits for the end of a job of the dead worker; `not_begun` if it never began. */
  adopt(job: Job): Promise<Ending | "not_begun">;
  /** Records the end of a job; undefined if that was not possible, which has been reported. */
  record(job: Job, ending: Ending): Promise<Job | undefined>;
  /**
   * Waits for a moment.
   * @returns whether to try again
   */
  again(): Promise<boolean>;
  report(event: WorkerEvent): void;
}

/**
 * Settles all jobs of the dead worker `from`. The caller holds its lock. Returns when the last job
 * has ended.
 */
export async function rescue(from: string, parts: RescueParts): Promise<void> {
  const { name: worker, jobs, report } = parts;
  const left = await jobs.claimedBy(from);
  const results = await Promise.allSettled(left.map(settleAtLast));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;

  async function settleAtLast(job: Job): Promise<void> {
    report({ kind: "job_adopted", worker, from, job });
    for (let told = "";;) {
      try {
        return await settle(job);
      } catch (error) {
        const message = messageOf(error);
        if (message !== told && !isUnavailable(error)) {
          report({ kind: "warning", message: `Cannot settle job "${job.id}": ${message}` });
        }
        told = message;
        // The job's file is damaged or was removed, and the store has set its ticket aside.
        if (isPermanent(error)) return;
        // For example, the machine could not start a process to look. The other jobs are not
        // affected.
        if (!await parts.again()) throw error;
      }
    }
  }

  async function settle(job: Job): Promise<void> {
    const ending = await parts.adopt(job);
    if (ending === "not_begun") {
      const after = await jobs.change(job.id, unclaimed, claimOf(job));
      report({ kind: "job_given_back", worker, from, job: after });
    } else {
      const after = await parts.record(job, ending);
      if (after !== undefined) report({ kind: "job_ended", worker, job: after });
    }
  }
}
