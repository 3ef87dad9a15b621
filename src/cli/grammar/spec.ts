// What a command looks like, as data: it feeds the parser, the help, the completions and "did you
// mean".
import type { Handler } from "../command_context.ts";
import type { Proposal, Syntax } from "./flag_spec.ts";

export interface CommandSpec extends Syntax {
  /** One line, beginning with a verb. */
  readonly summary: string;
  /** How its arguments are shown, a line a form; the first is the usual one. */
  readonly forms: readonly string[];
  /** How many arguments it takes, and what they are called in messages. */
  readonly args: readonly [min: number, max: number, what: string];
  readonly proposes?: Proposal;
  /** More to know, for its help. */
  readonly notes?: string;
  readonly examples: readonly string[];
  /** Whether it needs the network; all others give it up before they begin. */
  readonly listens?: boolean;
  /** Not shown in the help: for machines. */
  readonly hidden?: boolean;
  /**
   * Loads what does it. The import is literal, so that it is found when the program is compiled or
   * bundled.
   */
  readonly load: () => Promise<Handler>;
}
