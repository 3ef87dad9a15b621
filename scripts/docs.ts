// Makes what is told about commands outside of the program: docs/queuectl.1, and the reference in
// README.md. deno task docs
import { DEFAULT_SETTINGS, SETTING_KEYS, SETTING_RULES } from "../src/queue/settings.ts";
import { pathOfUrl } from "../src/system/self.ts";
import type { CommandDoc, FlagDoc, Reference } from "./command_doc.ts";
import { manPage } from "./man_page.ts";
import { withReference } from "./markdown_reference.ts";

const ROOT = pathOfUrl(new URL("..", import.meta.url).href);

/** The generated files as they should be, by path within the project. */
export async function generatedFiles(): Promise<Record<string, string>> {
  const reference = await referenceOfThisVersion();
  return {
    "docs/queuectl.1": manPage(reference),
    "README.md": withReference(await Deno.readTextFile(`${ROOT}README.md`), reference),
  };
}

async function referenceOfThisVersion(): Promise<Reference> {
  const { COMMANDS } = await table<{ COMMANDS: readonly CommandDoc[] }>("commands.ts");
  const { GLOBAL_FLAGS } = await table<{ GLOBAL_FLAGS: readonly FlagDoc[] }>("parse.ts");
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

if (import.meta.main) {
  await Deno.mkdir(`${ROOT}docs`, { recursive: true });
  for (const [path, text] of Object.entries(await generatedFiles())) {
    await Deno.writeTextFile(`${ROOT}${path}`, text);
    await Deno.stdout.write(new TextEncoder().encode(`${path}\n`));
  }
}
