// A queue that is to be on replicas, and a server that has none.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { QueueProgram } from "../support/queue_program.ts";
import { startRedis } from "../support/redis_server.ts";
import { withTempDir } from "../support/temp_dir.ts";

const server = await startRedis({ settings: ["--appendonly", "no"] });
if (server !== undefined) {
  Deno.test("Redis without the replicas of the URL: enqueue, start and status say so", () =>
    withTempDir(async (dir) => {
      const queue = QueueProgram.at(`${server.url()}&replicas=1`, dir);
      const { code, stdout, stderr } = await queue.run(["enqueue", "--job-id", "a", "true"]);
      assertEquals([code, stdout], [1, ""]);
      assertStringIncludes(stderr, 'Job "a" is enqueued, but too few replicas');

      const started = await queue.run(["start", "--drain"]);
      assertEquals([started.code, await queue.state("a")], [0, "completed"]);
      const { warnings } = await queue.json("status", "--verbose");
      const text = await queue.ok("status", "--verbose");
      const kinds = ["keeps no log of changes", "0 of 1 wanted replicas follow it"];
      assertEquals(warnings.length, kinds.length);
      for (const [i, kind] of kinds.entries()) {
        assertStringIncludes(warnings[i], kind);
        assertStringIncludes(text, `Warning ${warnings[i]}`);
        assertEquals(started.stderr.split(`queuectl: ${warnings[i]}\n`).length, 2, "said once");
      }
      assert(!(await queue.ok("status")).includes("Warning"));
    }));
}
