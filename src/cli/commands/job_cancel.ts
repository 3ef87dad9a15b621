// queuectl job cancel.
import { cancelJob, type CancelParts } from "../../queue/cancel_job.ts";
import { QueueError } from "../../queue/errors.ts";
import { hasEnded, type Job } from "../../queue/job.ts";
import { chosenJobs } from "../chosen_jobs.ts";
import type { CommandContext } from "../command_context.ts";

/**
 * Cancels jobs.
 * @returns the exit code: 1 if one could not be cancelled
 */
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
        // Of a group, one that has ended by itself meanwhile needs no calling off; nor does one
        // that waited for another of them, and was cancelled with it.
        const now = group === undefined ? undefined : await jobs.get(id);
        if (now?.status.state === "cancelled") call.print(`Cancelled ${id}\n`);
        else if (now === undefined || !hasEnded(now)) refused.push(error);
      }
    }
    return call.report(refused);
  });
}

/**
 * The jobs of a group that have not ended. The running ones come last: ending them takes time, and
 * meanwhile waiting ones would begin.
 */
function unendedFirst(jobs: readonly Job[], group: string): Job[] {
  const left = jobs.filter((job) => !hasEnded(job));
  if (left.length === 0) {
    throw new QueueError("refused", `All jobs of the group "${group}" have ended already`);
  }
  const runs = ({ status }: Job) => status.state === "processing";
  return [...left.filter((job) => !runs(job)), ...left.filter(runs)];
}
