// The help texts, made from the table of commands. Loads no command.
import { QueueError } from "../../queue/errors.ts";
import { nearest } from "../../queue/nearest.ts";
import { paintFor } from "../../view/style.ts";
import { COMMANDS } from "../commands.ts";
import type { Context } from "../context.ts";
import { GLOBAL_FLAGS } from "./parse.ts";
import type { FlagSpec } from "./flag_spec.ts";
import type { CommandSpec } from "./spec.ts";

type Title = (text: string) => string;

/**
 * The help text that `words` ask for, with or without `--help`.
 *
 * @param spec the command that they name, if any
 *
 * @throws QueueError `usage` if they name a command that does not exist
 */
export async function helpFor(
  words: readonly string[],
  spec: CommandSpec | undefined,
  context: Context,
): Promise<string> {
  const paint = paintFor(context.stdout, context.env);
  const title: Title = (text) => paint(text, "bold");
  if (spec !== undefined) return commandHelp(spec, title);
  const named = words.filter((word) => !word.startsWith("-") && word !== "help");
  const asked = words.some((word) => ["--help", "-h", "help"].includes(word));
  if (named.length === 0) {
    if (asked || words.length === 0) return overview(COMMANDS, title, await context.version());
    throw new QueueError("usage", `Unknown option ${words[0]}`);
  }
  const [one, two] = named;
  const command = COMMANDS.find(({ name }) => name === one || name === `${one} ${two}`);
  if (command !== undefined && asked) return commandHelp(command, title);
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${one} `));
  if (group.length > 0 && asked && two === undefined) {
    return overview(group, title, await context.version());
  }
  throw unknownCommand(one!, group, two);
}

function unknownCommand(
  one: string,
  group: readonly CommandSpec[],
  two: string | undefined,
): QueueError {
  if (group.length > 0) {
    const words = group.map(({ name }) => name.split(" ")[1]!);
    if (two === undefined) {
      return new QueueError("usage", `"${one}" needs one of: ${words.join(", ")}`);
    }
    return unknown(`${one} ${two}`, nearest(two, words), (meant) => `queuectl ${one} ${meant}`);
  }
  const shown = COMMANDS.filter(({ hidden }) => hidden !== true);
  const first = new Set(shown.map(({ name }) => name.split(" ")[0]!));
  const meant = nearest(one, first);
  if (meant !== undefined) return unknown(one, meant, (word) => `queuectl ${word}`);
  // `queuectl cancel` probably means `queuectl job cancel`.
  const inGroup = shown.find(({ name }) => name.split(" ")[1] === one);
  return unknown(one, inGroup?.name, (word) => `queuectl ${word}`);
}

function unknown(
  word: string,
  meant: string | undefined,
  full: (meant: string) => string,
): QueueError {
  return new QueueError("usage", `Unknown command "${word}"`, {
    ...(meant !== undefined && { hint: `Did you mean "${full(meant)}"?` }),
  });
}

function overview(commands: readonly CommandSpec[], title: Title, version: string): string {
  const shown = commands.filter(({ hidden }) => hidden !== true);
  const list = rows(shown.map(({ name, summary }) => [name, summary]));
  const groups = commands === COMMANDS ? "" : ` ${shown[0]!.name.split(" ")[0]}`;
  return [
    `queuectl ${version}: a queue for shell commands that run in the background\n`,
    `${title("Usage:")} queuectl${groups} <command> [options]\n`,
    `${title("Commands:")}\n${list}`,
    `${title("Options:")}\n${
      rows([...GLOBAL_FLAGS.map(flagRow), ["    --version", "print the version"]])
    }`,
    `${title("Example:")}\n  queuectl enqueue 'make test' && queuectl start --drain\n`,
    `More about a command: queuectl <command> --help\n`,
  ].join("\n");
}

function commandHelp(spec: CommandSpec, title: Title): string {
  const usage = spec.forms.map((form, i) =>
    `${i === 0 ? title("Usage:") : "      "} queuectl ${spec.name}${
      spec.flags.length > 0 ? " [options]" : ""
    } ${form}`
      .trimEnd() + "\n"
  ).join("");
  return [
    `${spec.summary}.\n`,
    usage,
    ...(spec.notes === undefined ? [] : [`${spec.notes}\n`]),
    `${title("Options:")}\n${rows([...spec.flags, ...GLOBAL_FLAGS].map(flagRow))}`,
    `${title(spec.examples.length === 1 ? "Example:" : "Examples:")}\n${
      spec.examples.map((example) => `  ${example}\n`).join("")
    }`,
  ].join("\n");
}

function flagRow(flag: FlagSpec): [string, string] {
  const short = flag.name === "help" ? "-h, " : "    ";
  return [`${short}--${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}`, flag.about];
}

function rows(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}
