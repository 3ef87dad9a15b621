// queuectl dlq: the dead letter queue.
import { QueueError } from "../../queue/errors.ts";
import { findJobs } from "../../queue/find_job.ts";
import type { Job } from "../../queue/job.ts";
import { deadIds, dlqStats, removeDead, retryDead } from "../../queue/operations.ts";
import type { JobReader } from "../../queue/store.ts";
import { pluralize } from "../../view/pluralize.ts";
import type { CommandContext } from "../command_context.ts";
import { showResults } from "../results.ts";
import { tableStyle } from "../tables.ts";

export async function listCommand(call: CommandContext): Promise<void> {
  const { context, flags } = call;
  await call.withReader(async (store) => {
    const jobs: Job[] = [];
    for await (const job of store.list({ states: ["dead"] })) jobs.push(job);
    if (flags.has("json")) {
      const { listedJob } = await import("../../view/json.ts");
      return call.printJson(jobs.map(listedJob));
    }
    if (jobs.length === 0) return call.say("The dead letter queue is empty");
    const { deadTable } = await import("../../view/job_table.ts");
    const options = { verbose: flags.has("verbose"), now: context.now() };
    call.print(await deadTable(jobs, options, tableStyle(context)));
  });
}

export async function statsCommand(call: CommandContext): Promise<void> {
  await call.withReader(async (store) => {
    const { dlqStatsJson, dlqStatsText } = await import("../../view/dlq.ts");
    const stats = await dlqStats(store);
    if (call.flags.has("json")) return call.printJson(dlqStatsJson(stats));
    call.print(await dlqStatsText(stats, call.context.now(), tableStyle(call.context)));
  });
}

export async function retryCommand(call: CommandContext): Promise<number> {
  const { flags, args } = call;
  const filter = flags.text("filter");
  const several = flags.has("all") || filter !== undefined;
  if (several === args.length > 0) {
    throw new QueueError(
      "usage",
      several
        ? "Ids and --all or --filter cannot be given together"
        : "Missing id, --all or --filter",
    );
  }
  const command = filter === undefined ? undefined : patternOf(filter);
  return await call.withJobs(async (store) => {
    const ids = several ? await deadIds(store, command) : await idsOf(store, args);
    return showResults(call, "Retried", several, await retryDead(store, ids));
  });
}

export async function removeCommand(call: CommandContext): Promise<number> {
  return await call.withJobs(async (store) =>
    showResults(call, "Removed", false, await removeDead(store, await idsOf(store, call.args)))
  );
}

export async function clearCommand(call: CommandContext): Promise<number> {
  return await call.withJobs(async (store) => {
    const ids = await deadIds(store);
    if (ids.length > 0 && !call.flags.has("confirm")) {
      throw new QueueError(
        "refused",
        `This would remove ${pluralize(ids.length, "job")} for good, so nothing was changed`,
        {
          hint: "To do it: queuectl dlq clear --confirm",
        },
      );
    }
    return showResults(call, "Removed", true, await removeDead(store, ids));
  });
}

async function idsOf(store: JobReader, texts: readonly string[]): Promise<string[]> {
  return (await findJobs(store, texts)).map(({ id }) => id);
}

function patternOf(text: string): string {
  const glob = /^command:(.+)$/s.exec(text)?.[1];
  if (glob === undefined) {
    throw new QueueError("usage", `--filter takes 'command:GLOB', not "${text}"`);
  }
  return glob;
}
