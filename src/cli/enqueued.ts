// The result of enqueueing a job, as it is printed.
import type { Job } from "../queue/job.ts";

/** The job that was enqueued, or the existing one that has its unique key. */
export interface Enqueued {
  readonly job: Job;
  /** What the user should know about it. */
  readonly remark?: string | undefined;
}
