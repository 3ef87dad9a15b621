// The port for the configuration. A store keeps only the settings that were set.
import type { SettingKey, Settings, SetValues } from "./settings.ts";

/** Reads the configuration. */
export interface SettingsReader {
  /**
   * The settings that were set.
   * @throws QueueError `damaged` if the stored configuration is invalid
   */
  setValues(): Promise<SetValues>;

  /**
   * All settings, with defaults for those that were not set.
   * @throws QueueError `damaged`
   */
  load(): Promise<Settings>;

  /**
   * A value that changes whenever the configuration changes; undefined if nothing was set. Cheap.
   */
  version(): Promise<number | undefined>;
}

/** Changes the configuration. Each change is atomic, and only one process makes one at a time. */
export interface SettingsStore extends SettingsReader {
  /** Sets one key. @throws QueueError `damaged`; `refused` while another process changes it */
  set<K extends SettingKey>(key: K, value: Settings[K]): Promise<void>;

  /**
   * Sets the keys in `values`; other keys keep their values.
   * @throws as `set`
   */
  merge(values: SetValues): Promise<void>;

  /**
   * Resets everything to the defaults. A configuration that can't be read is not deleted but set
   * aside.
   *
   * @returns the path where it was set aside, if it was
   */
  reset(): Promise<string | undefined>;
}
