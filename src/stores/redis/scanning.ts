// What may be too much for one reply: it is read portion by portion, and each of it comes at least once.
import type { Redis } from "./connection.ts";

/** What is in a hash or a sorted set: names and values, one after the other. */
export function scan(
  redis: Redis,
  command: "HSCAN" | "ZSCAN",
  key: string,
): AsyncIterable<readonly string[]> {
  return portions(redis, [command, redis.base + key]);
}

/** The names of keys that begin so, without the prefix. */
export async function* keysOf(redis: Redis, beginning: string): AsyncIterable<readonly string[]> {
  const pattern = `${(redis.base + beginning).replace(/[\\*?[\]]/g, "\\$&")}*`;
  for await (const names of portions(redis, ["SCAN"], "MATCH", pattern)) {
    yield names.map((name) => name.slice(redis.base.length));
  }
}

/** Removes all keys whose names begin so. */
export async function removeAll(redis: Redis, beginning: string): Promise<void> {
  for await (const keys of keysOf(redis, beginning)) {
    if (keys.length === 0) continue;
    const names = keys.map((key) => redis.base + key);
    await redis.again(() => redis.askPlain("UNLINK", ...names));
  }
}

async function* portions(
  redis: Redis,
  begin: readonly string[],
  ...end: readonly string[]
): AsyncIterable<readonly string[]> {
  let cursor = "0";
  do {
    const words = [...begin, cursor, ...end, "COUNT", "500"];
    const reply = await redis.again(() => redis.askPlain(...words));
    const [next, found] = reply as [string, string[]];
    yield found;
    cursor = next;
  } while (cursor !== "0");
}
