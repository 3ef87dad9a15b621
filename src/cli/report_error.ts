// Writes errors to stderr, in words for users. Loaded only when there is one.
import { QueueError } from "../queue/errors.ts";
import { nearest } from "../queue/nearest.ts";
import { oneLine } from "../view/escape.ts";
import type { Context } from "./context.ts";
import { GLOBAL_FLAGS } from "./grammar/parse.ts";
import type { CommandSpec } from "./grammar/spec.ts";

/**
 * Reports an error in one or two lines.
 * @returns the exit code
 */
export async function reportError(
  context: Context,
  error: unknown,
  spec: CommandSpec | undefined,
): Promise<number> {
  const lines = error instanceof QueueError
    ? expected(error, spec)
    : error instanceof Deno.errors.InvalidData && notText(error) !== undefined
    ? notText(error)!
    : isOfTheSystem(error)
    ? refused(error)
    : await unexpected(context, error);
  const text = lines.map((line, i) => (i === 0 ? "queuectl: " : "") + line + "\n").join("");
  try {
    context.stderr.write(text);
  } catch {
    // Nobody can read the message; the exit code still tells.
  }
  return error instanceof QueueError && error.code === "usage" ? 2 : 1;
}

function expected(error: QueueError, spec: CommandSpec | undefined): string[] {
  const hint = error.hint ?? "";
  if (error.code !== "usage") {
    return [error.message, hint].filter((line) => line !== "").map(oneLine);
  }
  const help = `See queuectl ${spec === undefined ? "" : `${spec.name} `}--help`;
  const advice = hint === "" ? meantFlag(error.message, spec) : hint;
  return [
    error.message,
    advice === "" ? help : `${advice.replace(/\.$/, "")}. ${help}`.replace("?.", "?"),
  ]
    .map(oneLine);
}

function meantFlag(message: string, spec: CommandSpec | undefined): string {
  const typed = /^Unknown option --(.+)$/.exec(message)?.[1];
  if (typed === undefined) return "";
  const known = [...(spec?.flags ?? []), ...GLOBAL_FLAGS].map(({ name }) => name);
  const meant = nearest(typed, known);
  return meant === undefined ? "" : `Did you mean --${meant}?`;
}

// File names and values of environment variables may be any bytes, but Deno takes only valid UTF-8.
function notText({ message }: Error): string[] | undefined {
  const path = /^File name or path (".*") is not valid UTF-8/s.exec(message)?.[1];
  if (path !== undefined) {
    return [
      `Cannot use the folder ${oneLine(path)}: its name is not UTF-8 text`,
      "Rename it, or call queuectl from another folder",
    ];
  }
  const value = /^environment variable was not valid unicode: (".*")/s.exec(message)?.[1];
  if (value === undefined) return undefined;
  return [
    `Cannot use the environment variable with the value ${oneLine(value)}: it is not UTF-8 text`,
    "Set HOME, XDG_DATA_HOME or QUEUECTL_DATA_DIR to another folder",
  ];
}

// Errors of the operating system, such as no space left or permission denied. Deno's message for
// them is good, and names the path.
function isOfTheSystem(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return "code" in error && typeof error.code === "string" ||
    /\(os error \d+\)/.test(error.message) ||
    error instanceof Deno.errors.NotCapable;
}

// For /dev, /proc, /sys and some others, Deno requires all permissions.
function refused({ message }: Error): string[] {
  const place = /^Requires all access to ("[^"]*")/.exec(message)?.[1];
  if (place === undefined) return [message];
  return [
    `Cannot use ${oneLine(place)}: it belongs to the operating system`,
    "Name another folder with --data-dir or QUEUECTL_DATA_DIR",
  ];
}

async function unexpected(context: Context, error: unknown): Promise<string[]> {
  const line = `This is a bug in queuectl ${await context.version()}: ${oneLine(String(error))}`;
  if (await isDebugging(context)) return [line, error instanceof Error ? error.stack ?? "" : ""];
  return [
    line,
    "Please report it, with what you typed and what it prints after: " +
    "queuectl config --key log_level --value DEBUG",
  ];
}

// The error may have come before the command line was parsed, so this looks for the store by
// itself.
async function isDebugging(context: Context): Promise<boolean> {
  try {
    const { storeLocation, storeFlagsIn } = await import("./store_location.ts");
    const store = context.openStore(storeLocation(context, storeFlagsIn(context.args)));
    return (await (await store.settings()).load()).log_level === "DEBUG";
  } catch {
    return false;
  }
}
