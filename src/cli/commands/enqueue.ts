// queuectl enqueue: one command, or an argument list. It is called most often of all, so code that
// a single command does not need is loaded elsewhere.
import { enqueue, type NewJob } from "../../queue/enqueue.ts";
import type { Enqueued } from "../../queue/enqueue_related.ts";
import { QueueError } from "../../queue/errors.ts";
import type { Settings } from "../../queue/settings.ts";
import type { Store } from "../../stores/store.ts";
import { infoOfTarget } from "../../system/file_system.ts";
import { resolve } from "../../system/paths.ts";
import type { CommandContext } from "../command_context.ts";

/** Puts one job, or a file of jobs, into the queue. */
export async function enqueueCommand(call: CommandContext): Promise<number | void> {
  const { context, flags, args, rest } = call;
  const now = context.now();
  const common = await commonFields(call, now);
  const file = flags.text("file");
  if (file !== undefined) {
    if (args.length > 0 || rest !== undefined) {
      throw new QueueError("usage", "--file and a command cannot be given together");
    }
    const { enqueueFile } = await import("./enqueue_file.ts");
    return await enqueueFile(call, file, common, now);
  }
  const command = await commandText(args, rest);
  const newJob = { ...common, command, id: flags.text("job-id") };
  const put = async (): Promise<Enqueued> => {
    const { newId } = context;
    if (isRelated(common)) {
      const { enqueueRelated } = await import("../../queue/enqueue_related.ts");
      return await call.withJobs(
        async (jobs, store) =>
          await enqueueRelated(jobs, newJob, { settings: await settingsOf(store), now, newId }),
        WITHIN,
      );
    }
    return await call.withInbox(async (inbox, store) => {
      const defaults = { settings: await settingsOf(store), now, newId };
      return { job: await enqueue(inbox, newJob, defaults) };
    }, WITHIN);
  };
  if (flags.has("follow")) {
    const { enqueueAndFollow } = await import("./enqueue_follow.ts");
    return await enqueueAndFollow(call, put);
  }
  const { job, remark } = await put();
  call.print(`${job.id}\n`);
  if (remark !== undefined) call.say(`queuectl: ${remark}`);
}

/**
 * Milliseconds in which a server has to take a job. The command is promised to end within ten
 * seconds, and other programs wait for it.
 */
const WITHIN = 7000;

async function settingsOf(store: Store): Promise<Settings> {
  return await (await store.settings()).load();
}

/** The command to run, from the words of the command line. */
export async function commandText(
  args: readonly string[],
  rest: readonly string[] | undefined,
): Promise<string> {
  if (rest !== undefined) {
    if (args.length > 0) {
      throw new QueueError("usage", `Unexpected argument "${args[0]}" before --`);
    }
    if (rest.length === 0) throw new QueueError("usage", "Missing program after --");
    const { shellWord } = await import("../../system/shell_word.ts");
    return rest.map((word) => PLAIN_WORD.test(word) ? word : shellWord(word)).join(" ");
  }
  if (args.length > 1) {
    throw new QueueError("usage", `Unexpected argument "${args[1]}": a command is one argument`, {
      hint: "Quote it, or put -- before it",
    });
  }
  if (args[0] === undefined) {
    throw new QueueError("usage", "Missing command: queuectl enqueue <command>");
  }
  return args[0];
}

/** A word that means itself in every shell. */
const PLAIN_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** The fields that the options give to a job, or to each job of a file. */
export async function commonFields(
  { context, flags }: CommandContext,
  now: number,
): Promise<Omit<NewJob, "command">> {
  const here = context.cwd();
  const folder = flags.text("cwd");
  const cwd = folder === undefined ? here : resolve(here, folder);
  if (folder !== undefined && infoOfTarget(context.files, cwd)?.kind !== "folder") {
    throw new QueueError("usage", `--cwd: there is no folder ${cwd}`);
  }
  return {
    cwd,
    env: environment(flags.texts("env")),
    priority: flags.number("priority"),
    maxRetries: flags.number("max-retries"),
    timeout: flags.number("timeout"),
    queue: flags.text("queue"),
    group: flags.text("group"),
    after: listed("--after", flags.texts("after")),
    afterAny: listed("--after-any", flags.texts("after-any")),
    unique: flags.text("unique"),
    startBy: await startByGiven(flags.text("start-by"), now),
    runAt: await timeAsked(flags, now),
  };
}

/** The time that `--delay` or `--at` gives. */
export async function timeAsked(
  flags: CommandContext["flags"],
  now: number,
): Promise<number | undefined> {
  const delay = flags.number("delay");
  const at = flags.text("at");
  if (delay !== undefined) return now + delay * 1000;
  return at === undefined ? undefined : await timeGiven(at, now);
}

/** Whether other jobs have to be looked at before it is enqueued. */
function isRelated({ after, afterAny, unique }: Omit<NewJob, "command">): boolean {
  return after !== undefined || afterAny !== undefined || unique !== undefined;
}

/**
 * The words in comma-separated lists; undefined if there is no list.
 *
 * @throws QueueError `usage` for an empty list: an empty variable in a script must not make a job
 *   that waits for nothing
 */
function listed(flag: string, lists: readonly string[]): string[] | undefined {
  if (lists.length === 0) return undefined;
  const wordsOf = (list: string) => list.split(",").map((word) => word.trim()).filter(Boolean);
  const words = lists.map(wordsOf);
  if (words.some(({ length }) => length === 0)) {
    throw new QueueError("usage", `${flag} takes the ids of jobs, and one was empty`);
  }
  return words.flat();
}

function environment(pairs: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    if (equals < 1) throw new QueueError("usage", `--env takes KEY=VALUE, not "${pair}"`);
    env[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return env;
}

async function startByGiven(text: string | undefined, now: number): Promise<number | undefined> {
  if (text === undefined) return undefined;
  const { parseStartBy } = await import("../start_by.ts");
  return parseStartBy("--start-by", text, now);
}

async function timeGiven(text: string, now: number): Promise<number> {
  const { parseTime, TIME_FORMS } = await import("../../queue/times.ts");
  const time = parseTime(text, now);
  if (time === undefined) throw new QueueError("usage", `--at takes ${TIME_FORMS}, not "${text}"`);
  return time;
}
