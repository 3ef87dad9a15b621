// The configuration of a queue in a database: a row for each key that was set.
import type { SettingKey, Settings, SetValues } from "../../queue/settings.ts";
import type { SettingsStore } from "../../queue/settings_store.ts";
import { SERVER_DEFAULTS } from "../shared/server_settings.ts";
import type { Database } from "./connection.ts";

export class PostgresSettings implements SettingsStore {
  readonly defaults = SERVER_DEFAULTS;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async setValues(): Promise<SetValues> {
    const rows = await this.#database.read<{ key: SettingKey; value: unknown }>(
      "select key, value from queuectl.settings",
    );
    return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
  }

  async load(): Promise<Settings> {
    return { ...SERVER_DEFAULTS, ...await this.setValues() };
  }

  async version(): Promise<number | undefined> {
    const [row] = await this.#database.read<{ version: number | null }>(
      "select max(version) as version from queuectl.settings",
    );
    return row?.version ?? undefined;
  }

  async set<K extends SettingKey>(key: K, value: Settings[K]): Promise<void> {
    await this.merge({ [key]: value } as SetValues);
  }

  async merge(values: SetValues): Promise<void> {
    await this.#database.again(() =>
      this.#database.query(
        `insert into queuectl.settings (key, value) select key, value from jsonb_each($1::jsonb)
        on conflict (key) do update set value = excluded.value, version = excluded.version`,
        [JSON.stringify(values)],
      )
    );
  }

  async reset(): Promise<undefined> {
    await this.#database.again(() => this.#database.query("delete from queuectl.settings"));
  }
}
