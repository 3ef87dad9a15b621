// What a dead worker left: its place is taken, and each job that it had is followed to its end as
// if nothing had happened.
import { isUnavailable, messageOf, QueueError } from "../queue/errors.ts";
import { claimOf, type Job } from "../queue/job.ts";
import type { Ending } from "../queue/outcome.ts";
import type { JobStore } from "../queue/store.ts";
import { unclaimed } from "../queue/transitions.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

export interface RescueParts {
  /** The worker that does it, for the reports. */
  readonly name: string;
  readonly jobs: JobStore;
  /** Follows a job of the dead worker to its end; `not_begun` if it never began. */
  adopt(job: Job): Promise<Ending | "not_begun">;
  /** Undefined if it could not be kept, which was reported then. */
  record(job: Job, ending: Ending): Promise<Job | undefined>;
  /** Waits for a moment. Whether to try again then. */
  again(): Promise<boolean>;
  report(event: WorkerEvent): void;
}

/**
 * Settles all jobs of the dead worker `from`, whose lock the caller holds. Returns when the last
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
        // Its file is damaged, or somebody removed it: the store has set its ticket aside.
        if (error instanceof QueueError && !isUnavailable(error)) return;
        // Such as a machine that has no room for the process that looks: no job else suffers for it.
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
