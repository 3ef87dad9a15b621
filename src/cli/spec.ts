// What a command looks like, as data: it feeds the parser, the help, the completions and "did you mean".
import type { Call } from "./call.ts";

/** What a flag takes; `switch` takes nothing. The parser turns whole numbers and durations (seconds) into numbers. */
export type FlagKind = "switch" | "text" | "whole" | "duration";

/** What the shell may propose for a value. */
export type Proposal =
  | "job"
  | "dead job"
  | "running job"
  | "state"
  | "setting"
  | "log level"
  | "shell"
  | "file"
  | "folder";

export interface FlagSpec {
  /** Without the dashes. */
  readonly name: string;
  readonly kind: FlagKind;
  /** What stands for the value in the help. */
  readonly value?: string;
  readonly about: string;
  /** Bounds of whole numbers. */
  readonly min?: number;
  readonly max?: number;
  readonly proposes?: Proposal;
}

export interface CommandSpec {
  /** One or two words, as typed. */
  readonly name: string;
  /** One line, beginning with a verb. */
  readonly summary: string;
  /** How its arguments are shown, a line a form; the first is the usual one. */
  readonly forms: readonly string[];
  /** How many arguments it takes, and what they are called in messages. */
  readonly args: readonly [min: number, max: number, what: string];
  readonly proposes?: Proposal;
  readonly flags: readonly FlagSpec[];
  /** Groups of flags of which only one may be given. */
  readonly oneOf?: readonly (readonly string[])[];
  /** More to know, for its help. */
  readonly notes?: string;
  readonly examples: readonly string[];
  /** Not shown in the help: for machines. */
  readonly hidden?: boolean;
  /** Loads what does it. The import is literal, so that it is found when the program is compiled or bundled. */
  readonly load: () => Promise<Handler>;
}

/** Does what a command says. @returns the exit code, 0 if nothing */
export type Handler = (call: Call) => Promise<number | void>;
