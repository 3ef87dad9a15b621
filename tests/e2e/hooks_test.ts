// Hooks with real workers, one of which is killed at the wrong moment.
import { assertEquals } from "@std/assert";
import { type QueueProgram, withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";

const SAY = 'echo "$QUEUECTL_HOOK_JOB_ID $QUEUECTL_HOOK_STATE $QUEUECTL_HOOK_QUEUE ' +
  '$QUEUECTL_HOOK_ATTEMPTS $QUEUECTL_HOOK_EXIT_CODE $QUEUECTL_HOOK_COMMAND"';

async function withHooks(queue: QueueProgram): Promise<() => string[]> {
  const said = `${queue.dir}/said`;
  Deno.writeTextFileSync(said, "");
  for (const key of ["on_completed", "on_dead"]) {
    await queue.ok("config", "--key", key, "--value", `${SAY} >>'${said}'`);
  }
  return () => Deno.readTextFileSync(said).split("\n").slice(0, -1).sort();
}

Deno.test("a job that completes or dies runs its hook once, and a hook has none", () =>
  withQueue(async (queue) => {
    const said = await withHooks(queue);
    await queue.ok("config", "--key", "backoff_base", "--value", "1");
    await queue.ok("enqueue", "--job-id", "good", "--queue", "q", "echo 'two words'");
    await queue.ok("enqueue", "--job-id", "bad", "--max-retries", "1", "exit 7");
    await queue.ok("enqueue", "--job-id", "off", "--delay", "1h", "true");
    await queue.ok("job", "cancel", "off");
    await queue.ok("start", "--drain", "--count", "2");
    assertEquals(said(), ["bad dead default 2 7 exit 7", "good completed q 1 0 echo 'two words'"]);
    const hooks = await queue.json("list", "--queue", "hooks");
    assertEquals(hooks.map((job: { state: string }) => job.state), ["completed", "completed"]);
    await queue.ok("job", "retry", "good");
    await queue.ok("start", "--drain");
    assertEquals(said().length, 3);
    assertEquals(said()[2], "good completed q 2 0 echo 'two words'");
  }));

Deno.test("hooks run once although the workers are killed again and again", () =>
  withQueue(async (queue) => {
    const said = await withHooks(queue);
    const ids = Array.from({ length: 40 }, (_, i) => `j${i}`);
    const lines = ids.map((id) => JSON.stringify({ id, command: "sleep 0.02" })).join("\n");
    await queue.run(["enqueue", "--file", "-"], { input: lines });
    await queue.start("--count", "2");
    const completed = async () => (await queue.json("status")).jobs.completed as number;
    for (let kills = 0; kills < 3; kills++) {
      const before = await completed();
      if (before === 2 * ids.length) break;
      await waitUntil(async () => await completed() > before, "something has completed");
      for (const { pid } of await queue.workers()) {
        try {
          Deno.kill(pid, "SIGKILL");
        } catch { /* it has ended by itself */ }
      }
    }
    await waitUntil(
      async () => await completed() === 2 * ids.length,
      "all jobs and hooks have completed",
      60_000,
    );
    const expected = ids.map((id) => `${id} completed default 1 0 sleep 0.02`).sort();
    assertEquals(said(), expected);
    await queue.ok("storage", "check");
  }));
