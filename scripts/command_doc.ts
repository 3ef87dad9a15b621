// What the documentation needs to know about a command. The entries of the table of commands fit
// this type.

export interface FlagDoc {
  /** Without the dashes. */
  readonly name: string;
  /** The placeholder for its value; undefined if it takes none. */
  readonly value?: string;
  readonly about: string;
}

export interface CommandDoc {
  /** One or two words, as typed. */
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** How its arguments are written, one line for each form. */
  readonly forms: readonly string[];
  readonly flags: readonly FlagDoc[];
  /** Further text. Indented lines are shown as they are. */
  readonly notes?: string;
  readonly examples: readonly string[];
  /** Left out, since only programs call it. */
  readonly hidden?: boolean;
}

/** Everything that the documents are made from. */
export interface Reference {
  readonly version: string;
  readonly commands: readonly CommandDoc[];
  /** Options of every command. */
  readonly globalFlags: readonly FlagDoc[];
  readonly settings: readonly { key: string; initial: string; about: string; values: string }[];
}

export function shownCommands({ commands }: Reference): CommandDoc[] {
  return commands.filter(({ hidden }) => hidden !== true);
}

/** Each form of a command as it is typed. */
export function usages({ name, forms, flags }: CommandDoc): string[] {
  return forms.map((form) =>
    `queuectl ${name}${flags.length > 0 ? " [options]" : ""} ${form}`.trimEnd()
  );
}

/** `--timeout DURATION` */
export function flagUsage({ name, value }: FlagDoc): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

/** Notes as paragraphs of running text, and blocks to be shown as they are. */
export function paragraphs(
  notes: string,
): { readonly verbatim: boolean; readonly lines: string[] }[] {
  const blocks: { verbatim: boolean; lines: string[] }[] = [];
  let fresh = true;
  for (const line of notes.split("\n")) {
    if (line.trim() === "") {
      fresh = true;
      continue;
    }
    const verbatim = /^\s/.test(line);
    const last = blocks.at(-1);
    if (last === undefined || fresh || last.verbatim !== verbatim) {
      blocks.push({ verbatim, lines: [line.trim()] });
    } else last.lines.push(line.trim());
    fresh = false;
  }
  return blocks;
}
