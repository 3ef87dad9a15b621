// What comes of an enqueue, for those that print it.
import type { Job } from "../queue/job.ts";

/** A job that was enqueued, or that has the key of one that was not. */
export interface Enqueued {
  readonly job: Job;
  /** What a person should know of it. */
  readonly remark?: string | undefined;
}
