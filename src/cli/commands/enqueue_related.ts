// queuectl enqueue of one job that depends on others: it waits for them, or has a unique key that
// one of them may have.
import { makeJob, type NewJob } from "../../queue/enqueue.ts";
import type { Job } from "../../queue/job.ts";
import { resolveIds } from "../../queue/resolve_after.ts";
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
    let holder: string | undefined;
    await jobs.add([job], (_, other) => holder = other);
    if (holder === undefined) return { job, remark: remarkOn(await jobs.get(job.id)) };
    return { job: await jobs.get(holder) ?? { ...job, id: holder }, remark: keptOut(job, holder) };
  });
}

/** Says why a job was not enqueued: `holder` has its key. */
export function keptOut({ unique }: Job, holder: string): string {
  return `queuectl: nothing was enqueued: job "${holder}" has the key "${unique}"`;
}

function remarkOn(job: Job | undefined): string | undefined {
  if (job?.status.state !== "cancelled" || job.status.reason === null) return undefined;
  return `queuectl: it was cancelled at once: ${job.status.reason}`;
}
