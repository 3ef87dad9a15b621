// A server that goes away after a change was made, and before others were told of it.
import { assertEquals } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { cancelled } from "../../src/queue/transitions.ts";
import type { Redis } from "../../src/stores/redis/connection.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { aJob } from "../support/jobs.ts";
import { redisQueues, startRedis } from "../support/redis_server.ts";

/** A connection that is gone whenever it is asked who is still to be told. */
function thatTellsNobody(redis: Redis): Redis {
  const read = redis.read.bind(redis);
  redis.read = (command, key, ...rest) =>
    key === "owes" && command === "HGETALL"
      ? Promise.reject(new QueueError("unavailable", "Cannot reach the server"))
      : read(command, key, ...rest);
  return redis;
}

const server = await startRedis();
if (server !== undefined) {
  const withQueue = redisQueues(server);

  Deno.test("Redis: a change is made although those who wait can't be told at once", () =>
    withQueue(async (open) => {
      const jobs = new RedisJobs(thatTellsNobody(open()));
      await jobs.add([aJob({ id: "a" }), aJob({ id: "b", after: ["a"] })]);
      assertEquals((await jobs.change("a", cancelled)).status.state, "cancelled");
      assertEquals(await jobs.add([aJob({ id: "c", after: ["a"] })]), 1);
      await jobs.remove("a", () => undefined);
      // Whoever comes next tells them.
      const others = new RedisJobs(open());
      await others.recover();
      assertEquals((await others.count()).cancelled, 2);
    }));
}
