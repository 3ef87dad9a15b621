// Shell completions for the word being typed, made from the table of commands.
import type { JobState } from "../../queue/job.ts";
import { JOB_STATES } from "../../queue/job.ts";
import { LOG_LEVELS, SETTING_KEYS, SETTING_RULES } from "../../queue/settings.ts";
import { MISSED, OVERLAP } from "../../queue/schedule.ts";
import { GLOBAL_FLAGS } from "./parse.ts";
import type { FlagSpec, Proposal } from "./flag_spec.ts";
import type { CommandSpec } from "./spec.ts";

export interface Proposed {
  readonly word: string;
  readonly about: string;
}

/**
 * Finds the ids of jobs in these states (any, if undefined), or the names of other things in the
 * store.
 */
export type FindJobs = (
  what: readonly JobState[] | "schedules" | "queues" | "groups" | undefined,
) => Promise<Proposed[]>;

/**
 * Proposals for the last of `words`, which may be empty; the words before it are complete. No
 * proposals if a file name is wanted: then the shell proposes files.
 */
export async function proposals(
  commands: readonly CommandSpec[],
  words: readonly string[],
  findJobs: FindJobs,
): Promise<Proposed[]> {
  const { before, current } = unsplit(words);
  const all = await candidates(commands, before, current, findJobs);
  return all.filter(({ word }) => word.startsWith(current));
}

function candidates(
  commands: readonly CommandSpec[],
  before: string[],
  current: string,
  findJobs: FindJobs,
): Proposed[] | Promise<Proposed[]> {
  const [one, two] = before;
  if (one === undefined) return firstWords(commands);
  const spec = commands.find(({ name }) => name === one || name === `${one} ${two}`);
  if (spec === undefined) return before.length === 1 ? secondWords(commands, one) : [];
  if (before.includes("--")) return [];
  const asked = flagsOf(spec).find(({ name, kind }) =>
    kind !== "switch" && before.at(-1) === `--${name}`
  );
  if (asked?.name === "value" && before.includes("log_level")) {
    return values("log level", current, findJobs);
  }
  if (asked !== undefined) return values(asked.proposes, current, findJobs);
  const inline = /^--([^=]+)=/.exec(current);
  if (inline !== null) return inlineValues(spec, inline[0], inline[1]!, current, findJobs);
  if (current.startsWith("-")) {
    return flagsOf(spec).map(({ name, about }) => ({ word: `--${name}`, about }));
  }
  // After `config --key K` comes `--value`.
  if (spec.name === "config" && before.at(-2) === "--key") {
    return [{ word: "--value", about: "set it" }];
  }
  return values(spec.proposes, current, findJobs);
}

// Bash splits `--state=pe` into three words, and a flag with a value before the command hides the
// command.
function unsplit(words: readonly string[]): { before: string[]; current: string } {
  const before = words.slice(0, -1);
  let current = words.at(-1) ?? "";
  while (/^--(?:data-dir|store)$/.test(before[0] ?? "") && before.length > 1) before.splice(0, 2);
  if (before.at(-1) === "=") before.pop();
  if (current === "=") current = "";
  return { before, current };
}

function firstWords(commands: readonly CommandSpec[]): Proposed[] {
  const about = new Map<string, string>();
  for (const { name, summary, hidden } of commands) {
    const [one, two] = name.split(" ") as [string, string | undefined];
    if (hidden === true) continue;
    const others = about.get(one);
    about.set(one, two === undefined ? summary : others === undefined ? two : `${others}, ${two}`);
  }
  const words = [...about].map(([word, text]) => ({ word, about: text }));
  return [...words, { word: "--help", about: "show the help" }, {
    word: "--version",
    about: "print the version",
  }];
}

function secondWords(commands: readonly CommandSpec[], group: string): Proposed[] {
  return commands.filter(({ name }) => name.startsWith(`${group} `)).map(({ name, summary }) => ({
    word: name.slice(group.length + 1),
    about: summary,
  }));
}

function flagsOf(spec: CommandSpec): FlagSpec[] {
  return [...spec.flags, ...GLOBAL_FLAGS];
}

async function inlineValues(
  spec: CommandSpec,
  front: string,
  name: string,
  current: string,
  findJobs: FindJobs,
): Promise<Proposed[]> {
  const flag = flagsOf(spec).find((known) => known.name === name);
  const found = await values(flag?.proposes, current.slice(front.length), findJobs);
  return found.map(({ word, about }) => ({ word: front + word, about }));
}

/** In a comma-separated list, the last part is being typed. */
async function lastOfSeveral(current: string, found: Promise<Proposed[]>): Promise<Proposed[]> {
  const front = current.slice(0, current.lastIndexOf(",") + 1);
  return (await found).map(({ word, about }) => ({ word: front + word, about }));
}

function values(
  kind: Proposal | undefined,
  current: string,
  findJobs: FindJobs,
): Proposed[] | Promise<Proposed[]> {
  switch (kind) {
    case "job":
      return findJobs(undefined);
    case "dead job":
      return findJobs(["dead"]);
    case "ended job":
      return findJobs(["completed", "dead", "cancelled"]);
    case "waiting job":
      return findJobs(["pending", "blocked", "failed"]);
    case "unended job":
      return findJobs(["pending", "blocked", "processing", "failed"]);
    case "state": {
      // In a comma-separated list, the last part is being typed.
      const front = current.slice(0, current.lastIndexOf(",") + 1);
      return JOB_STATES.map((state) => ({ word: front + state, about: "" }));
    }
    case "setting":
      return SETTING_KEYS.map((key) => ({ word: key, about: SETTING_RULES[key].about }));
    case "log level":
      return LOG_LEVELS.map((word) => ({ word, about: "" }));
    case "queue":
      return findJobs("queues");
    case "queues":
      return lastOfSeveral(current, findJobs("queues"));
    case "group":
      return findJobs("groups");
    case "schedule":
      return findJobs("schedules");
    case "missed":
      return MISSED.map((word) => ({ word, about: "" }));
    case "overlap":
      return OVERLAP.map((word) => ({ word, about: "" }));
    case "zone":
      return ["UTC", ...Intl.supportedValuesOf("timeZone")].map((word) => ({ word, about: "" }));
    case "shell":
      return ["bash", "zsh", "fish"].map((word) => ({ word, about: "" }));
    default:
      return [];
  }
}
