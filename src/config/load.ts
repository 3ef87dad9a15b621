// Reads config.json, which holds only what was set. On the way of every `enqueue`, so it imports
// little.
import { QueueError } from "../queue/errors.ts";
import {
  DEFAULT_SETTINGS,
  isSettingKey,
  SETTING_KEYS,
  SETTING_RULES,
  type SettingKey,
  type Settings,
} from "../queue/settings.ts";
import type { FileSystem } from "../system/file_system.ts";
import { join } from "../system/paths.ts";

/**
 * The version of the form of config.json that this program writes. It reads this and all earlier
 * ones.
 */
export const CONFIG_VERSION = 1;

const CONFIG_FILE = "config.json";

/** What was set, and nothing else. */
export type SetValues = Partial<Settings>;

export function configPath(dataDir: string): string {
  return join(dataDir, CONFIG_FILE);
}

/**
 * The whole configuration: what was set, and the defaults.
 * @throws QueueError `damaged` if config.json is not what it should be
 */
export function loadSettings(dataDir: string, files: FileSystem): Settings {
  return { ...DEFAULT_SETTINGS, ...loadSetValues(dataDir, files) };
}

/**
 * What was set.
 * @throws QueueError `damaged`
 */
export function loadSetValues(dataDir: string, files: FileSystem): SetValues {
  const path = configPath(dataDir);
  let text: string;
  try {
    // Most people have set nothing, and not finding a file takes longer than reading the folder.
    if (!files.names(dataDir).includes(CONFIG_FILE)) return {};
    text = files.readText(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
  try {
    return parseConfig(text);
  } catch (cause) {
    if (!(cause instanceof QueueError)) throw cause;
    throw new QueueError("damaged", `Cannot use ${path}: ${cause.message}`, {
      hint: "Mend it, or start anew (the file is kept beside): queuectl config --reset",
      cause,
    });
  }
}

/**
 * The values in the text of a configuration file. All of it is right, or nothing is taken.
 * @throws QueueError `usage` that says what is wrong, without the file's name
 */
export function parseConfig(text: string): SetValues {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new QueueError("usage", `it is not JSON (${(error as Error).message})`);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new QueueError("usage", "it is not a JSON object");
  }
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(content)) {
    if (key === "schema_version") checkVersion(value);
    else values[settingKey(key)] = settingValue(key as SettingKey, value);
  }
  return values as SetValues;
}

function checkVersion(version: unknown): void {
  if (version === CONFIG_VERSION) return;
  throw new QueueError(
    "usage",
    typeof version === "number" && version > CONFIG_VERSION
      ? `its schema_version is ${version}, and this program knows ${CONFIG_VERSION}: it was written by a later version`
      : `schema_version is ${JSON.stringify(version)}, not ${CONFIG_VERSION}`,
  );
}

function settingKey(key: string): SettingKey {
  if (isSettingKey(key)) return key;
  throw new QueueError("usage", `unknown key "${key}" (the keys are ${SETTING_KEYS.join(", ")})`);
}

// Durations and sizes may stand in the file as people write them: "5m".
function settingValue(key: SettingKey, value: unknown): unknown {
  const simple = typeof value === "number" || typeof value === "string";
  const parsed = simple ? SETTING_RULES[key].parse(String(value)) : undefined;
  if (parsed !== undefined) return parsed;
  throw new QueueError(
    "usage",
    `${key} is ${JSON.stringify(value)}, and takes ${SETTING_RULES[key].values}`,
  );
}
