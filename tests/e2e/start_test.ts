// How start comes up, and what it says where it can't: by the real program in real processes.
import { assertEquals } from "@std/assert";
import { withQueue } from "../support/queue_program.ts";

Deno.test("start --timeout 30d runs jobs", () =>
  withQueue(async (queue) => {
    await queue.start("--timeout", "30d");
    await queue.ok("job", "wait", "--timeout", "30d", await queue.ok("enqueue", "true"));
    assertEquals((await queue.workers()).length, 1);
  }));
