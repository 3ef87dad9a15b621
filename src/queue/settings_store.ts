// The port for the configuration of a queue. What is kept is only what was set.
import type { SettingKey, Settings, SetValues } from "./settings.ts";

/** What can be seen of the configuration. */
export interface SettingsReader {
  /** What counts where nothing was set. */
  readonly defaults: Settings;

  /** What was set. @throws QueueError `damaged` if what is kept is not a configuration */
  setValues(): Promise<SetValues>;

  /** The whole configuration: what was set, and the defaults. @throws QueueError `damaged` */
  load(): Promise<Settings>;

  /**
   * Another value whenever the configuration has changed; undefined as long as nothing was set.
   * Cheap.
   */
  version(): Promise<number | undefined>;
}

/** Each change is made whole or not at all, by one process at a time. */
export interface SettingsStore extends SettingsReader {
  /** Sets one key. @throws QueueError `damaged`; `refused` while another process changes it */
  set<K extends SettingKey>(key: K, value: Settings[K]): Promise<void>;

  /** Sets what `values` has; other keys keep their values. @throws as `set` */
  merge(values: SetValues): Promise<void>;

  /**
   * Back to the defaults. What can't be read as a configuration is not thrown away but set aside.
   * @returns where it was set aside, if it was
   */
  reset(): Promise<string | undefined>;
}
