// From the command line to the exit code. The only place that catches errors and reports them.
import { QueueError } from "../queue/errors.ts";
import { CommandContext } from "./command_context.ts";
import { COMMANDS } from "./commands.ts";
import type { Context } from "./context.ts";
import { asksForHelp, parse } from "./grammar/parse.ts";
import type { CommandSpec } from "./grammar/spec.ts";

/**
 * Runs the command in `context.args`.
 * @returns the exit code: 0 if it was done, 1 if it could not be done, 2 if the command line is
 *   wrong
 */
export async function run(context: Context): Promise<number> {
  let spec: CommandSpec | undefined;
  try {
    const words = frontFlagsLast(context.args);
    if (words[0] === "--version" || words[0] === "-V") {
      context.stdout.write(`queuectl ${await context.version()}\n`);
      return 0;
    }
    if (words.some((word) => word.includes("\ufffd")) && !await context.areArgsIntact()) {
      throw new QueueError("usage", "The command line is not UTF-8 text", {
        hint: "Put the command into a script, and enqueue the script",
      });
    }
    spec = commandOf(words);
    if (spec === undefined || asksForHelp(words)) return await help(context, words, spec);
    const call = new CommandContext(
      context,
      parse(spec, words.slice(spec.name.includes(" ") ? 2 : 1)),
    );
    checkArguments(spec, call);
    if (spec.listens !== true) context.dropNetwork();
    const handler = await spec.load();
    return await handler(call) ?? 0;
  } catch (error) {
    // The reader of the output, such as `head`, has closed it. That is no failure.
    if (error instanceof Deno.errors.BrokenPipe) return 0;
    const { reportError } = await import("./report_error.ts");
    return await reportError(context, error, spec);
  }
}

// `queuectl --data-dir DIR list` means `queuectl list --data-dir DIR`.
function frontFlagsLast(args: readonly string[]): string[] {
  let n = 0;
  for (let front; (front = /^--(?:data-dir|store)(=?)/s.exec(args[n] ?? "")) !== null;) {
    n += front[1] === "=" ? 1 : 2;
  }
  if (n === 0 || n >= args.length) return [...args];
  const two = COMMANDS.some(({ name }) => name === `${args[n]} ${args[n + 1]}`);
  const verb = n + (two ? 2 : 1);
  return [...args.slice(n, verb), ...args.slice(0, n), ...args.slice(verb)];
}

function commandOf(words: readonly string[]): CommandSpec | undefined {
  const [one, two] = words;
  return COMMANDS.find(({ name }) => name === one || name === `${one} ${two}`);
}

async function help(
  context: Context,
  words: string[],
  spec: CommandSpec | undefined,
): Promise<number> {
  const { helpFor } = await import("./grammar/help.ts");
  context.stdout.write(await helpFor(words, spec, context));
  return 0;
}

function checkArguments(spec: CommandSpec, { args, rest = [] }: CommandContext): void {
  const [min, max, what] = spec.args;
  const given = [...args, ...rest];
  if (given.length < min) {
    throw new QueueError("usage", `Missing ${what}: queuectl ${spec.name} ${spec.forms[0]}`);
  }
  if (given.length > max) {
    throw new QueueError("usage", `Unexpected argument "${given[max]}"`);
  }
}
