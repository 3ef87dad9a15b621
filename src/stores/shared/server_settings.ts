// The configuration of a queue on a server: what of it is other than in a folder.
import {
  DEFAULT_SETTINGS,
  type SettingKey,
  type Settings,
  type SetValues,
} from "../../queue/settings.ts";
import type { SettingsStore } from "../../queue/settings_store.ts";

/** Where output is kept on the server, a job that prints without end must not fill it. */
export const SERVER_DEFAULTS: Settings = { ...DEFAULT_SETTINGS, log_max: 10 * 1024 ** 2 };

/** Settings of which any number are set in one step. */
export abstract class ServerSettings implements SettingsStore {
  readonly defaults = SERVER_DEFAULTS;

  abstract setValues(): Promise<SetValues>;
  abstract version(): Promise<number | undefined>;
  abstract merge(values: SetValues): Promise<void>;
  abstract reset(): Promise<undefined>;

  async load(): Promise<Settings> {
    return { ...this.defaults, ...await this.setValues() };
  }

  async set<K extends SettingKey>(key: K, value: Settings[K]): Promise<void> {
    await this.merge({ [key]: value } as SetValues);
  }
}
