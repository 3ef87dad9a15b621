// A queue on Redis servers that a Sentinel watches over: it is found by that, and followed.
import { assertEquals } from "@std/assert";
import { QueueProgram } from "../support/queue_program.ts";
import { startWatchedRedis } from "../support/redis_sentinel.ts";
import { withTempDir } from "../support/temp_dir.ts";

const watched = await startWatchedRedis();
if (watched !== undefined) {
  const { port, master, password, first } = watched;
  const programAt = (dir: string, url: string) =>
    QueueProgram.at(url, dir, { QUEUECTL_STORE_PASSWORD: password });

  Deno.test("Redis with Sentinel: workers follow the queue to the new master", () =>
    withTempDir(async (dir) => {
      const queue = programAt(dir, `redis://127.0.0.1:${port}?sentinel=${master}`);
      try {
        await queue.start();
        await queue.ok("enqueue", "--job-id", "before", "true");
        await queue.waitForState("before", "completed");
        await watched.failOver();
        await queue.ok("enqueue", "--job-id", "after", "true");
        await queue.waitForState("after", "completed");
        assertEquals(await queue.state("before"), "completed");
      } finally {
        await queue.end();
      }
    }));

  Deno.test("Redis with Sentinel: a URL that can't be right is refused, with what to do", () =>
    withTempDir(async (dir) => {
      const said = async (url: string) => {
        const { code, stderr } = await programAt(dir, url).run(["enqueue", "true"]);
        return [code, stderr.trimEnd().replace(url, "URL").split("\n")];
      };
      assertEquals(await said(`redis://127.0.0.1:${port}/1`), [1, [
        "queuectl: Cannot use URL: it is a Sentinel",
        "Name the master that it watches: ?sentinel=NAME in the URL",
      ]]);
      assertEquals(await said(`redis://127.0.0.1:${port}?sentinel=none`), [1, [
        'queuectl: Cannot use URL: it watches no master "none"',
        "sentinel=NAME in the URL is as in its configuration: sentinel monitor NAME",
      ]]);
      const server = first.url().replace(/\?.*/, "");
      assertEquals(await said(`${server}?sentinel=${master}`), [1, [
        "queuectl: Cannot use URL: it is not a Sentinel",
        "Leave sentinel=NAME out of the URL",
      ]]);
    }));
}
