// Which jobs a command works on: those with the given ids, or all that are in a group now.
import { QueueError } from "../queue/errors.ts";
import { findJobs } from "../queue/find_job.ts";
import type { Job } from "../queue/job.ts";
import type { JobReader } from "../queue/store.ts";
import type { CommandContext } from "./command_context.ts";

/**
 * The jobs that the arguments, or `--group`, name.
 * @throws QueueError `usage` if neither or both are given; `not_found`
 */
export async function chosenJobs({ flags, args }: CommandContext, jobs: JobReader): Promise<Job[]> {
  const group = flags.text("group");
  if (group === undefined) {
    if (args.length === 0) throw new QueueError("usage", "Missing id or --group");
    return await findJobs(jobs, args);
  }
  if (args.length > 0) {
    throw new QueueError("usage", "Ids and --group cannot be given together");
  }
  const { checkName } = await import("../queue/enqueue.ts");
  checkName("group", group);
  const found = await Array.fromAsync(jobs.list({ group }));
  if (found.length > 0) return found.reverse(); // oldest first
  throw new QueueError("not_found", `There is no job in the group "${group}"`, {
    hint: "See the groups of jobs: queuectl list",
  });
}
