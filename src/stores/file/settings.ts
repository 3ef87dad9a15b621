// The configuration of a data folder. What changes it is loaded when it is called.
// Each method is async although nothing waits: so what is thrown is a rejection.
// deno-lint-ignore-file require-await
import { QueueError } from "../../queue/errors.ts";
import {
  DEFAULT_SETTINGS,
  parseConfig,
  type SettingKey,
  type Settings,
  type SetValues,
} from "../../queue/settings.ts";
import type { SettingsStore } from "../../queue/settings_store.ts";
import type { FileSystem } from "../../system/file_system.ts";
import type { ConfigFile } from "./change_config.ts";

const CONFIG_FILE = "config.json";

export function configPath(dataDir: string): string {
  return `${dataDir}/${CONFIG_FILE}`;
}

/**
 * What was set in a data folder.
 * @throws QueueError `damaged` if config.json is not what it should be
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

export class FileSettings implements SettingsStore {
  readonly defaults = DEFAULT_SETTINGS;
  readonly #dataDir: string;
  readonly #files: FileSystem;

  constructor(dataDir: string, files: FileSystem) {
    this.#dataDir = dataDir;
    this.#files = files;
  }

  async setValues(): Promise<SetValues> {
    return loadSetValues(this.#dataDir, this.#files);
  }

  async load(): Promise<Settings> {
    return { ...DEFAULT_SETTINGS, ...loadSetValues(this.#dataDir, this.#files) };
  }

  async version(): Promise<number | undefined> {
    return this.#files.info(configPath(this.#dataDir))?.modifiedAt;
  }

  async set<K extends SettingKey>(key: K, value: Settings[K]): Promise<void> {
    await this.merge({ [key]: value } as SetValues);
  }

  async merge(values: SetValues): Promise<void> {
    const { mergeConfig } = await import("./change_config.ts");
    mergeConfig(this.#file, values);
  }

  async reset(): Promise<string | undefined> {
    const { resetConfig } = await import("./change_config.ts");
    return resetConfig(this.#file);
  }

  get #file(): ConfigFile {
    const [dataDir, files] = [this.#dataDir, this.#files];
    return { dataDir, files, path: configPath(dataDir), load: () => loadSetValues(dataDir, files) };
  }
}
