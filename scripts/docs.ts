// Makes the generated documents, by `deno task docs`: the man page and docs/commands.md from the
// table of commands, and docs/terminal.svg from a real run.
import { DEFAULT_SETTINGS, SETTING_KEYS, SETTING_RULES } from "../src/queue/settings.ts";
import { pathOfUrl } from "../src/system/self.ts";
import type { CommandDoc, FlagDoc, Reference } from "./command_doc.ts";
import { manPage } from "./man_page.ts";
import { commandsPage } from "./markdown_reference.ts";
import { recordTerminal } from "./terminal_recording.ts";
import { terminalSvg } from "./terminal_svg.ts";

const ROOT = pathOfUrl(new URL("..", import.meta.url).href);

/** The documents made from the table of commands, by their paths in the project. */
export async function generatedFiles(): Promise<Record<string, string>> {
  const reference = await referenceOfThisVersion();
  return {
    "docs/queuectl.1": manPage(reference),
    "docs/commands.md": commandsPage(reference),
  };
}

async function referenceOfThisVersion(): Promise<Reference> {
  const { COMMANDS } = await table<{ COMMANDS: readonly CommandDoc[] }>("commands.ts");
  const { GLOBAL_FLAGS } = await table<{ GLOBAL_FLAGS: readonly FlagDoc[] }>("grammar/parse.ts");
  const { version } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  return {
    version,
    commands: COMMANDS,
    globalFlags: GLOBAL_FLAGS,
    settings: SETTING_KEYS.map((key) => ({
      key,
      initial: String(DEFAULT_SETTINGS[key]),
      about: SETTING_RULES[key].about,
      values: SETTING_RULES[key].values,
    })),
  };
}

async function table<T>(file: string): Promise<T> {
  return await import(new URL(`../src/cli/${file}`, import.meta.url).href);
}

async function write(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${ROOT}${path}`, text);
  await Deno.stdout.write(new TextEncoder().encode(`${path}\n`));
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await generatedFiles())) await write(path, text);
  // Durations and times are those of the last run, so this file changes each time.
  await write("docs/terminal.svg", terminalSvg(await recordTerminal()));
}
