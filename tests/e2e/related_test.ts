// Jobs that depend on one another, with the real program: many at once, and kill -9 in the middle.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "a pipeline in one file runs in its order on several workers, and goes on after a retry",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const note = (id: string) => `echo ${id} >>log`;
      const lines = [
        { id: "report", command: note("report"), after: ["part-1", "part-2", "part-3"] },
        { id: "clean", command: note("clean"), after_any: ["part-2"] },
        ...[1, 3].map((n) => ({ id: `part-${n}`, command: note(`part-${n}`), after: ["fetch"] })),
        {
          id: "part-2",
          command: `test -e ok && ${note("part-2")}`,
          after: ["fetch"],
          max_retries: 0,
        },
        { id: "fetch", command: note("fetch") },
      ];
      const input = lines.map((line) => JSON.stringify(line)).join("\n");
      const { code, stderr } = await queue.run(["enqueue", "--file", "-"], { input });
      assertEquals(code, 0, stderr);
      const first = await queue.run(["start", "--drain", "--count", "3"]);
      assertEquals(first.code, 0, first.stderr);
      assertStringIncludes(first.stderr, "1 job waits for others");
      assertStringIncludes(
        await queue.ok("job", "show", "report"),
        "part-2 to complete; it is dead",
      );
      await Deno.writeTextFile(`${queue.dir}/ok`, "");
      await queue.ok("dlq", "retry", "part-2");
      await queue.ok("start", "--drain", "--count", "3");
      const log = (await Deno.readTextFile(`${queue.dir}/log`)).trim().split("\n");
      assertEquals([log[0], log.at(-1), log.length], ["fetch", "report", 6]);
      assertEquals(await queue.ok("storage", "check"), "");
    }),
});

Deno.test({
  name: "a job waits no longer when its other one ends after both worker and start were killed",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const first = "until [ -e go-on ]; do sleep 0.05; done";
      await queue.ok("enqueue", "--job-id", "first", first);
      await queue.ok("enqueue", "--job-id", "second", "--after", "first", "echo second");
      const start = await queue.start("--count", "1");
      await queue.waitForState("first", "processing");
      const [worker] = await queue.workers();
      start.kill("SIGKILL");
      Deno.kill(worker!.pid, "SIGKILL");
      await Deno.writeTextFile(`${queue.dir}/go-on`, "");
      await queue.start("--count", "1");
      await queue.waitForState("second", "completed");
      assertEquals((await queue.json("job", "show", "first")).attempts, 1);
    }),
});

Deno.test({
  name: "jobs that are enqueued to wait for one while it ends are all released, whoever is killed",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const starts = [await queue.start("--count", "1"), await queue.start("--count", "1")];
      for (let round = 0; round < 3; round++) {
        const id = `first-${round}`;
        await queue.ok("enqueue", "--job-id", id, `until [ -e go-${round} ]; do sleep 0.01; done`);
        const adding = Array.from(
          { length: 6 },
          (_, n) => queue.ok("enqueue", "--job-id", `w-${round}-${n}`, "--after", id, "true"),
        );
        await Deno.writeTextFile(`${queue.dir}/go-${round}`, "");
        if (round === 1) starts[0]!.kill("SIGKILL");
        await Promise.all(adding);
      }
      const left = async () => {
        const { jobs } = await queue.json("status");
        return jobs.blocked + jobs.pending + jobs.processing;
      };
      await waitUntil(async () => await left() === 0, "all have run", 60_000);
      assertEquals((await queue.json("status")).jobs.completed, 21);
      assertEquals(await queue.ok("storage", "check"), "");
    }),
});

Deno.test({
  name: "of many enqueues at one moment with one key, one enqueues, and all print its id",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const ids = await Promise.all(
        Array.from({ length: 8 }, () => queue.ok("enqueue", "--unique", "key", "true")),
      );
      assertEquals(new Set(ids).size, 1);
      assertEquals((await queue.json("list")).length, 1);
      await queue.ok("start", "--drain");
      assert(await queue.ok("enqueue", "--unique", "key", "true") !== ids[0]);
    }),
});

Deno.test({
  name: "a job that has not begun in time is called off while workers are busy with others",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      await queue.ok("enqueue", "--job-id", "long", "until [ -e end ]; do sleep 0.05; done");
      await queue.start("--count", "1");
      await queue.waitForState("long", "processing");
      await queue.ok("enqueue", "--job-id", "late", "--start-by", "1s", "touch late");
      await queue.ok("enqueue", "--job-id", "behind", "--after", "late", "true");
      await queue.waitForState("late", "cancelled");
      assertEquals((await queue.json("job", "show", "late")).reason, "expired");
      await queue.waitForState("behind", "cancelled");
      await Deno.writeTextFile(`${queue.dir}/end`, "");
      await queue.waitForState("long", "completed");
    }),
});

Deno.test({
  name: "a job that hundreds wait for ends at once, and none of them is lost with its worker",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const count = 250;
      const lines = [
        { id: "root", command: "true" },
        ...Array.from({ length: count }, () => ({ command: "true", after: ["root"] })),
      ];
      const input = lines.map((line) => JSON.stringify(line)).join("\n");
      assertEquals((await queue.run(["enqueue", "--file", "-"], { input })).code, 0);
      const started = queue.run(["start", "--drain", "--count", "1"], {});
      await queue.waitForState("root", "completed");
      const [worker] = await queue.workers();
      if (worker !== undefined) Deno.kill(worker.pid, "SIGKILL");
      const { code, stderr } = await started;
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, "root succeeded");
      const jobs: { state: string; attempts: number }[] = await queue.json("list");
      assertEquals(jobs.length, count + 1);
      assertEquals(
        jobs.filter(({ state, attempts }) => state !== "completed" || attempts !== 1),
        [],
      );
    }),
});
