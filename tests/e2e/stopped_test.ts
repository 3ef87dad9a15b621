// Suspended processes (SIGSTOP), which do not answer: commands that wait for them end with a clear
// message, and stop --force ends them. Real processes.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { lives } from "../support/processes.ts";
import { numberOnceIn, type QueueProgram, withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";

const ignore = Deno.build.os === "windows";

/** A job that runs until it is ended, its process id, and who looks after it. */
async function running(queue: QueueProgram) {
  await queue.ok("config", "--key", "kill_grace", "--value", "0.2");
  const id = await queue.ok("enqueue", `echo $$ >${queue.dir}/pid; exec sleep 300`);
  const supervisor = await queue.start();
  const pid = await numberOnceIn(`${queue.dir}/pid`);
  const [worker] = await queue.workers();
  return { id, pid, supervisor, worker: worker! };
}

Deno.test({
  name: "stop --force ends a worker and a supervisor that were stopped, and their jobs",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const { id, pid, supervisor, worker } = await running(queue);
      for (const one of [supervisor.pid, worker.pid]) Deno.kill(one, "SIGSTOP");
      await queue.ok("stop", "--force");
      assertEquals([lives(worker.pid), lives(pid)], [false, false]);
      await supervisor.status;
      assertEquals(await queue.state(id), "pending");
      assertEquals((await queue.json("job", "show", id)).history[0].outcome, "released");
    }),
});

Deno.test({
  name: "stop --force kills a worker that does not listen, and ends its job",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const { id, pid, supervisor, worker } = await running(queue);
      // Whatever makes it go on, it is stopped again, as by a debugger.
      const stopping = setInterval(() => {
        try {
          Deno.kill(worker.pid, "SIGSTOP");
        } catch {
          clearInterval(stopping);
        }
      }, 1);
      Deno.kill(worker.pid, "SIGSTOP");
      try {
        await queue.ok("stop", "--force");
      } finally {
        clearInterval(stopping);
      }
      assertEquals([lives(worker.pid), lives(pid)], [false, false]);
      await supervisor.status;
      assertEquals(await queue.state(id), "pending");
    }),
});

Deno.test({
  name: "a second SIGTERM to start ends also a worker that was stopped",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const { id, pid, supervisor, worker } = await running(queue);
      Deno.kill(worker.pid, "SIGSTOP");
      // Of signals that come close together a process may see one.
      await waitUntil(() => {
        if (!lives(supervisor.pid)) return true;
        supervisor.kill("SIGTERM");
      }, "start has ended");
      assertEquals([lives(worker.pid), lives(pid)], [false, false]);
      assertEquals(await queue.state(id), "pending");
    }),
});

Deno.test({
  name: "job cancel and stop say who does not answer, rather than wait for ever",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const { id, pid, supervisor, worker } = await running(queue);
      for (const one of [supervisor.pid, worker.pid]) Deno.kill(one, "SIGSTOP");
      const [cancel, stop] = await Promise.all([
        queue.run(["job", "cancel", id]),
        queue.run(["stop"]),
      ]);
      for (const one of [supervisor.pid, worker.pid]) Deno.kill(one, "SIGCONT");
      assertEquals([cancel.code, stop.code], [1, 1]);
      assertStringIncludes(
        cancel.stderr,
        `Cannot cancel job "${id}": worker-1 (process ${worker.pid}`,
      );
      assertStringIncludes(stop.stderr, `worker-1 (process ${worker.pid} on ${Deno.hostname()})`);
      assertStringIncludes(stop.stderr, "no sign of life for");
      assert(lives(pid));
    }),
});
