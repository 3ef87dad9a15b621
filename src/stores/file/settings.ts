// The configuration of a data folder. The code that changes it is loaded when it is called. Methods
// are async although they wait for nothing, so that errors become rejections.
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
 * The settings that are set in a data folder.
 *
 * @throws QueueError `damaged` if config.json is invalid
 */
export function loadSetValues(dataDir: string, files: FileSystem): SetValues {
  const path = configPath(dataDir);
  let text: string;
  try {
    // Most people have set nothing, and a failed read takes longer than listing the folder.
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
      hint:
        "Correct it, or reset everything (the file is kept under another name): queuectl config --reset",
      cause,
    });
  }
}

export class FileSettings implements SettingsStore {
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
