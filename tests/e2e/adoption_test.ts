// Jobs outlive their workers: whatever is killed, a job runs once, and how it ended is recorded.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { lives } from "../support/processes.ts";
import { numberOnceIn, type QueueProgram, withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";

/** A job that tells its process id, and goes on until a file is there. */
const job = (dir: string, name: string, end = "exit 0") =>
  `echo $$ >>${dir}/${name}.pid; echo begin; until test -e ${dir}/${name}.go; do sleep 0.05; done; echo end; ${end}`;

/**
 * A job that runs on, and of which all that looked after it was killed: its id, its process, and
 * the name of its worker.
 */
async function orphan(queue: QueueProgram): Promise<{ id: string; pid: number; worker: string }> {
  const id = await queue.ok("enqueue", job(queue.dir, "a"));
  const supervisor = await queue.start();
  const pid = await numberOnceIn(`${queue.dir}/a.pid`);
  const [worker] = await queue.workers();
  for (const one of [supervisor.pid, worker!.pid]) Deno.kill(one, "SIGKILL");
  await supervisor.status;
  await waitUntil(async () => (await queue.workers()).length === 0, "the worker is dead");
  return { id, pid, worker: worker!.name };
}

Deno.test("a job whose worker is killed goes on, and is recorded as if nothing had happened", () =>
  withQueue(async (queue) => {
    const id = await queue.ok("enqueue", "--max-retries", "0", job(queue.dir, "a", "exit 3"));
    await queue.start();
    await numberOnceIn(`${queue.dir}/a.pid`);
    const [worker] = await queue.workers();
    Deno.kill(worker!.pid, "SIGKILL");
    await waitUntil(
      async () => (await queue.workers()).some(({ pid }) => pid !== worker!.pid),
      "another worker comes",
    );
    assertEquals(await queue.state(id), "processing");
    Deno.writeTextFileSync(`${queue.dir}/a.go`, "");
    await queue.waitForState(id, "dead");
    const { history } = await queue.json("job", "show", id);
    assertEquals(
      history.map((one: { outcome: string; exit_code: number }) => [one.outcome, one.exit_code]),
      [
        ["failed", 3],
      ],
    );
    assertEquals(await queue.ok("job", "logs", id), "begin\nend");
    assertEquals(Deno.readTextFileSync(`${queue.dir}/a.pid`).trim().split("\n").length, 1);
  }));

Deno.test("a job goes on when supervisor and worker are killed, and the next start takes it over", () =>
  withQueue(async (queue) => {
    const { id, pid } = await orphan(queue);
    assert(lives(pid));
    Deno.writeTextFileSync(`${queue.dir}/a.go`, "");
    await waitUntil(() => !lives(pid), "the job has ended");
    await queue.ok("start", "--drain");
    const { state, history } = await queue.json("job", "show", id);
    assertEquals([state, history.length, history[0].outcome], ["completed", 1, "succeeded"]);
  }));

Deno.test("an attempt of which nothing is left is lost, and the job is retried at once", () =>
  withQueue(async (queue) => {
    const id = await queue.ok("enqueue", job(queue.dir, "a"));
    const supervisor = await queue.start();
    const pid = await numberOnceIn(`${queue.dir}/a.pid`);
    const [worker] = await queue.workers();
    const shell = Number(
      /^shell (\d+)/.exec(Deno.readTextFileSync(`${queue.data}/workers/${worker!.name}.runs`))![1],
    );
    for (const one of [supervisor.pid, worker!.pid, shell, pid]) Deno.kill(one, "SIGKILL");
    await supervisor.status;
    Deno.writeTextFileSync(`${queue.dir}/a.go`, "");
    await queue.ok("start", "--drain");
    const { state, history } = await queue.json("job", "show", id);
    assertEquals([state, ...history.map((one: { outcome: string }) => one.outcome)], [
      "completed",
      "lost",
      "succeeded",
    ]);
  }));

Deno.test("cancel and timeouts reach jobs whose worker was killed", () =>
  withQueue(async (queue) => {
    const cancelled = await queue.ok("enqueue", job(queue.dir, "a"));
    const late = await queue.ok(
      "enqueue",
      "--timeout",
      "4",
      "--max-retries",
      "0",
      job(queue.dir, "b"),
    );
    await queue.start("--count", "2");
    await numberOnceIn(`${queue.dir}/a.pid`);
    await numberOnceIn(`${queue.dir}/b.pid`);
    for (const { pid } of await queue.workers()) Deno.kill(pid, "SIGKILL");
    await queue.ok("job", "cancel", cancelled);
    assertEquals(await queue.state(cancelled), "cancelled");
    await queue.waitForState(late, "dead");
    assertEquals((await queue.json("job", "show", late)).history[0].outcome, "timed_out");
    for (const name of ["a", "b"]) {
      const pid = await numberOnceIn(`${queue.dir}/${name}.pid`);
      await waitUntil(() => !lives(pid), `${name} is gone`);
    }
  }));

Deno.test("job cancel ends a job of which all that looked after it was killed", () =>
  withQueue(async (queue) => {
    const { id, pid, worker } = await orphan(queue);
    assertStringIncludes(await queue.ok("status"), "1 job runs on without its worker");
    assertStringIncludes(await queue.ok("job", "show", id), `on ${worker}, which is gone, `);
    assertEquals(await queue.ok("job", "cancel", id), `Cancelled ${id}`);
    await waitUntil(() => !lives(pid), "the job is gone");
    const { state, history } = await queue.json("job", "show", id);
    assertEquals([state, history.length, history[0].outcome], ["cancelled", 1, "cancelled"]);
    await queue.ok("start", "--drain");
    await queue.ok("storage", "check");
  }));

Deno.test("stop --force kills jobs of which all that looked after them was killed, and they run again", () =>
  withQueue(async (queue) => {
    const { id, pid } = await orphan(queue);
    assertStringIncludes((await queue.run(["stop"])).stderr, "1 job without a worker still runs");
    assertEquals(
      (await queue.run(["stop", "--force"])).stderr,
      "Killed 1 job that had no worker\n",
    );
    await waitUntil(() => !lives(pid), "the job is gone");
    assertEquals(await queue.state(id), "pending");
    Deno.writeTextFileSync(`${queue.dir}/a.go`, "");
    await queue.ok("start", "--drain");
    const { history } = await queue.json("job", "show", id);
    assertEquals(history.map(({ outcome }: { outcome: string }) => outcome), [
      "released",
      "succeeded",
    ]);
  }));

Deno.test("a job whose file is damaged while it is adopted costs no other job, and no worker", () =>
  withQueue(async (queue) => {
    await queue.ok("enqueue", "--job-id", "a", job(queue.dir, "a"));
    await queue.start();
    await numberOnceIn(`${queue.dir}/a.pid`);
    const [worker] = await queue.workers();
    Deno.kill(worker!.pid, "SIGKILL");
    const next = await waitUntil(
      async () => (await queue.workers()).find(({ pid }) => pid !== 0 && pid !== worker!.pid),
      "another worker comes",
    );
    Deno.truncateSync(`${queue.data}/jobs/a/a.jsonl`, 20);
    Deno.writeTextFileSync(`${queue.dir}/a.go`, "");
    const other = await queue.ok("enqueue", "true");
    await queue.waitForState(other, "completed");
    assertEquals((await queue.workers()).map(({ pid }) => pid), [next.pid]);
    assertEquals((await queue.run(["storage", "check"])).code, 1);
    await queue.ok("storage", "check", "--repair");
    await queue.ok("storage", "check");
  }));

Deno.test("workers end by themselves when their supervisor is killed, after the job at hand", () =>
  withQueue(async (queue) => {
    const id = await queue.ok("enqueue", job(queue.dir, "a"));
    const supervisor = await queue.start();
    await numberOnceIn(`${queue.dir}/a.pid`);
    supervisor.kill("SIGKILL");
    await supervisor.status;
    Deno.writeTextFileSync(`${queue.dir}/a.go`, "");
    await queue.waitForState(id, "completed");
    await waitUntil(async () => (await queue.workers()).length === 0, "the worker has ended");
    await queue.ok("storage", "check");
  }));
