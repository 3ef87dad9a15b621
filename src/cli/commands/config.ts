// queuectl config.
import {
  configText,
  importConfig,
  replaceFile,
  resetConfig,
  setValue,
} from "../../config/change.ts";
import { loadSettings, loadSetValues } from "../../config/load.ts";
import { QueueError } from "../../queue/errors.ts";
import { nearest } from "../../queue/nearest.ts";
import {
  DEFAULT_SETTINGS,
  isSettingKey,
  parseSetting,
  SETTING_KEYS,
  SETTING_RULES,
  type SettingKey,
} from "../../queue/settings.ts";
import { resolve } from "../../system/paths.ts";
import { renderTable } from "../../view/table.ts";
import type { CommandContext } from "../command_context.ts";
import { tableStyle } from "../tables.ts";

/** Shows or changes the configuration. */
export async function configCommand(call: CommandContext): Promise<void> {
  const { context: { files }, flags } = call;
  const [key, value] = [flags.text("key"), flags.text("value")];
  const [exported, imported] = [flags.text("export"), flags.text("import")];
  if (value !== undefined && key === undefined) {
    throw new QueueError("usage", "--value needs --key");
  }
  const known = key === undefined ? undefined : keyOf(key);
  const dataDir = call.dataDir();

  if (known !== undefined && value !== undefined) {
    const parsed = parseSetting(known, value);
    setValue(dataDir, files, known, parsed);
    call.say(`${known} is now ${parsed}`);
  } else if (known !== undefined) {
    const current = loadSettings(dataDir, files)[known];
    if (flags.has("json")) call.printJson({ [known]: current });
    else call.print(`${current}\n`);
  } else if (flags.has("reset")) {
    const aside = resetConfig(dataDir, files);
    call.say("All settings have their defaults");
    if (aside !== undefined) call.say(`The damaged configuration is kept as ${aside}`);
  } else if (exported !== undefined) exportTo(call, dataDir, exported);
  else if (imported !== undefined) await importFrom(call, dataDir, imported);
  else if (flags.has("json")) call.printJson(loadSettings(dataDir, files));
  else await showAll(call, dataDir);
}

async function showAll(call: CommandContext, dataDir: string): Promise<void> {
  const { context } = call;
  const set = loadSetValues(dataDir, context.files);
  const rows = SETTING_KEYS.map((key) => {
    const value = set[key];
    return [
      key,
      {
        text: String(value ?? DEFAULT_SETTINGS[key]),
        colour: value === undefined ? undefined : "cyan" as const,
      },
      String(DEFAULT_SETTINGS[key]),
      SETTING_RULES[key].about,
    ];
  });
  const columns = [{ title: "KEY" }, { title: "VALUE" }, { title: "DEFAULT" }, {
    title: "MEANING",
    cut: true,
  }];
  call.print(await renderTable(columns, rows, tableStyle(context)));
}

function exportTo(call: CommandContext, dataDir: string, file: string): void {
  const { context } = call;
  const text = configText(loadSettings(dataDir, context.files));
  if (file === "-") return call.print(text);
  const path = resolve(context.cwd(), file);
  if (context.files.info(`${path}/.`)?.kind === "folder") {
    throw new QueueError("io", `Cannot export to ${file}: it is a folder`);
  }
  replaceFile(context.files, path.slice(0, path.lastIndexOf("/")) || "/", path, text);
  call.say(`Exported the settings to ${file}`);
}

async function importFrom(call: CommandContext, dataDir: string, file: string): Promise<void> {
  const { context } = call;
  const path = resolve(context.cwd(), file);
  let text: string;
  if (file === "-") text = new TextDecoder().decode(await context.stdin.readAll());
  else if (context.files.info(path) === undefined) {
    throw new QueueError("io", `Cannot read ${file}: there is no such file`);
  } else text = context.files.readText(path);
  const values = importConfig(dataDir, context.files, text, file);
  const keys = Object.keys(values);
  call.say(keys.length === 0 ? `${file} sets nothing` : `Imported ${keys.join(", ")}`);
}

function keyOf(text: string): SettingKey {
  if (isSettingKey(text)) return text;
  const meant = nearest(text, SETTING_KEYS);
  throw new QueueError(
    "usage",
    `There is no setting "${text}"; there are ${SETTING_KEYS.join(", ")}`,
    {
      ...(meant !== undefined && { hint: `Did you mean ${meant}?` }),
    },
  );
}
