// queuectl queue: shows and changes queues.
import { checkName } from "../../queue/enqueue.ts";
import { QueueError } from "../../queue/errors.ts";
import { parseRate, queueToJson, RATE_FORMS } from "../../queue/queue_json.ts";
import type { QueueSettings } from "../../queue/queues.ts";
import { queueTable, settingsText } from "../../view/queues.ts";
import type { CommandContext } from "../command_context.ts";
import { tableStyle } from "../tables.ts";

export async function listCommand(call: CommandContext): Promise<void> {
  const { context } = call;
  const queues = await (await call.store().queues()).list();
  if (call.flags.has("json")) return call.printJson(queues.map(queueToJson));
  call.print(await queueTable(queues, context.now(), tableStyle(context)));
}

export async function setCommand(call: CommandContext): Promise<void> {
  const name = call.args[0]!;
  checkName("queue", name);
  const change = changeOf(call);
  let after: QueueSettings | undefined;
  await (await call.store().queues()).change([name], (before) => after = { ...before, ...change });
  call.print(`${name}: ${settingsText(after!)}\n`);
}

/**
 * The settings that the options give.
 * @throws QueueError `usage`
 */
function changeOf({ flags }: CommandContext): Partial<QueueSettings> {
  const limit = flags.number("limit");
  const text = flags.text("rate");
  const rate = text === undefined ? undefined : parseRate(text);
  if (text !== undefined && rate === undefined) {
    throw new QueueError("usage", `--rate takes ${RATE_FORMS}, not "${text}"`);
  }
  if (limit === undefined && rate === undefined) {
    throw new QueueError("usage", "Nothing to set: give --limit N, --rate N/DURATION, or both");
  }
  return {
    ...(limit !== undefined && { limit: limit === 0 ? null : limit }),
    ...(rate !== undefined && { rate }),
  };
}

export function pauseCommand(call: CommandContext): Promise<void> {
  return setPaused(call, true);
}

export function resumeCommand(call: CommandContext): Promise<void> {
  return setPaused(call, false);
}

async function setPaused(call: CommandContext, paused: boolean): Promise<void> {
  const all = call.flags.has("all");
  if (all === call.args.length > 0) {
    throw new QueueError(
      "usage",
      all ? "Names and --all cannot be given together" : "Missing name, or --all",
    );
  }
  for (const name of call.args) checkName("queue", name);
  const queues = await call.store().queues();
  const known = await queues.list();
  const names = all
    ? known.filter((queue) => queue.paused !== paused).map(({ name }) => name)
    : [...new Set(call.args)];
  await queues.change(names, (before) => ({ ...before, paused }));
  if (names.length === 0) return call.say(paused ? "All are paused already" : "None is paused");
  for (const name of names) {
    call.print(`${paused ? "Paused" : "Resumed"} ${name}\n`);
    // This is allowed, since jobs may come later, but the name may be mistyped.
    if (paused && !known.some((queue) => queue.name === name)) {
      call.say(`queuectl: no job waits in queue "${name}"`);
    }
  }
}
