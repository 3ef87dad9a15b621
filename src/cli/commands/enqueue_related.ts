// queuectl enqueue of one job that has to do with others: it waits for them.
import { enqueue, type NewJob } from "../../queue/enqueue.ts";
import type { Job } from "../../queue/job.ts";
import { resolveIds } from "../../queue/resolve_after.ts";
import type { CommandContext } from "../command_context.ts";

/** Enqueues a job and prints its id, and on stderr what a person should know of it. */
export async function enqueueRelated(
  call: CommandContext,
  newJob: NewJob,
  now: number,
): Promise<void> {
  const { newId } = call.context;
  await call.withJobs(async (jobs, store) => {
    const after = await resolveIds(jobs, newJob.after ?? []);
    const afterAny = await resolveIds(jobs, newJob.afterAny ?? []);
    const settings = await (await store.settings()).load();
    const job = await enqueue(jobs, { ...newJob, after, afterAny }, { settings, now, newId });
    call.print(`${job.id}\n`);
    const remark = remarkOn(await jobs.get(job.id));
    if (remark !== undefined) call.say(remark);
  });
}

function remarkOn(job: Job | undefined): string | undefined {
  if (job?.status.state !== "cancelled" || job.status.reason === null) return undefined;
  return `queuectl: it was cancelled at once: ${job.status.reason}`;
}
