// Enqueueing one job that has to do with others: it waits for them, or has a key that one of them
// may have.
import { type JobDefaults, makeJob, type NewJob } from "./enqueue.ts";
import type { Job } from "./job.ts";
import { resolveIds } from "./resolve_after.ts";
import type { JobStore } from "./store.ts";

/** A job that was enqueued, or that has the key of one that was not. */
export interface Enqueued {
  readonly job: Job;
  /** What a person should know of it. */
  readonly remark?: string | undefined;
}

/**
 * Enqueues a job. @returns it, or the one that has its key
 * @throws QueueError `usage`; `duplicate_id`; `not_found` or `ambiguous_id` of one it waits for
 */
export async function enqueueRelated(
  jobs: JobStore,
  newJob: NewJob,
  defaults: JobDefaults,
): Promise<Enqueued> {
  const after = await resolveIds(jobs, newJob.after ?? []);
  const afterAny = await resolveIds(jobs, newJob.afterAny ?? []);
  return await addOne(jobs, makeJob({ ...newJob, after, afterAny }, defaults, 0));
}

/** Adds a job. @returns the job, or the one that has its key */
export async function addOne(store: Pick<JobStore, "add" | "get">, job: Job): Promise<Enqueued> {
  let holder: string | undefined;
  await store.add([job], (_, other) => holder = other);
  if (holder === undefined) return { job, remark: remarkOn(await store.get(job.id)) };
  const remark = `nothing was enqueued: job "${holder}" has the key "${job.unique}"`;
  return { job: await store.get(holder) ?? { ...job, id: holder }, remark };
}

function remarkOn(job: Job | undefined): string | undefined {
  if (job?.status.state !== "cancelled" || job.status.reason === null) return undefined;
  return `it was cancelled at once: ${job.status.reason}`;
}
