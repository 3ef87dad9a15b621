// What a restore that was killed has left is found, and removed, once it is sure that it is left.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { backup } from "../../src/stores/redis/backup.ts";
import { check } from "../../src/stores/redis/check.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { RedisLogs } from "../../src/stores/redis/outputs.ts";
import { restore } from "../../src/stores/redis/restore.ts";
import { removeAll } from "../../src/stores/redis/scanning.ts";
import { IDLE, REPLACE } from "../../src/stores/redis/script_rest.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob } from "../support/jobs.ts";
import { before, restoreParts } from "../support/redis_restore.ts";
import { redisQueues, startRedis } from "../support/redis_server.ts";
import { withTempDir } from "../support/temp_dir.ts";

const NO_EVICTION = ["CONFIG", "SET", "maxmemory-policy", "noeviction"];

const server = await startRedis();
if (server !== undefined) {
  const withQueue = redisQueues(server);

  Deno.test("Redis: check() removes what a killed restore has left, and nothing of one that goes on", () =>
    withQueue(async (open) => {
      const redis = open();
      await new RedisJobs(redis).add([aJob({ id: "a" })]);
      await new RedisLogs(redis).put("a", 1, 0, new TextEncoder().encode("hello"));
      const left = ["restore-x:jobs", "restore-x:ids", "out:x:a/1"];
      // Not a number: those the server shares, and what it says of their age is of no key.
      for (const key of left) await redis.ask("SET", key, "text");
      const look = (repair: boolean) => check(redis, { repair }, () => {});
      assertEquals(await look(true), []);
      // It may not know for how long they were not used.
      await server.command("CONFIG", "SET", "maxmemory-policy", "volatile-lfu");
      assertEquals(await look(true).finally(() => server.command(...NO_EVICTION)), []);

      // The server does not let time pass; nobody has used them for long.
      const run = redis.run.bind(redis);
      redis.run = (script, args) => script === IDLE ? Promise.resolve(601) : run(script, args);
      const problem = "was left by a restore that was killed";
      assertEquals(await look(false), [{ path: "restore-x", problem, repaired: null }]);
      assertEquals(await look(true), [{ path: "restore-x", problem, repaired: "removed" }]);
      assertEquals(await look(false), []);
      for (const key of left) assertEquals(await redis.read("EXISTS", key), 0);
      assertEquals(await new RedisLogs(redis).size("a", 1), 5);
    }));

  Deno.test("Redis: restore() changes nothing if what it had built is gone", () =>
    withQueue((open) =>
      withTempDir(async (dir) => {
        const redis = open();
        const jobs = new RedisJobs(redis);
        await jobs.add([aJob({ id: "a" })]);
        await backup(redis, `${dir}/copy`, diskFiles, () => {});
        before(redis, REPLACE, () => removeAll(redis, "restore-"));
        const restoring = restore(restoreParts(redis, server), `${dir}/copy`, () => {});
        await assertRejects(() => restoring, QueueError, "nothing was changed");
        assertEquals((await jobs.get("a"))?.id, "a");
      })
    ));
}
