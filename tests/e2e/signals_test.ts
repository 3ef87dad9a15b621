// Signals to a supervisor and its workers, and a reader that does not read: real processes.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ignoredSignals } from "../../src/system/signals.ts";
import { lives } from "../support/processes.ts";
import { programUnderTest } from "../support/program.ts";
import { numberOnceIn, type QueueProgram, withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";
import { testOfFolder } from "../support/test_store.ts";

const ignore = Deno.build.os === "windows";

/** `queuectl start`, in a shell that does `before`; its stderr goes to a file. */
function startIn(queue: QueueProgram, before: string, ...words: string[]): Deno.ChildProcess {
  const { program, args } = programUnderTest();
  return new Deno.Command("/bin/sh", {
    args: [
      "-c",
      `${before}; exec "$@" 2>"$0"`,
      `${queue.dir}/told`,
      program,
      ...args,
      "start",
      ...words,
    ],
    env: queue.env,
    stdin: "null",
    stdout: "null",
  }).spawn();
}

const told = (queue: QueueProgram) => Deno.readTextFileSync(`${queue.dir}/told`);

/** A job that tells its process id, and goes on until a file is there. */
const job = (dir: string) => `echo $$ >>${dir}/pid; until test -e ${dir}/go; do sleep 0.05; done`;

Deno.test({
  name: "ignoredSignals() tells which a process was started to ignore",
  ignore,
  fn: async () => {
    const script = `import { ignoredSignals } from "${
      new URL("../../src/system/signals.ts", import.meta.url).href
    }"; console.log([...await ignoredSignals(["HUP", "INT"])].join());`;
    const run = async (before: string) => {
      const { stdout } = await new Deno.Command("/bin/sh", {
        args: ["-c", `${before}; exec "$0" eval "$1"`, Deno.execPath(), script],
        stderr: "null",
      }).output();
      return new TextDecoder().decode(stdout).trim();
    };
    const usual = await run(":");
    assertStringIncludes(await run("trap '' HUP"), "HUP");
    assertEquals(await run("trap '' HUP INT"), "HUP,INT");
    assertEquals(usual, [...await ignoredSignals(["HUP", "INT"])].join());
  },
});

Deno.test({
  name: "start goes on after SIGHUP where that is ignored, as under nohup",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const child = startIn(queue, "trap '' HUP");
      await waitUntil(async () => (await queue.workers()).length > 0, "a worker is there");
      const [worker] = await queue.workers();
      child.kill("SIGHUP");
      Deno.kill(worker!.pid, "SIGHUP");
      await queue.ok("job", "wait", "--timeout", "60", await queue.ok("enqueue", "true"));
      assertEquals((await queue.workers()).map(({ pid }) => pid), [worker!.pid]);
      child.kill("SIGTERM");
      assertEquals((await child.status).code, 0);
    }),
});

testOfFolder(
  "start is not stopped by a request to an earlier one that had its process id",
  () =>
    withQueue(async (queue) => {
      const id = await queue.ok("enqueue", "true");
      // The shell becomes the program, so the process id is the program's.
      const request = `: >"$QUEUECTL_DATA_DIR/control/supervisor-$$.stop-graceful"`;
      assertEquals((await startIn(queue, request, "--drain").status).code, 0);
      assertEquals(await queue.state(id), "completed");
      assertEquals([...Deno.readDirSync(`${queue.data}/control`)], []);
    }),
  ignore,
);

Deno.test({
  name: "SIGHUP, however often, ends start gracefully and kills no job",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const id = await queue.ok("enqueue", job(queue.dir));
      // With an ignored SIGHUP, as under nohup, this test would have nothing to test.
      if ((await ignoredSignals(["HUP"])).has("HUP")) return;
      const child = startIn(queue, ":");
      const pid = await numberOnceIn(`${queue.dir}/pid`);
      child.kill("SIGHUP");
      await waitUntil(() => told(queue).includes("SIGHUP: running jobs end first"), "it is told");
      for (const signal of ["SIGHUP", "SIGTERM", "SIGHUP"] as const) child.kill(signal);
      assertEquals((await queue.run(["job", "wait", id, "--timeout", "1"])).code, 1);
      assert(lives(pid));
      Deno.writeTextFileSync(`${queue.dir}/go`, "");
      assertEquals((await child.status).code, 0);
      assertEquals(await queue.state(id), "completed");
      assert(!told(queue).includes("killing"));
    }),
});

Deno.test({
  name: "a worker that SIGTERM ends lets its job end, and is replaced",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const id = await queue.ok("enqueue", job(queue.dir));
      const child = startIn(queue, ":");
      await numberOnceIn(`${queue.dir}/pid`);
      const [worker] = await queue.workers();
      Deno.kill(worker!.pid, "SIGTERM");
      Deno.writeTextFileSync(`${queue.dir}/go`, "");
      await queue.waitForState(id, "completed");
      await queue.ok("job", "wait", "--timeout", "60", await queue.ok("enqueue", "true"));
      assert((await queue.workers()).every(({ pid }) => pid !== worker!.pid));
      assertStringIncludes(
        told(queue),
        `the worker with process id ${worker!.pid} ended by SIGTERM; starting another`,
      );
      await queue.ok("stop");
      assertEquals((await child.status).code, 0);
    }),
});

Deno.test({
  name: "start runs its jobs, and stops, although nobody reads what it writes",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const { program, args } = programUnderTest();
      await queue.ok("config", "--key", "log_level", "--value", "DEBUG");
      // Some 200 bytes of event lines each: more than a pipe and the memory behind it hold.
      const lines = `: ${"x".repeat(100)}\n`.repeat(600);
      await queue.run(["enqueue", "--file", "-"], { input: lines });
      const child = new Deno.Command(program, {
        args: [...args, "start", "--count", "2"],
        env: { ...queue.env, COLUMNS: "200" },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      await waitUntil(
        async () => (await queue.json("status")).jobs.completed === 600,
        "all jobs have run",
        120_000,
      );
      await queue.ok("stop");
      assertEquals((await child.status).code, 0);
      await child.stderr.cancel();
    }),
});

Deno.test({
  name: "start as process 1 of a container runs jobs, stops, and says that it wants an init",
  // It takes the right to make a PID namespace.
  ignore: Deno.build.os !== "linux" || !canUnshare(),
  fn: () =>
    withQueue(async (queue) => {
      await queue.ok("enqueue", "--job-id", "a", "true");
      const { program, args } = programUnderTest();
      const { code, stderr } = await new Deno.Command("unshare", {
        args: ["-pf", "--mount-proc", program, ...args, "start", "--drain"],
        env: queue.env,
        stdin: "null",
        stdout: "null",
      }).output();
      const text = new TextDecoder().decode(stderr);
      assertEquals([code, await queue.state("a")], [0, "completed"], text);
      assertStringIncludes(text, "queuectl is process 1 here");
    }),
});

function canUnshare(): boolean {
  try {
    return new Deno.Command("unshare", {
      args: ["-pf", "--mount-proc", "true"],
      stderr: "null",
    }).outputSync().success;
  } catch {
    return false;
  }
}
