// The worker's loop: claim, run, record, one job at a time. Its parts are passed in; it knows no
// store and no process.
import type { Job } from "../queue/job.ts";
import type { Ending } from "../queue/outcome.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

export interface WorkerParts {
  readonly name: string;
  /** Claims the next job that is due. */
  claim(): Promise<Job | undefined>;
  /** Runs the claimed attempt, and returns how it ended. */
  execute(job: Job): Promise<Ending>;
  /**
   * Records how it ended.
   * @returns the job afterwards; undefined if it could not be recorded, which has been reported
   */
  record(job: Job, ending: Ending): Promise<Job | undefined>;
  /** Gives a job back whose attempt could not begin. */
  giveBack(job: Job, error: unknown): Promise<void>;
  /** Whether the worker has to stop because nothing is left to do; only with `drain`. */
  drained(): Promise<boolean>;
  /** Resolves when there may be a job to claim. */
  wait(): Promise<void>;
  report(event: WorkerEvent): void;
}

/**
 * Works until `stopping` aborts (a running job ends first), or until nothing is left to do with
 * `drain`.
 */
export async function work(parts: WorkerParts, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const job = await parts.claim();
    if (job === undefined) {
      if (await parts.drained()) return;
      await parts.wait();
      continue;
    }
    parts.report({ kind: "job_started", worker: parts.name, job });
    let ending: Ending;
    try {
      ending = await parts.execute(job);
    } catch (error) {
      await parts.giveBack(job, error);
      continue;
    }
    const after = await parts.record(job, ending);
    if (after !== undefined) parts.report({ kind: "job_ended", worker: parts.name, job: after });
  }
}
