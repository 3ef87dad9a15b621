// queuectl list.
import type { Job } from "../../queue/job.ts";
import type { JobReader, Query } from "../../queue/store.ts";
import { jobTable, type MoreColumns, moreColumns } from "../../view/job_table.ts";
import type { CommandContext } from "../command_context.ts";
import { tableStyle } from "../tables.ts";

/**
 * How many jobs are printed at once to a pipe, so that millions of jobs need not be kept in memory.
 */
const BLOCK = 1000;

/** Lists jobs, newest first. */
export async function listCommand(call: CommandContext): Promise<void> {
  const { context, flags } = call;
  const query = await queryOf(call);
  await call.withReader(async (store) => {
    if (flags.has("json")) return await listJson(call, store, query);
    const options = { verbose: flags.has("verbose"), now: context.now() };
    const style = tableStyle(context);
    let [block, shown]: [Job[], number] = [[], 0];
    let more: MoreColumns | undefined;
    const show = async () => {
      const before = more;
      more = moreColumns(block, before);
      const table = await jobTable(block, { ...options, more }, style);
      // The titles are printed once, and again when columns were added.
      const isAsBefore = before?.queue === more.queue && before.group === more.group &&
        before.awaited === more.awaited;
      call.print(isAsBefore ? table.slice(table.indexOf("\n") + 1) : table);
      shown += block.length;
      block = [];
    };
    for await (const job of store.list(query)) {
      block.push(job);
      if (!context.stdout.isTerminal && block.length === BLOCK) await show();
    }
    if (block.length > 0) await show();
    if (shown === 0) {
      const { limit: _, ...wanted } = query;
      call.say(Object.keys(wanted).length > 0 ? "No such jobs" : "No jobs");
    }
  });
}

async function listJson(call: CommandContext, store: JobReader, query: Query): Promise<void> {
  const { listedJob } = await import("../../view/json.ts");
  let text = "[";
  let first = true;
  for await (const job of store.list(query)) {
    text += `${first ? "" : ","}\n  ${JSON.stringify(listedJob(job))}`;
    first = false;
    if (text.length < 65_536) continue;
    call.print(text);
    text = "";
  }
  call.print(`${text}${first ? "" : "\n"}]\n`);
}

async function queryOf({ context, flags }: CommandContext): Promise<Query> {
  const states = flags.texts("state");
  const command = flags.text("command");
  const queue = await nameIn(flags, "queue");
  const group = await nameIn(flags, "group");
  const since = flags.number("since");
  const limit = flags.number("limit");
  return {
    ...(states.length > 0 && {
      states: (await import("../../queue/states.ts")).statesOf("--state", states.join(",")),
    }),
    ...(queue !== undefined && { queue }),
    ...(group !== undefined && { group }),
    ...(command !== undefined && { command }),
    ...(since !== undefined && { since: context.now() - since * 1000 }),
    ...(limit !== undefined && { limit }),
  };
}

async function nameIn(
  flags: CommandContext["flags"],
  of: "queue" | "group",
): Promise<string | undefined> {
  const name = flags.text(of);
  if (name !== undefined) (await import("../../queue/enqueue.ts")).checkName(of, name);
  return name;
}
