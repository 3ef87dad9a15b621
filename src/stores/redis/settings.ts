// The configuration of a queue in Redis: a field of a hash for each key that was set.
import type { SetValues } from "../../queue/settings.ts";
import { ServerSettings } from "../shared/server_settings.ts";
import { Commit } from "./commit.ts";
import type { Redis } from "./connection.ts";

export class RedisSettings extends ServerSettings {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    super();
    this.#redis = redis;
  }

  override async setValues(): Promise<SetValues> {
    const texts = await this.#redis.read("HGETALL", "settings") as Record<string, string>;
    return Object.fromEntries(
      Object.entries(texts).map(([key, text]) => [key, JSON.parse(text)]),
    );
  }

  override async version(): Promise<number | undefined> {
    const [version, isThere] = await Promise.all([
      this.#redis.read("HGET", "versions", "settings"),
      this.#redis.read("EXISTS", "settings"),
    ]);
    return isThere === 1 ? Number(version) : undefined;
  }

  override async merge(values: SetValues): Promise<void> {
    const commit = putSettings(new Commit(), values);
    await this.#redis.again(() => commit.run(this.#redis));
  }

  override async reset(): Promise<undefined> {
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
