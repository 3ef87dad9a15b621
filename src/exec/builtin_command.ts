// Commands that need no `/bin/sh` of their own: `true`, `false`, and `echo` with plain words. A fork
// of the worker's shell does for them just what `/bin/sh -c` would do.
//
// Programs are not among them. Where dash is /bin/sh, the program of `sh -c 'program'` has sh as its
// parent and is not the leader of its process group, and sh says in the log of which signal it died.
// All of that would be different: `setsid program` would not wait, for example.

import type { Run } from "./run.ts";

/** What the shell does in the place of /bin/sh: words of its own. */
export type InPlace = readonly ["exit" | "echo", ...string[]];

/** Puts a question to the worker's shell, in its own language; it answers with one line. */
export type Ask = (question: string) => Promise<string | undefined>;

/**
 * Nothing in these words means anything to a shell. A word with a hyphen may mean something to
 * `echo`, and shells differ in what.
 */
const PATTERN = /^(?:true|false|echo)(?:[ \t]+[A-Za-z0-9_./+:,@%=][A-Za-z0-9_./+:,@%=-]*)*[ \t]*$/;

/** Longer ones are left to /bin/sh. */
const LONGEST = 4096;

export class BuiltinCommands {
  readonly #ask: Ask;
  #areBuiltins: Promise<boolean> | undefined;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** What to do for a run instead of starting /bin/sh; undefined if /bin/sh has to be started. */
  async inPlace({ command, env }: Run): Promise<InPlace | undefined> {
    const found = builtinCommand(command);
    // A job's own variables may mean something to bash.
    if (found === undefined || Object.keys(env).length > 0) return undefined;
    // Bash as /bin/sh may have functions of these names, from the environment.
    this.#areBuiltins ??= this.#ask(QUESTION).then((answer) => answer === "yes");
    return await this.#areBuiltins ? found : undefined;
  }
}

/** What a command comes to, if it is one of these builtins with plain words. */
export function builtinCommand(command: string): InPlace | undefined {
  // Most commands are told apart by their first character, which costs less than the pattern.
  if (!"tfe".includes(command.charAt(0)) || command.length > LONGEST) return undefined;
  if (!PATTERN.test(command)) return undefined;
  const [builtin, ...words] = command.trimEnd().split(/[ \t]+/);
  if (builtin === "echo") return ["echo", ...words];
  return ["exit", builtin === "true" ? "0" : "1"];
}

const QUESTION = `[ "$(LC_ALL=C exec /bin/sh -c 'type true;type false;type echo')" = ` +
  `$'true is a shell builtin\\nfalse is a shell builtin\\necho is a shell builtin' ]` +
  `&&echo yes >&3||echo no >&3`;
