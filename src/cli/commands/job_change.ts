// queuectl job retry, job remove, job update.
import { checkedTime, checkName } from "../../queue/enqueue.ts";
import { QueueError } from "../../queue/errors.ts";
import { findJob, findJobs } from "../../queue/find_job.ts";
import { removeEnded, retryEnded, update } from "../../queue/operations.ts";
import type { Revision } from "../../queue/revise.ts";
import type { CommandContext } from "../command_context.ts";
import { showResults } from "../results.ts";
import { timeAsked } from "./enqueue.ts";

/**
 * Puts ended jobs back into the queue.
 * @returns the exit code: 1 if one could not be put back
 */
export async function retryCommand(call: CommandContext): Promise<number> {
  return await call.withJobs(async (jobs) => {
    const ids = (await findJobs(jobs, call.args)).map(({ id }) => id);
    return showResults(call, "Retried", false, await retryEnded(jobs, ids));
  });
}

/**
 * Removes ended jobs.
 * @returns the exit code: 1 if one could not be removed
 */
export async function removeCommand(call: CommandContext): Promise<number> {
  return await call.withJobs(async (jobs) => {
    const ids = (await findJobs(jobs, call.args)).map(({ id }) => id);
    return showResults(call, "Removed", false, await removeEnded(jobs, ids));
  });
}

/** Changes a job that waits. */
export async function updateCommand(call: CommandContext): Promise<void> {
  const revision = await revisionFrom(call);
  await call.withJobs(async (jobs) => {
    const { id } = await findJob(jobs, call.args[0]!);
    await update(jobs, id, revision);
    call.print(`Updated ${id}\n`);
  });
}

async function revisionFrom({ context, flags }: CommandContext): Promise<Revision> {
  const time = await timeAsked(flags, context.now());
  const revision: Revision = {
    priority: flags.number("priority"),
    queue: flags.text("queue"),
    maxRetries: flags.number("max-retries"),
    timeout: flags.number("timeout"),
    runAt: time === undefined ? undefined : checkedTime(time),
  };
  if (revision.queue !== undefined) checkName("queue", revision.queue);
  if (Object.values(revision).every((value) => value === undefined)) {
    throw new QueueError("usage", "Nothing to update: give at least one option", {
      hint: "Such as --priority 5 or --delay 1h",
    });
  }
  return revision;
}
