// Chaos on Redis, which has written to the disk what it has answered.
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { RedisQueues } from "../../src/stores/redis/queues.ts";
import { redisQueues, startRedis } from "../support/redis_server.ts";
import { testChaos } from "./chaos_scenario.ts";

const server = await startRedis();
if (server !== undefined) {
  testChaos("RedisJobs", (test) =>
    redisQueues(server, 60_000)(async (open) => {
      const looker = open();
      await test({
        jobs: (options) => new RedisJobs(open(), options),
        queues: () => new RedisQueues(open()),
        killOne: async () => {
          const clients = String(await server.command("CLIENT", "LIST")).matchAll(/\bid=(\d+)/g);
          const ids = Array.from(clients, ([, id]) => id!);
          const id = ids[Math.floor(Math.random() * ids.length)]!;
          await server.command("CLIENT", "KILL", "ID", id);
        },
        running: async (queue) => {
          const [low, high] = [`[${queue}/processing/`, `(${queue}/processing0`];
          return await looker.read("ZLEXCOUNT", "active", low, high) as number;
        },
        owes: async () => await looker.read("EXISTS", "owes") === 1,
        tell: (word) => server.tell(word),
      });
    }));
}
