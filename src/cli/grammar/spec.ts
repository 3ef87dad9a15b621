// The description of a command as data, used by the parser, the help, the completions and "did you
// mean".
import type { Handler } from "../command_context.ts";
import type { Proposal, Syntax } from "./flag_spec.ts";

export interface CommandSpec extends Syntax {
  /** One line, beginning with a verb. */
  readonly summary: string;
  /** How its arguments are shown in the help, one line for each form; the most usual one first. */
  readonly forms: readonly string[];
  /** How many arguments it takes, and their name in messages. */
  readonly args: readonly [min: number, max: number, what: string];
  readonly proposes?: Proposal;
  /** Further text for its help. */
  readonly notes?: string;
  readonly examples: readonly string[];
  /** Whether it needs the network; all others give it up before they begin. */
  readonly listens?: boolean;
  /** Not shown in the help, since only programs call it. */
  readonly hidden?: boolean;
  /**
   * Loads the command's function. The import is literal, so that `deno compile` and `deno bundle`
   * find the module.
   */
  readonly load: () => Promise<Handler>;
}
