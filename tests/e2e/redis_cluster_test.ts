// Workers of a queue on a cluster of Redis servers, which they follow from node to node.
import { QueueProgram } from "../support/queue_program.ts";
import { startRedisCluster } from "../support/redis_cluster.ts";
import { withTempDir } from "../support/temp_dir.ts";

const cluster = await startRedisCluster();
if (cluster !== undefined) {
  Deno.test("Redis in a cluster: workers follow the queue, also to a node that is new", () =>
    withTempDir(async (dir) => {
      const url = `redis://127.0.0.1:${cluster.ports[0]}`;
      const queue = QueueProgram.at(url, dir);
      try {
        await queue.start();
        await queue.ok("enqueue", "--job-id", "before", "true");
        await queue.waitForState("before", "completed");
        await cluster.takeOver();
        await queue.ok("enqueue", "--job-id", "after", "true");
        await queue.waitForState("after", "completed");
        await cluster.takeOverByNewNode();
        await queue.ok("enqueue", "--job-id", "new", "true");
        await queue.waitForState("new", "completed");
      } finally {
        await queue.end();
      }
    }));
}
