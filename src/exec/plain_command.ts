// Commands that need no `/bin/sh` of their own, since they are only words that mean nothing to a
// shell: `true`, `false` and `echo`, which a fork of the worker's shell does just as `/bin/sh -c`
// would, and programs, which it executes.
//
// Where bash or busybox is /bin/sh, `sh -c 'program a b'` is replaced by the program, so a job can't
// tell that there was none. Where dash is /bin/sh, it stays the program's parent. There a program
// without it can tell three things: its parent is the worker's shell; it leads its process group,
// as it does when it is started in a terminal; and if a signal ends it, that is recorded, and no sh
// writes about it into the log.
//
// Shells also change a little of what they inherit: docs/configuration.md says how.

import type { Run } from "./run.ts";

/** What the shell does in the place of /bin/sh: words of its own. */
export type InPlace = readonly ["exit" | "echo" | "exec", ...string[]];

/** Puts a question to the worker's shell, in its own language; it answers with one line. */
export type Ask = (question: string) => Promise<string | undefined>;

/**
 * Nothing in these words means anything to a shell. The first one is no assignment and no option,
 * and none begins with `%`, which names a job of the shell.
 */
const PATTERN =
  /^[A-Za-z0-9_./][A-Za-z0-9_./+-]*(?:[ \t]+[A-Za-z0-9_./+:,@=-][A-Za-z0-9_./+:,@%=-]*)*[ \t]*$/;

/** A word with a hyphen before it may mean something to `echo`, and shells differ in what. */
const OPTION = /[ \t]-/;

/**
 * The leader of a process group can't begin a session, so `setsid` would do so in a child, and end
 * before its program has ended.
 */
const SETSID = /(?:^|[ \t/])setsid(?:[ \t]|$)/;

/** Longer commands are left to /bin/sh. */
const LONGEST = 4096;

/** So many names of programs are remembered. */
const MOST_NAMES = 1000;

export class PlainCommands {
  readonly #ask: Ask;
  /** Whether /bin/sh takes these names as we would: as one of the builtins, or as a program. */
  readonly #known = new Map<string, boolean>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** What to do for a run instead of starting /bin/sh; undefined if /bin/sh has to be started. */
  async inPlace({ command, env }: Run): Promise<InPlace | undefined> {
    const found = plainCommand(command);
    // A job's own variables may mean something to bash.
    if (found === undefined || Object.keys(env).length > 0) return undefined;
    const { name, inPlace } = found;
    if (name.includes("/")) return inPlace;
    // It may be a keyword, a builtin, or a function from the environment.
    let isKnown = this.#known.get(name);
    if (isKnown === undefined) {
      const kind = await this.#ask(kindOf(name));
      isKnown = kind === (inPlace[0] === "exec" ? "program" : "builtin");
      if (this.#known.size === MOST_NAMES) this.#known.clear();
      this.#known.set(name, isKnown);
    }
    return isKnown ? inPlace : undefined;
  }
}

/** The name in a command of plain words, and what it comes to if that is what it seems to be. */
export function plainCommand(command: string): { name: string; inPlace: InPlace } | undefined {
  if (command.length > LONGEST || !PATTERN.test(command)) return undefined;
  const [name, ...words] = command.trimEnd().split(/[ \t]+/) as [string, ...string[]];
  switch (name) {
    case "true":
      return { name, inPlace: ["exit", "0"] };
    case "false":
      return { name, inPlace: ["exit", "1"] };
    case "echo":
      return OPTION.test(command) ? undefined : { name, inPlace: ["echo", ...words] };
    default:
      return SETSID.test(command) ? undefined : { name, inPlace: ["exec", name, ...words] };
  }
}

/**
 * Asks what /bin/sh takes a name for: `builtin`, `program`, or something else. Bash alone expands a
 * `~` in PATH, so it may find another program there.
 */
function kindOf(name: string): string {
  return `case "$(LC_ALL=C exec /bin/sh -c 'command -v ${name};type ${name}')" in ` +
    `/*) case $PATH in *"~"*) echo other;;*) echo program;;esac;;` +
    `*" is a shell builtin") echo builtin;;*) echo other;;esac >&3`;
}

/**
 * Whether the program in `$13` can be executed here, for bash: it replaces `queuectl_line`. Only a
 * program of the machine's own format: a script without `#!` would be run by bash instead of
 * /bin/sh, and what can't be executed is left to /bin/sh, which says so in its own words. Names are
 * looked for on the PATH each time, as a new shell does. A damaged program, or one for another
 * machine, is not recognized: bash says that it can't execute it, and ends.
 */
export const IS_PROGRAM = `queuectl_line=\${13};case \${13} in */*) ;;*) hash -r;hash "\${13}";` +
  `queuectl_line=\${BASH_CMDS[\${13}]};;esac;[ -f "$queuectl_line" ]&&[ -x "$queuectl_line" ]&&` +
  `read -r -d '' -n 4 queuectl_line <"$queuectl_line"&&[ "$queuectl_line" = $'\\177ELF' ]`;
