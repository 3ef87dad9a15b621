// The README's command reference. Pure: text from the table of commands.
import {
  type CommandDoc,
  type FlagDoc,
  flagUsage,
  paragraphs,
  type Reference,
  shownCommands,
  usages,
} from "./command_doc.ts";

// The formatter would fold the tables' lines, and the next `deno task docs` unfold them.
const BEGIN =
  "<!-- commands: made by `deno task docs`, don't edit -->\n<!-- deno-fmt-ignore-start -->\n";
const END = "<!-- deno-fmt-ignore-end -->\n<!-- end of commands -->\n";

/**
 * `readme` with what stands between the two markers made anew.
 * @throws Error if the markers are not there, each once and in order
 */
export function withReference(readme: string, reference: Reference): string {
  const text = readme.replaceAll("\r\n", "\n");
  const [before, rest, ...more] = text.split(BEGIN);
  const [, after, ...evenMore] = (rest ?? "").split(END);
  if (before === undefined || after === undefined || more.length > 0 || evenMore.length > 0) {
    throw new Error(
      `README.md needs these lines once, for the reference to stand between:\n${BEGIN}${END}`,
    );
  }
  return `${before}${BEGIN}\n${markdownReference(reference)}\n${END}${after}`;
}

/** A section for each command, then the options that all of them take. */
export function markdownReference(reference: Reference): string {
  const commands = shownCommands(reference);
  const contents = commands.map((
    { name, summary },
  ) => [`[\`${name}\`](#${anchor(name)})`, cell(summary)]);
  return [
    table(["Command", ""], contents),
    ...commands.map(section),
    "### Options of every command\n",
    flagTable(reference.globalFlags),
  ].join("\n");
}

function section(command: CommandDoc): string {
  const { name, summary, flags, notes, examples } = command;
  return [
    `### ${name}\n`,
    `${escape(summary)}.\n`,
    fenced("", usages(command)),
    ...(flags.length > 0 ? [flagTable(flags)] : []),
    ...paragraphs(notes ?? "").map(({ verbatim, lines }) =>
      verbatim ? fenced("", lines) : `${escape(lines.join(" "))}\n`
    ),
    fenced("sh", examples),
  ].join("\n");
}

function flagTable(flags: readonly FlagDoc[]): string {
  return table(["Option", ""], flags.map((flag) => [`\`${flagUsage(flag)}\``, cell(flag.about)]));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("");
}

function fenced(language: string, lines: readonly string[]): string {
  return `\`\`\`${language}\n${lines.join("\n")}\n\`\`\`\n`;
}

function cell(text: string): string {
  return escape(text).replaceAll("|", "\\|");
}

function escape(text: string): string {
  return text.replace(/[\\*<>[\]`]/g, "\\$&"); // a _ within a word is one on GitHub
}

/** As GitHub makes it from a heading. */
function anchor(name: string): string {
  return name.replaceAll(" ", "-");
}
