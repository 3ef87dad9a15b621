// docs/commands.md: the reference of all commands. Pure: text from the table of commands.
import {
  type CommandDoc,
  type FlagDoc,
  flagUsage,
  paragraphs,
  type Reference,
  shownCommands,
  usages,
} from "./command_doc.ts";

// Otherwise the formatter would rewrap the tables, and the next `deno task docs` would undo that.
const HEAD = `<!-- deno-fmt-ignore-file -->
<!-- Made by "deno task docs" from src/cli/commands.ts. Do not edit it here. -->

# Commands

This is what \`queuectl <command> --help\` says, for all commands on one page. What DURATION, TIME and
GLOB stand for is in [configuration.md](configuration.md#durations-times-and-patterns).
`;

/** The whole page: a table of contents, a section for each command, then the common options. */
export function commandsPage(reference: Reference): string {
  const commands = shownCommands(reference);
  const contents = commands.map((
    { name, summary },
  ) => [`[\`${name}\`](#${anchor(name)})`, cell(summary)]);
  return [
    HEAD,
    table(["Command", ""], contents),
    ...commands.map(section),
    "## Options of every command\n",
    flagTable(reference.globalFlags),
  ].join("\n");
}

function section(command: CommandDoc): string {
  const { name, summary, flags, notes, examples } = command;
  return [
    `## ${name}\n`,
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
