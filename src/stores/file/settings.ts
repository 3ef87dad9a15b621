// The configuration of a data folder. What changes it is loaded when it is called.
// Each method is async although nothing waits: so what is thrown is a rejection.
// deno-lint-ignore-file require-await
import {
  DEFAULT_SETTINGS,
  type SettingKey,
  type Settings,
  type SetValues,
} from "../../queue/settings.ts";
import type { SettingsStore } from "../../queue/settings_store.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { configPath, loadSetValues } from "./config_file.ts";

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
    mergeConfig(this.#dataDir, this.#files, values);
  }

  async reset(): Promise<string | undefined> {
    const { resetConfig } = await import("./change_config.ts");
    return resetConfig(this.#dataDir, this.#files);
  }
}
