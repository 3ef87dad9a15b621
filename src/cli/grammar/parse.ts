// Parses the command line of one command by its specification. Own code instead of a package, since
// @stricli/core adds 8 ms to each start and this adds 1 ms (see src/README.md).
import { QueueError } from "../../queue/errors.ts";
import { DURATION_FORMS, parseDuration } from "../../queue/durations.ts";
import type { FlagSpec, Syntax } from "./flag_spec.ts";

/** Flags that every command takes. */
export const GLOBAL_FLAGS: readonly FlagSpec[] = [
  {
    name: "data-dir",
    kind: "text",
    value: "DIR",
    about: "the folder that holds the queue's data",
    proposes: "folder",
  },
  {
    name: "store",
    kind: "text",
    value: "URL",
    about: "the same, as a path or a URL: file:, postgres: or redis:",
    proposes: "folder",
  },
  { name: "help", kind: "switch", about: "show this help" },
];

/**
 * The flags that were given, by name. To ask for a flag that the specification does not have is a
 * bug.
 */
export class Flags {
  readonly #spec: Syntax;
  readonly #values = new Map<string, (string | number | true)[]>();

  constructor(spec: Syntax) {
    this.#spec = spec;
  }

  /** Adds a value. If a flag is given several times but has one value, the last one counts. */
  add(name: string, value: string | number | true): void {
    const values = this.#values.get(name);
    if (values === undefined) this.#values.set(name, [value]);
    else values.push(value);
  }

  has(name: string): boolean {
    return this.#all(name).length > 0;
  }

  text(name: string): string | undefined {
    return this.#all(name).at(-1) as string | undefined;
  }

  texts(name: string): string[] {
    return this.#all(name) as string[];
  }

  number(name: string): number | undefined {
    return this.#all(name).at(-1) as number | undefined;
  }

  #all(name: string): (string | number | true)[] {
    const known = [...this.#spec.flags, ...GLOBAL_FLAGS].some((flag) => flag.name === name);
    if (!known && this.#spec.refuses?.[name] === undefined) {
      throw new Error(`${this.#spec.name} has no flag ${name}`);
    }
    return this.#values.get(name) ?? [];
  }
}

export interface Parsed {
  readonly flags: Flags;
  readonly args: string[];
  /**
   * The program and its arguments after `--`, if the command takes them; undefined if there was no
   * `--`.
   */
  readonly rest: string[] | undefined;
}

/**
 * Parses what follows the command's name.
 *
 * @throws QueueError `usage`
 */
export function parse(spec: Syntax, words: readonly string[]): Parsed {
  const flags = new Flags(spec);
  const args: string[] = [];
  let rest: string[] | undefined;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--") {
      rest = words.slice(i + 1);
      break;
    }
    if (word === "-" || !word.startsWith("-")) {
      args.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const name = equals === -1 ? word : word.slice(0, equals);
    const flag = flagNamed(spec, name);
    if (flag === undefined) throw unknownFlag(name, spec.refuses);
    let value = equals === -1 ? undefined : word.slice(equals + 1);
    if (flag.kind === "switch") {
      if (value !== undefined) throw new QueueError("usage", `${name} takes no value`);
      flags.add(flag.name, true);
      continue;
    }
    if (value === undefined) {
      const next = words[i + 1];
      // A word that looks like an option is not taken as a value; `--name=-value` makes it one.
      if (next === undefined || (/^-./.test(next) && !/^-\.?\d/.test(next))) {
        throw new QueueError("usage", `${name} needs a value: ${name} ${flag.value}`);
      }
      value = next;
      i += 1;
    }
    flags.add(flag.name, valueOf(flag, value));
  }
  checkExclusive(spec, flags);
  return spec.programAfterDashes
    ? { flags, args, rest }
    : { flags, args: [...args, ...rest ?? []], rest: undefined };
}

/** Whether there is a `--help` or `-h` before any `--`. */
export function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return words.some((word, i) => (word === "--help" || word === "-h") && (end === -1 || i < end));
}

function flagNamed(spec: Syntax, dashed: string): FlagSpec | undefined {
  const named = (flag: FlagSpec) => dashed === `--${flag.name}`;
  return spec.flags.find(named) ?? GLOBAL_FLAGS.find(named);
}

function unknownFlag(name: string, refuses: Syntax["refuses"] = {}): QueueError {
  if (Object.hasOwn(refuses, name.slice(2))) {
    return new QueueError("usage", `${name} cannot be given here: ${refuses[name.slice(2)]}`);
  }
  return new QueueError("usage", `Unknown option ${name}`, {
    hint: name.startsWith("--") ? "" : "A word that begins with - goes after --",
  });
}

function valueOf(flag: FlagSpec, text: string): string | number {
  if (flag.kind === "text") return text;
  if (flag.kind === "duration") {
    const seconds = parseDuration(text);
    if (seconds === undefined) throw wrongValue(flag, text, DURATION_FORMS);
    return seconds;
  }
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = flag;
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  const range = flag.max === undefined ? `from ${min}` : `from ${min} to ${max}`;
  throw wrongValue(flag, text, `a whole number ${range}`);
}

function wrongValue(flag: FlagSpec, text: string, takes: string): QueueError {
  return new QueueError("usage", `--${flag.name} takes ${takes}, not "${text}"`);
}

function checkExclusive(spec: Syntax, flags: Flags): void {
  for (const group of spec.oneOf ?? []) {
    const given = group.filter((name) => flags.has(name)).map((name) => `--${name}`);
    if (given.length > 1) {
      throw new QueueError("usage", `${given.join(" and ")} cannot be given together`);
    }
  }
}
