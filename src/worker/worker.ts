// The worker's loop: claim, run, record, one job at a time. Its parts are passed in; it knows no
// store and no process.
import type { Job } from "../queue/job.ts";
import type { Ending } from "../queue/outcome.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

export interface WorkerParts {
  readonly name: string;
  /** The next job that is due, taken for this worker. */
  claim(): Promise<Job | undefined>;
  /** Runs the attempt that `claim` began, and tells how it ended. */
  execute(job: Job): Promise<Ending>;
  /**
   * Keeps how it ended; the job afterwards, or undefined if it could not be kept, which was
   * reported then.
   */
  record(job: Job, ending: Ending): Promise<Job | undefined>;
  /** The attempt could not be begun. */
  giveBack(job: Job, error: unknown): Promise<void>;
  /** Whether there will be nothing more to do, if the worker is to end then. */
  drained(): Promise<boolean>;
  /** Resolves when it is worth to look again. */
  wait(): Promise<void>;
  report(event: WorkerEvent): void;
}

/** Works until `stopping` aborts (the job at hand ends first), or until all is drained. */
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
