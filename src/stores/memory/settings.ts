// The reference implementation of the port for the configuration. Methods are async although they
// wait for nothing, so that errors become rejections.
// deno-lint-ignore-file require-await
import {
  DEFAULT_SETTINGS,
  type SettingKey,
  type Settings,
  type SetValues,
} from "../../queue/settings.ts";
import type { SettingsStore } from "../../queue/settings_store.ts";

export class MemorySettings implements SettingsStore {
  #values: SetValues = {};
  #version = 0;

  async setValues(): Promise<SetValues> {
    return this.#values;
  }

  async load(): Promise<Settings> {
    return { ...DEFAULT_SETTINGS, ...this.#values };
  }

  async version(): Promise<number | undefined> {
    return Object.keys(this.#values).length === 0 ? undefined : this.#version;
  }

  async set<K extends SettingKey>(key: K, value: Settings[K]): Promise<void> {
    await this.merge({ [key]: value } as SetValues);
  }

  async merge(values: SetValues): Promise<void> {
    this.#values = { ...this.#values, ...values };
    this.#version++;
  }

  async reset(): Promise<string | undefined> {
    this.#values = {};
    return undefined;
  }
}
