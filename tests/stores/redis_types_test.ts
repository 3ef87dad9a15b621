// Keys of another program under the same prefix: nothing is left half done, and one line says which.
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import type { Redis } from "../../src/stores/redis/connection.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { KEY_TYPES } from "../../src/stores/redis/keys.ts";
import { keysOf, removeAll } from "../../src/stores/redis/scanning.ts";
import { ensureVersion } from "../../src/stores/redis/version.ts";
import { aJob, EPOCH } from "../support/jobs.ts";
import { redisQueues, startRedis } from "../support/redis_server.ts";

const BY = { worker: "w-1", pid: 1, host: "box" };
/** All that is kept, but the key of the other program. */
async function everything(redis: Redis, but: string): Promise<unknown> {
  const found: [string, unknown][] = [];
  for await (const names of keysOf(redis, "")) {
    for (const name of names) {
      if (name !== but) found.push([name, await redis.read("DUMP", name)]);
    }
  }
  return found.sort(([one], [other]) => one < other ? -1 : 1);
}

const server = await startRedis();

if (server !== undefined) {
  const withQueue = redisQueues(server);
  const test = (says: string, body: (open: () => Redis) => Promise<void>) =>
    Deno.test(`Redis: ${says}`, () => withQueue(body));

  test("a key that is not of ours fails a change as a whole, whichever it is", async (open) => {
    const redis = open();
    const jobs = new RedisJobs(redis);
    for (const key of Object.values(KEY_TYPES).flat()) {
      await removeAll(redis, "");
      await jobs.add([aJob({ id: "a", queue: "q", group: "g" })]);
      await redis.ask("DEL", key);
      await redis.ask(key === "version" ? "LPUSH" : "SET", key, "x");
      const before = await everything(redis, key);
      const change = () => jobs.add([aJob({ id: "b", unique: "k" })]);
      for (const fails of [change, () => ensureVersion(redis)]) {
        const error = await assertRejects(fails, QueueError, "another program uses keys");
        assertEquals(error.code, "refused");
        assertStringIncludes(error.hint ?? "", "?prefix=");
      }
      // Whoever opens the queue is told which key it is.
      await assertRejects(() => ensureVersion(redis), QueueError, `(${redis.base}${key} is a `);
      assertEquals(await everything(redis, key), before, key);
    }
  });

  test("a job that has fallen due is where it was when a claim fails half-way", async (open) => {
    const redis = open();
    const jobs = new RedisJobs(redis, { now: () => EPOCH });
    await jobs.add([aJob({ id: "a", runAt: EPOCH + 1000 })]);
    await redis.ask("SET", "head_of", "x");
    await assertRejects(() => jobs.claim(BY, EPOCH + 2000), QueueError, "same prefix");
    await redis.ask("DEL", "head_of");
    assertEquals((await jobs.claim(BY, EPOCH + 2000))?.id, "a");
    assertEquals(await redis.read("ZCARD", "later"), 0);
  });
}
