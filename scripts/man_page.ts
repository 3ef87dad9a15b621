// The man page queuectl(1), in the man macros, which groff and mandoc both know. Pure: text from
// the table of commands.
import {
  type CommandDoc,
  type FlagDoc,
  flagUsage,
  paragraphs,
  type Reference,
  shownCommands,
  usages,
} from "./command_doc.ts";

/** The man page as roff. */
export function manPage(reference: Reference): string {
  const commands = shownCommands(reference);
  return [
    `.\\" Made by "deno task docs" from the table of commands.`,
    `.TH QUEUECTL 1 "" "queuectl ${code(reference.version)}" "User Commands"`,
    ".SH NAME",
    `queuectl \\- a queue for shell commands that run in the background`,
    ".SH SYNOPSIS",
    `.B queuectl\n.I command\n.RI [ options ]`,
    `.br\n.B queuectl\n.RI [ command ]\n.B \\-\\-help\n.br\n.B queuectl \\-\\-version`,
    ".SH DESCRIPTION",
    DESCRIPTION.map(prose).join("\n.PP\n"),
    ".SH COMMANDS",
    ...commands.map(section),
    ".SH OPTIONS",
    "Every command takes these too.",
    ...reference.globalFlags.map(flag),
    ".SH VALUES",
    ...VALUES.map(([name, about]) => tagged(`.I ${code(name)}`, about)),
    ".SH CONFIGURATION",
    'Set with\n.BR "queuectl config" .',
    ...reference.settings.map(({ key, initial, about, values }) =>
      tagged(
        `.B ${code(key)}`,
        `${about.charAt(0).toUpperCase()}${about.slice(1)}: ${values}. Default: ${initial}.`,
      )
    ),
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.map(([name, about]) => tagged(`.B ${name}`, about)),
    ".SH FILES",
    ...FILES.map(([name, about]) => tagged(`.I ${code(name)}`, about)),
    ".SH EXIT STATUS",
    ...EXIT_STATUS.map(([status, about]) => tagged(`.B ${status}`, about)),
    ".SH SEE ALSO",
    ".BR sh (1),\n.BR crontab (5),\n.BR systemd.service (5)",
  ].join("\n") + "\n";
}

const DESCRIPTION = [
  "queuectl keeps shell commands in a folder of plain files and runs them in the background, some " +
  "at a time, with retries and exponential backoff. A job that has used up its retries goes to the " +
  "dead letter queue, for a person to look at.",
  "A job is pending until a worker takes it, then processing, then completed. One that failed " +
  "waits, as failed, for its next attempt; with no retry left it is dead. A user can cancel a " +
  "job.",
];

const VALUES: readonly (readonly [string, string])[] = [
  ["DURATION", "A number of seconds (60, 1.5), or with units (500ms, 90s, 5m, 1h, 7d, 1h30m)."],
  ["TIME", "ISO 8601, with or without a zone (local time if without), or HH:MM, the next one."],
  ["GLOB", "*, ? and [...] against the whole command."],
  ["id", "A whole id, or any beginning of it that fits exactly one job."],
];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["QUEUECTL_DATA_DIR", "The folder that holds the queue's data; --data-dir goes before it."],
  ["XDG_DATA_HOME", "The queue is by default in its folder queuectl."],
  [
    "NO_COLOR",
    "If it is set and not empty, there are no colours; FORCE_COLOR turns them on even without a terminal.",
  ],
  [
    "QUEUECTL_JOB_ID, QUEUECTL_ATTEMPT, QUEUECTL_WORKER",
    "Set for a job: its id, its attempt (1, 2, ...), its worker.",
  ],
];

const FILES: readonly (readonly [string, string])[] = [
  [
    "./queuectl_data",
    "The queue, where a folder of this name exists and nothing else is asked for.",
  ],
  [
    "~/.local/share/queuectl",
    "The queue otherwise; on macOS and Windows, the place that is usual there.",
  ],
];

const EXIT_STATUS: readonly (readonly [string, string])[] = [
  ["0", "It was done."],
  ["1", "It could not be done."],
  ["2", "The command line is wrong."],
];

function section(command: CommandDoc): string {
  const { name, summary, flags, notes, examples } = command;
  return [
    `.SS "queuectl ${code(name)}"`,
    prose(`${summary}.`),
    ...usages(command).map((line, i) => `${i === 0 ? ".PP" : ".br"}\n${code(line)}`),
    ...flags.map(flag),
    ...paragraphs(notes ?? "").map(({ verbatim, lines }) =>
      verbatim ? example(lines) : `.PP\n${prose(lines.join(" "))}`
    ),
    `.PP\n${examples.length === 1 ? "Example:" : "Examples:"}`,
    example(examples),
  ].join("\n");
}

function flag(doc: FlagDoc): string {
  const [name, ...value] = flagUsage(doc).split(" ");
  const written = value.length === 0
    ? `.B ${code(name!)}`
    : `.BI "${code(name!)} " "${code(value.join(" "))}"`;
  return tagged(written, `${doc.about.charAt(0).toUpperCase()}${doc.about.slice(1)}.`);
}

function tagged(tag: string, text: string): string {
  return `.TP\n${tag}\n${prose(text)}`;
}

function example(lines: readonly string[]): string {
  return [".PP", ".RS 4", ".EX", ...lines.map(code), ".EE", ".RE"].join("\n");
}

const AS_IS: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  '"': "\\(dq",
};

/** Text to be typed: every character is escaped, so that it can be copied from the page. */
function code(text: string): string {
  return guarded(text.replace(/[\\\-'`^~"]/g, (character) => AS_IS[character]!));
}

/** Running text: words with dashes in front are options, and to be typed. */
function prose(text: string): string {
  return guarded(
    text.replaceAll("\\", "\\e").replace(
      /(^|[\s("])(--?)(?=[a-z])/g,
      (_, before, dashes) => before + "\\-".repeat(dashes.length),
    ).replaceAll("`", "\\(ga").replaceAll("^", "\\(ha").replaceAll("~", "\\(ti"),
  );
}

/** At the beginning of a line, `.` and `'` would be a request. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}
