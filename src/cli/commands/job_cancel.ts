// queuectl job cancel.
import { cancelJob, type CancelParts } from "../../queue/cancel_job.ts";
import { QueueError } from "../../queue/errors.ts";
import { hasEnded, type Job } from "../../queue/job.ts";
import { chosenJobs } from "../chosen_jobs.ts";
import type { CommandContext } from "../command_context.ts";

/** Calls jobs off. @returns the exit code: 1 if one could not be */
export async function cancelCommand(call: CommandContext): Promise<number> {
  return await call.withJobs(async (jobs, store) => {
    const { endOrphan, sleep } = call.context;
    const parts: CancelParts = {
      jobs,
      settings: () => store.settings(),
      workers: () => store.workers(),
      openRequests: () => store.openRequests(),
      endOrphan: (job) => endOrphan(store, jobs, job, "cancelled"),
      sleep,
      say: (message) => call.say(`queuectl: ${message}`),
    };
    const refused: QueueError[] = [];
    const chosen = await chosenJobs(call, jobs);
    const group = call.flags.text("group");
    for (const { id } of group === undefined ? chosen : unendedFirst(chosen, group)) {
      try {
        await cancelJob(parts, id);
        call.print(`Cancelled ${id}\n`);
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        // Of a group, one that has ended by itself meanwhile needs no calling off.
        const now = group === undefined ? undefined : await jobs.get(id);
        if (now === undefined || !hasEnded(now)) refused.push(error);
      }
    }
    return call.report(refused);
  });
}

/**
 * Those of a group that have not ended; the running ones last, since to end them takes time, in
 * which others would begin.
 */
function unendedFirst(jobs: readonly Job[], group: string): Job[] {
  const left = jobs.filter((job) => !hasEnded(job));
  if (left.length === 0) {
    throw new QueueError("refused", `All jobs of the group "${group}" have ended already`);
  }
  const runs = ({ status }: Job) => status.state === "processing";
  return [...left.filter((job) => !runs(job)), ...left.filter(runs)];
}
