// queuectl config: shows and changes the configuration.
import { QueueError } from "../../queue/errors.ts";
import { nearest } from "../../queue/nearest.ts";
import {
  configText,
  isSettingKey,
  parseConfig,
  parseSetting,
  SETTING_KEYS,
  SETTING_RULES,
  type SettingKey,
  type SetValues,
} from "../../queue/settings.ts";
import type { SettingsStore } from "../../queue/settings_store.ts";
import { infoOfTarget } from "../../system/file_system.ts";
import { folderOf, resolve } from "../../system/paths.ts";
import { replaceFile } from "../../system/replace_file.ts";
import { renderTable } from "../../view/table.ts";
import type { CommandContext } from "../command_context.ts";
import { inputPath } from "../input_path.ts";
import { tableStyle } from "../tables.ts";

/** Runs `queuectl config`. */
export async function configCommand(call: CommandContext): Promise<void> {
  const { flags } = call;
  const [key, value] = [flags.text("key"), flags.text("value")];
  const [exported, imported] = [flags.text("export"), flags.text("import")];
  if (value !== undefined && key === undefined) {
    throw new QueueError("usage", "--value needs --key");
  }
  const known = key === undefined ? undefined : keyOf(key);
  const settings = await call.store().settings();

  if (known !== undefined && value !== undefined) {
    const parsed = parseSetting(known, value);
    await settings.set(known, parsed);
    call.say(`${known} is now ${parsed}`);
  } else if (known !== undefined) {
    const current = (await settings.load())[known];
    if (flags.has("json")) call.printJson({ [known]: current });
    else call.print(`${current}\n`);
  } else if (flags.has("reset")) {
    const aside = await settings.reset();
    call.say("All settings are back to their defaults");
    if (aside !== undefined) call.say(`The damaged configuration is kept as ${aside}`);
  } else if (exported !== undefined) await exportTo(call, settings, exported);
  else if (imported !== undefined) await importFrom(call, settings, imported);
  else if (flags.has("json")) call.printJson(await settings.load());
  else await showAll(call, settings);
}

async function showAll(call: CommandContext, settings: SettingsStore): Promise<void> {
  const { context } = call;
  const set = await settings.setValues();
  const rows = SETTING_KEYS.map((key) => {
    const value = set[key];
    return [
      key,
      {
        text: String(value ?? settings.defaults[key]),
        colour: value === undefined ? undefined : "cyan" as const,
      },
      String(settings.defaults[key]),
      SETTING_RULES[key].about,
    ];
  });
  const columns = [{ title: "KEY" }, { title: "VALUE" }, { title: "DEFAULT" }, {
    title: "MEANING",
    cut: true,
  }];
  call.print(await renderTable(columns, rows, tableStyle(context)));
}

async function exportTo(
  call: CommandContext,
  settings: SettingsStore,
  file: string,
): Promise<void> {
  const { context } = call;
  const text = configText(await settings.load());
  if (file === "-") return call.print(text);
  const { files } = context;
  const path = resolve(context.cwd(), file);
  const info = infoOfTarget(files, path);
  const refused = (why: string) => new QueueError("io", `Cannot export to ${file}: ${why}`);
  if (info?.kind === "folder") throw refused("it is a folder");
  const folder = folderOf(path);
  if (infoOfTarget(files, folder)?.kind !== "folder") throw refused(`there is no folder ${folder}`);
  // A link stays, and what it leads to is replaced.
  replaceFile(files, info === undefined ? path : files.realPath(path), text);
  call.say(`Exported the settings to ${file}`);
}

async function importFrom(
  call: CommandContext,
  settings: SettingsStore,
  file: string,
): Promise<void> {
  const { context } = call;
  const text = file === "-"
    ? new TextDecoder().decode(await context.stdin.readAll())
    : context.files.readText(inputPath(context, file));
  const values = importedValues(text, file);
  await settings.merge(values);
  const keys = Object.keys(values);
  call.say(keys.length === 0 ? `${file} sets nothing` : `Imported ${keys.join(", ")}`);
}

function importedValues(text: string, file: string): SetValues {
  try {
    return parseConfig(text);
  } catch (cause) {
    if (!(cause instanceof QueueError)) throw cause;
    throw new QueueError("damaged", `Cannot import ${file}: ${cause.message}`, { cause });
  }
}

function keyOf(text: string): SettingKey {
  if (isSettingKey(text)) return text;
  const meant = nearest(text, SETTING_KEYS);
  throw new QueueError(
    "usage",
    `There is no setting "${text}"; the settings are ${SETTING_KEYS.join(", ")}`,
    {
      ...(meant !== undefined && { hint: `Did you mean ${meant}?` }),
    },
  );
}
