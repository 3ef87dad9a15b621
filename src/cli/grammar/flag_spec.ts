// The options of a command, described as data.

/**
 * The kind of value that a flag takes; `switch` takes none. The parser turns whole numbers and
 * durations (seconds) into numbers.
 */
export type FlagKind = "switch" | "text" | "whole" | "duration";

/** What a shell completion proposes for a value. */
export type Proposal =
  | "job"
  | "dead job"
  | "ended job"
  | "waiting job"
  | "unended job"
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
  /** The placeholder for the value in the help. */
  readonly value?: string;
  readonly about: string;
  /** Bounds of whole numbers. */
  readonly min?: number;
  readonly max?: number;
  readonly proposes?: Proposal;
}

/** What the parser needs to know about a command. */
export interface Syntax {
  /** One or two words, as typed. */
  readonly name: string;
  readonly flags: readonly FlagSpec[];
  /** Groups of flags of which only one may be given. */
  readonly oneOf?: readonly (readonly string[])[];
  /** Flags that a similar command has, and why this one does not have them. */
  readonly refuses?: Readonly<Record<string, string>>;
  /**
   * Whether `--` begins a program with arguments; if not, words after it are ordinary arguments.
   */
  readonly programAfterDashes?: boolean;
}
