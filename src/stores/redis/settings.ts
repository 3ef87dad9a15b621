// The configuration of a queue in Redis: a field of a hash for each key that was set.
import type { SettingKey, Settings, SetValues } from "../../queue/settings.ts";
import type { SettingsStore } from "../../queue/settings_store.ts";
import { SERVER_DEFAULTS } from "../shared/server_settings.ts";
import { Commit } from "./commit.ts";
import type { Redis } from "./connection.ts";

export class RedisSettings implements SettingsStore {
  readonly defaults = SERVER_DEFAULTS;
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async setValues(): Promise<SetValues> {
    const texts = await this.#redis.read("HGETALL", "settings") as Record<string, string>;
    return Object.fromEntries(
      Object.entries(texts).map(([key, text]) => [key, JSON.parse(text)]),
    );
  }

  async load(): Promise<Settings> {
    return { ...SERVER_DEFAULTS, ...await this.setValues() };
  }

  async version(): Promise<number | undefined> {
    const [version, isThere] = await Promise.all([
      this.#redis.read("HGET", "versions", "settings"),
      this.#redis.read("EXISTS", "settings"),
    ]);
    return isThere === 1 ? Number(version) : undefined;
  }

  async set<K extends SettingKey>(key: K, value: Settings[K]): Promise<void> {
    await this.merge({ [key]: value } as SetValues);
  }

  async merge(values: SetValues): Promise<void> {
    const commit = putSettings(new Commit(), values);
    await this.#redis.again(() => commit.run(this.#redis));
  }

  async reset(): Promise<undefined> {
    const commit = new Commit().step("drop", "settings").step("count", "settings");
    await this.#redis.again(() => commit.run(this.#redis));
  }
}

/** Sets these keys; others keep their values. */
export function putSettings(commit: Commit, values: SetValues): Commit {
  for (const [key, value] of Object.entries(values)) {
    commit.set("settings", key, JSON.stringify(value));
  }
  return commit.step("count", "settings");
}
