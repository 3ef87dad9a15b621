// queuectl enqueue of one job that depends on others: it waits for them, or has a unique key that
// one of them may have.
import { makeJob, type NewJob } from "../../queue/enqueue.ts";
import type { Job } from "../../queue/job.ts";
import { resolveIds } from "../../queue/resolve_after.ts";
import { unlessExpired } from "../../queue/start_by.ts";
import type { JobStore } from "../../queue/store.ts";
import type { CommandContext } from "../command_context.ts";
import type { Enqueued } from "../enqueued.ts";

/**
 * Enqueues a job.
 * @returns the job, or the one that has its key
 */
export async function enqueueRelated(
  call: CommandContext,
  newJob: NewJob,
  now: number,
): Promise<Enqueued> {
  const { newId } = call.context;
  return await call.withJobs(async (jobs, store) => {
    const after = await resolveIds(jobs, newJob.after ?? []);
    const afterAny = await resolveIds(jobs, newJob.afterAny ?? []);
    const settings = await (await store.settings()).load();
    const job = makeJob({ ...newJob, after, afterAny }, { settings, now, newId }, 0);
    const holder = await addOne(jobs, job, now);
    if (holder === undefined) return { job, remark: remarkOn(await jobs.get(job.id)) };
    return { job: await jobs.get(holder) ?? { ...job, id: holder }, remark: keptOut(job, holder) };
  });
}

/**
 * Adds a job. If another job has its key but has missed its --start-by time, that one is cancelled
 * first.
 *
 * @returns the id of the job that has its key, if it was not added because of that
 */
export async function addOne(
  store: Pick<JobStore, "add" | "change" | "get">,
  job: Job,
  now: number,
): Promise<string | undefined> {
  const add = async () => {
    let holder: string | undefined;
    await store.add([job], (_, other) => holder = other);
    return holder;
  };
  const holder = await add();
  const other = holder === undefined ? undefined : await store.get(holder);
  if (other === undefined) return holder;
  const after = await unlessExpired(other, (to) => store.change(other.id, to), now);
  return after === other ? holder : await add();
}

/** The message that a job was not enqueued because `holder` has its key. */
export function keptOut({ unique }: Job, holder: string): string {
  return `queuectl: nothing was enqueued: job "${holder}" has the key "${unique}"`;
}

function remarkOn(job: Job | undefined): string | undefined {
  if (job?.status.state !== "cancelled" || job.status.reason === null) return undefined;
  return `queuectl: it was cancelled at once: ${job.status.reason}`;
}
