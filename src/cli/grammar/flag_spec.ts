// What the options of a command look like, as data.

/**
 * What a flag takes; `switch` takes nothing. The parser turns whole numbers and durations (seconds)
 * into numbers.
 */
export type FlagKind = "switch" | "text" | "whole" | "duration";

/** What the shell may propose for a value. */
export type Proposal =
  | "job"
  | "dead job"
  | "ended job"
  | "waiting job"
  | "state"
  | "queue"
  | "queues"
  | "group"
  | "setting"
  | "log level"
  | "shell"
  | "schedule"
  | "missed"
  | "overlap"
  | "zone"
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

/** What the parser must know of a command. */
export interface Syntax {
  /** One or two words, as typed. */
  readonly name: string;
  readonly flags: readonly FlagSpec[];
  /** Groups of flags of which only one may be given. */
  readonly oneOf?: readonly (readonly string[])[];
  /** Flags that a similar command has, and why this one has not. */
  readonly refuses?: Readonly<Record<string, string>>;
  /**
   * Whether arguments after `--` are another form of the command; else they are arguments as any.
   */
  readonly programAfterDashes?: boolean;
}
