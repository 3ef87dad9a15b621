// Answers of Redis that are lost.
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { RedisLogs } from "../../src/stores/redis/outputs.ts";
import { CHANGE } from "../../src/stores/redis/script_change.ts";
import { CHANGE_AND_CLAIM, CLAIM_ONE } from "../../src/stores/redis/script_claim.ts";
import { hashOf } from "../../src/stores/redis/script_common.ts";
import { startRedis } from "../support/redis_server.ts";
import { testLostAnswers } from "./lost_answers_scenarios.ts";

const server = await startRedis();
if (server !== undefined) {
  const [change, finish, claim] = await Promise.all(
    [CHANGE, CHANGE_AND_CLAIM, CLAIM_ONE].map(hashOf),
  );
  let queues = 0;
  testLostAnswers({
    name: "RedisJobs",
    socket: `${server.folder}/s`,
    withStores: async ({ config }, test) => {
      const prefix = `test-${++queues}`;
      const direct = server.connect(prefix);
      const redis = server.connect(prefix, { address: { host: config.host, port: config.port } });
      try {
        // What is lost is to be the answer to a script that the server knows.
        await direct.run(CHANGE, ["0", "0"]);
        await direct.run(CHANGE_AND_CLAIM, ["0", "0", "q"]);
        await direct.run(CLAIM_ONE, ["w", "1", "box", "", "", "-1"]);
        await test((options) => new RedisJobs(redis, options), new RedisLogs(direct));
      } finally {
        await direct.close();
        await redis.close();
      }
    },
    words: { add: change!, addMany: change!, finish: finish!, change: change!, claim: claim! },
  });
}
