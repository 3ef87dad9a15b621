// keep_completed with real starts.
import { assertEquals } from "@std/assert";
import { withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";
import { isOnServer } from "../support/test_store.ts";

Deno.test("keep_completed removes old completed and cancelled jobs while starts run", () =>
  withQueue(async (queue) => {
    const lines = Array.from({ length: 30 }, (_, i) => `echo ${i}`).join("\n");
    await queue.run(["enqueue", "--file", "-"], { input: lines });
    const dead = await queue.ok("enqueue", "--max-retries", "0", "false");
    const later = await queue.ok("enqueue", "--delay", "1h", "true");
    await queue.ok("job", "cancel", await queue.ok("enqueue", "--delay", "1h", "true"));
    await queue.start("--count", "2");
    await queue.start();
    await waitUntil(async () => (await queue.json("status")).jobs.completed === 30, "all ran");
    await queue.ok("config", "--key", "keep_completed", "--value", "500ms");
    const ids = async () =>
      (await queue.json("list")).map((job: { id: string }) => job.id).sort().join();
    await waitUntil(async () => await ids() === [dead, later].sort().join(), "the old are gone");
    assertEquals((await queue.run(["storage", "check"])).code, 0);
    if (isOnServer) return;
    const logs = [...Deno.readDirSync(`${queue.data}/jobs`)].flatMap(({ name }) =>
      [...Deno.readDirSync(`${queue.data}/jobs/${name}`)].filter((file) =>
        file.name.endsWith(".log")
      )
    );
    assertEquals(logs.length, 1);
  }));
