// The settings: what each means, its default, its valid values, and the format of the configuration
// file. Where that file is kept is the store's business.
import { DURATION_FORMS, parseDuration } from "./durations.ts";
import { QueueError } from "./errors.ts";

export const LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/**
 * All settings, with their names on the command line and in config.json. Durations are in seconds,
 * sizes in bytes.
 */
export interface Settings {
  readonly max_retries: number;
  readonly backoff_base: number;
  readonly backoff_max: number;
  readonly worker_count: number;
  readonly job_timeout: number;
  readonly kill_grace: number;
  readonly log_level: LogLevel;
  readonly log_max: number;
  readonly keep_completed: number;
  readonly on_completed: string;
  readonly on_dead: string;
}

/** The value for no hook. */
export const NO_HOOK = "none";

export type SettingKey = keyof Settings;

/** Only the settings that were set. */
export type SetValues = Partial<Settings>;

/** The version of config.json that this program writes. It reads this and all earlier versions. */
export const CONFIG_VERSION = 1;

export const DEFAULT_SETTINGS: Settings = {
  max_retries: 3,
  backoff_base: 2,
  backoff_max: 3600,
  worker_count: 1,
  job_timeout: 0,
  kill_grace: 5,
  log_level: "INFO",
  log_max: 0,
  keep_completed: 0,
  on_completed: NO_HOOK,
  on_dead: NO_HOOK,
};

interface Rule {
  readonly about: string;
  /** Its valid values, for messages. */
  readonly values: string;
  /** The value, or undefined if `text` is invalid. */
  readonly parse: (text: string) => number | string | undefined;
}

const duration: Rule["parse"] = parseDuration;

function number(min: number, max: number, whole: boolean): Rule["parse"] {
  return (text) => {
    if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/.test(text)) return undefined;
    const value = Number(text);
    return value >= min && value <= max && (!whole || Number.isInteger(value)) ? value : undefined;
  };
}

const BYTES_IN: Readonly<Record<string, number>> = {
  "": 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

function size(text: string): number | undefined {
  const match = /^(\d+)([KMGT]?)i?B?$/i.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * BYTES_IN[match[2]!.toUpperCase()]!;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const HOOK_VALUES = `a shell command, or ${NO_HOOK}`;

function hook(text: string): string | undefined {
  return text.trim() === "" || text.includes("\0") ? undefined : text;
}

export const SETTING_RULES: Readonly<Record<SettingKey, Rule>> = {
  max_retries: {
    about: "retries after the first attempt",
    values: "a whole number from 0 to 1000",
    parse: number(0, 1000, true),
  },
  backoff_base: {
    about: "the wait before retry n is this to the power n, in seconds",
    values: "a number from 1 to 3600",
    parse: number(1, 3600, false),
  },
  backoff_max: {
    about: "the longest wait before a retry",
    values: DURATION_FORMS,
    parse: duration,
  },
  worker_count: {
    about: "workers that start runs",
    values: "a whole number from 1 to 1024",
    parse: number(1, 1024, true),
  },
  job_timeout: {
    about: "how long an attempt may take; 0 for no limit",
    values: DURATION_FORMS,
    parse: duration,
  },
  kill_grace: {
    about: "the time between SIGTERM and SIGKILL",
    values: DURATION_FORMS,
    parse: duration,
  },
  log_level: {
    about: "show messages from this level up",
    values: "one of DEBUG, INFO, WARNING, ERROR",
    parse: (text) => LOG_LEVELS.find((level) => level === text.toUpperCase()),
  },
  log_max: {
    about: "the most that the log of one attempt may hold; 0 for no limit",
    values: "a number of bytes (1048576), or with a unit (512K, 10M, 2G)",
    parse: size,
  },
  keep_completed: {
    about: "completed and cancelled jobs are removed after this time; 0 for never",
    values: DURATION_FORMS,
    parse: duration,
  },
  on_completed: {
    about: "a command that is enqueued when a job completes",
    values: HOOK_VALUES,
    parse: hook,
  },
  on_dead: {
    about: "a command that is enqueued when a job dies",
    values: HOOK_VALUES,
    parse: hook,
  },
};

export const SETTING_KEYS = Object.keys(SETTING_RULES) as SettingKey[];

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(SETTING_RULES, key);
}

/**
 * Parses a value for `key`.
 *
 * @throws QueueError `usage` if it is invalid or out of range
 */
export function parseSetting<K extends SettingKey>(key: K, text: string): Settings[K] {
  const value = SETTING_RULES[key].parse(text);
  if (value === undefined) {
    throw new QueueError(
      "usage",
      `Cannot set ${key} to "${text}": it takes ${SETTING_RULES[key].values}`,
    );
  }
  return value as Settings[K];
}

/**
 * Parses a configuration file. The whole file must be valid. This is the one place for that:
 * whoever reads, checks, backs up or restores a configuration calls it.
 *
 * @throws QueueError `usage`, whose message says what is wrong without naming the file
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
      ? `its schema_version is ${version}, and this program reads ${CONFIG_VERSION}: ` +
        "it was written by a later version"
      : `schema_version is ${JSON.stringify(version)}, not ${CONFIG_VERSION}`,
  );
}

function settingKey(key: string): SettingKey {
  if (isSettingKey(key)) return key;
  throw new QueueError("usage", `unknown key "${key}" (the keys are ${SETTING_KEYS.join(", ")})`);
}

// Durations and sizes may be written in the file as people write them: "5m".
function settingValue(key: SettingKey, value: unknown): unknown {
  const simple = typeof value === "number" || typeof value === "string";
  const parsed = simple ? SETTING_RULES[key].parse(String(value)) : undefined;
  if (parsed !== undefined) return parsed;
  throw new QueueError(
    "usage",
    `${key} is ${JSON.stringify(value)}, and takes ${SETTING_RULES[key].values}`,
  );
}

/** The text of a configuration file. */
export function configText(values: SetValues): string {
  return JSON.stringify({ schema_version: CONFIG_VERSION, ...values }, null, 2) + "\n";
}
