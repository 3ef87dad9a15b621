// The conformance suites against a real Redis.
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { RedisQueues } from "../../src/stores/redis/queues.ts";
import { RedisSchedules } from "../../src/stores/redis/schedules.ts";
import { redisQueues, startRedis } from "../support/redis_server.ts";
import { testJobStore } from "./conformance.ts";
import { testDependencies } from "./dependency_conformance.ts";
import { testQueues } from "./queue_conformance.ts";
import { testScheduleStore } from "./schedule_conformance.ts";
import { testStartBy } from "./start_by_conformance.ts";
import { testUniqueKeys } from "./unique_conformance.ts";
import type { WithStore } from "./with_store.ts";

const server = await startRedis();
if (server !== undefined) {
  const withQueue = redisQueues(server);
  const withStore: WithStore = (test, now) =>
    withQueue(async (open) => {
      const store = () => Promise.resolve(new RedisJobs(open(), { now }));
      await test(await store(), store);
    });

  testJobStore("RedisJobs", withStore);
  testDependencies("RedisJobs", withStore);
  testUniqueKeys("RedisJobs", withStore);
  testStartBy("RedisJobs", withStore);
  testQueues("RedisQueues", (test, now) =>
    withQueue(async (open) => {
      const connections = [open(), open(), open()] as const;
      // A test that says how time passes leaves none for connecting.
      for (const redis of connections) await redis.info();
      const [first, second, third] = connections;
      await test({
        jobs: new RedisJobs(first, { now }),
        others: new RedisJobs(second, { now }),
        queues: new RedisQueues(third),
      });
    }));
  testScheduleStore("RedisSchedules", (test) =>
    withQueue(async (open) => {
      const jobs = new RedisJobs(open());
      const schedules = () => new RedisSchedules(open(), { jobs });
      await test(jobs, schedules(), schedules);
    }));
}
