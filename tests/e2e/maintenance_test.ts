// Repair and restore beside real workers, live and dead ones.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { lives } from "../support/processes.ts";
import { numberOnceIn, withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";
import { testOfFolder } from "../support/test_store.ts";

Deno.test("storage restore refuses while a job runs whose worker has died, until it is ended", () =>
  withQueue(async (queue) => {
    await queue.ok("enqueue", "--job-id", "a", `echo $$ >${queue.dir}/pid; sleep 600`);
    const supervisor = await queue.start();
    const pid = await numberOnceIn(`${queue.dir}/pid`);
    await queue.ok("storage", "backup", `${queue.dir}/copy`);
    const restore = ["storage", "restore", `${queue.dir}/copy`, "--confirm"];
    assertStringIncludes((await queue.run(restore)).stderr, "while workers run");
    const [worker] = await queue.workers();
    for (const one of [supervisor.pid, worker!.pid]) Deno.kill(one, "SIGKILL");
    await supervisor.status;
    await waitUntil(async () => (await queue.workers()).length === 0, "the worker is dead");

    const refused = await queue.run(restore);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, 'job "a" may still run');
    assertStringIncludes(refused.stderr, "queuectl stop --force");
    assert(await lives(pid), "the job goes on");
    await queue.ok("stop", "--force");
    await waitUntil(async () => !await lives(pid), "the job has ended");
    await queue.ok(...restore);
    assertEquals((await queue.json("status")).jobs.pending, 1);
  }));

testOfFolder(
  "start refuses while a backup is restored, and works when that has ended",
  () =>
    withQueue(async (queue) => {
      await queue.ok("enqueue", "true");
      const lock = Deno.openSync(`${queue.data}/workers/cli-restore.lock`, {
        write: true,
        create: true,
      });
      lock.lockSync(true);
      const { code, stderr } = await queue.run(["start", "--drain"]);
      assertEquals([code, stderr.split("\n")[0]], [
        1,
        "queuectl: Cannot start while a backup is restored",
      ]);
      lock.close();
      await queue.ok("start", "--drain");
      assertEquals((await queue.json("status")).jobs.completed, 1);
    }),
);

Deno.test("storage check, with and without repair, finds nothing while workers are busy", () =>
  withQueue(async (queue) => {
    const lines = Array.from({ length: 120 }, (_, i) =>
      JSON.stringify({
        command: `echo $QUEUECTL_JOB_ID $QUEUECTL_ATTEMPT >>${queue.dir}/runs; exit ${i % 3}`,
        max_retries: i % 2,
      })).join("\n");
    await queue.ok("config", "--key", "backoff_base", "--value", "1");
    await queue.run(["enqueue", "--file", "-"], { input: lines });
    await queue.start("--count", "2");
    const isDone = async () => {
      const { pending, processing, failed } = (await queue.json("status")).jobs;
      return pending + processing + failed === 0;
    };
    let done = false;
    const checks = [["storage", "check"], ["storage", "check", "--repair"]].map(async (args) => {
      do assertEquals(await queue.run(args), {
        code: 0,
        stdout: "",
        stderr: "Nothing is wrong\n",
      }); while (!done);
    });
    for (let retries = 0; retries < 3; retries++) await queue.run(["dlq", "retry", "--all"]);
    await waitUntil(isDone, "all have ended", 120_000);
    done = true;
    await Promise.all(checks);
    const runs = Deno.readTextFileSync(`${queue.dir}/runs`).trim().split("\n");
    assertEquals(runs.length, new Set(runs).size, "no attempt ran twice");
  }));

testOfFolder(
  "a repair does not let a job run twice whose ticket was removed while it runs, or after",
  () =>
    withQueue(async (queue) => {
      const { dir, data } = queue;
      const command = `echo $$ >>${dir}/runs; until [ -e ${dir}/go ]; do sleep 0.05; done; exit 3`;
      await queue.ok("enqueue", "--job-id", "a", "--max-retries", "0", command);
      const supervisor = await queue.start("--count", "2");
      await waitUntil(() => existsIn(dir, "runs"), "the job runs");
      const [worker] = (await queue.workers()).filter(({ job_id }) => job_id === "a");
      const folder = `${data}/queue/running/${worker!.name}`;
      const removeTicket = () => {
        for (const { name } of Deno.readDirSync(folder)) Deno.removeSync(`${folder}/${name}`);
      };
      const repair = () => queue.ok("storage", "check", "--repair");

      removeTicket();
      assertStringIncludes(await repair(), `given back to ${worker!.name}, which runs the job`);
      assertEquals(await queue.state("a"), "processing");
      // The same when all are dead, and the job has ended without them.
      for (const { pid } of [supervisor, ...await queue.workers()]) Deno.kill(pid, "SIGKILL");
      await supervisor.status;
      Deno.writeTextFileSync(`${dir}/go`, "");
      const journal = `${data}/workers/${worker!.name}.runs`;
      await waitUntil(
        () => Deno.readTextFileSync(journal).includes("- a 1 3"),
        "the job has ended",
      );
      removeTicket();
      await repair();
      await queue.ok("start", "--drain");
      const { state, history } = await queue.json("job", "show", "a");
      assertEquals([state, history.length, history[0].exit_code], ["dead", 1, 3]);
      assertEquals(Deno.readTextFileSync(`${dir}/runs`).trim().split("\n").length, 1);
    }),
);

function existsIn(folder: string, name: string): boolean {
  return Array.from(Deno.readDirSync(folder)).some((entry) => entry.name === name);
}

testOfFolder(
  "two repairs at once: one waits a moment and is refused while the other is at work",
  () =>
    withQueue(async (queue) => {
      await queue.ok("enqueue", "true");
      const lock = Deno.openSync(`${queue.data}/workers/cli-repair.lock`, {
        write: true,
        create: true,
      });
      lock.lockSync(true);
      const { code, stderr } = await queue.run(["storage", "check", "--repair"]);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "Another process is repairing or restoring this queue");
      lock.close();
      await queue.ok("storage", "check", "--repair");
      assertEquals([...Deno.readDirSync(`${queue.data}/workers`)].map(({ name }) => name), []);
    }),
);
