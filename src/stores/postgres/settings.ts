// The configuration of a queue in a database: one row, or none where nothing was set.
import {
  DEFAULT_SETTINGS,
  type SettingKey,
  type Settings,
  type SetValues,
} from "../../queue/settings.ts";
import type { SettingsStore } from "../../queue/settings_store.ts";
import type { Database } from "./connection.ts";

/** Where output is kept in a database, a job that prints without end must not fill it. */
const DEFAULTS: Settings = { ...DEFAULT_SETTINGS, log_max: 10 * 1024 ** 2 };

export class PostgresSettings implements SettingsStore {
  readonly defaults = DEFAULTS;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async setValues(): Promise<SetValues> {
    const [row] = await this.#database.read<{ set_values: SetValues }>(
      "select set_values from queuectl.settings",
    );
    return row?.set_values ?? {};
  }

  async load(): Promise<Settings> {
    return { ...DEFAULTS, ...await this.setValues() };
  }

  async version(): Promise<number | undefined> {
    const [row] = await this.#database.read<{ version: number }>(
      "select version from queuectl.settings",
    );
    return row?.version;
  }

  async set<K extends SettingKey>(key: K, value: Settings[K]): Promise<void> {
    await this.merge({ [key]: value } as SetValues);
  }

  async merge(values: SetValues): Promise<void> {
    await this.#database.again(() =>
      this.#database.query(
        `insert into queuectl.settings (set_values) values ($1::jsonb)
        on conflict (only_row) do update set set_values = settings.set_values || excluded.set_values,
          version = excluded.version`,
        [JSON.stringify(values)],
      )
    );
  }

  async reset(): Promise<undefined> {
    await this.#database.again(() => this.#database.query("delete from queuectl.settings"));
  }
}
