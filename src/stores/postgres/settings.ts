// The configuration of a queue in a database: a row for each key that was set.
import type { SettingKey, SetValues } from "../../queue/settings.ts";
import { ServerSettings } from "../shared/server_settings.ts";
import type { Database } from "./connection.ts";

export class PostgresSettings extends ServerSettings {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async setValues(): Promise<SetValues> {
    const rows = await this.#database.read<{ key: SettingKey; value: unknown }>(
      "select key, value from queuectl.settings",
    );
    return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
  }

  override async version(): Promise<number | undefined> {
    const [row] = await this.#database.read<{ version: number | null }>(
      "select max(version) as version from queuectl.settings",
    );
    return row?.version ?? undefined;
  }

  override async merge(values: SetValues): Promise<void> {
    await this.#database.again(() =>
      this.#database.query(
        `insert into queuectl.settings (key, value) select key, value from jsonb_each($1::jsonb)
        on conflict (key) do update set value = excluded.value, version = excluded.version`,
        [JSON.stringify(values)],
      )
    );
  }

  override async reset(): Promise<undefined> {
    await this.#database.again(() => this.#database.query("delete from queuectl.settings"));
  }
}
