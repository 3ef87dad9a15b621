// Limits, rates and pauses with the real program: several starts at once, and workers that are
// killed. The jobs' histories tell what ran when.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type QueueProgram, withQueue } from "../support/queue_program.ts";
import { testOfFolder } from "../support/test_store.ts";
import { waitUntil } from "../support/wait_until.ts";

const ignore = Deno.build.os === "windows";

/** When an attempt began and ended, in milliseconds. */
interface Span {
  readonly from: number;
  readonly to: number;
}

async function spans(queue: QueueProgram, name: string): Promise<Span[]> {
  const all: Span[] = [];
  for (const { id } of await queue.json("list", "--queue", name)) {
    for (const { started_at, ended_at } of (await queue.json("job", "show", id)).history) {
      all.push({ from: Date.parse(started_at), to: Date.parse(ended_at) });
    }
  }
  return all.sort((a, b) => a.from - b.from);
}

/** How many ran at once, at most. */
function mostAtOnce(all: readonly Span[]): number {
  return Math.max(
    ...all.map(({ from }) => all.filter((o) => o.from <= from && from < o.to).length),
  );
}

/** How many began within so many milliseconds, at most. */
function mostWithin(all: readonly Span[], window: number): number {
  return Math.max(
    ...all.map(({ from }) => all.filter((o) => o.from >= from && o.from < from + window).length),
  );
}

async function unfinished(queue: QueueProgram, name: string): Promise<number> {
  const jobs: { state: string }[] = await queue.json("list", "--queue", name);
  return jobs.filter(({ state }) => state !== "completed").length;
}

Deno.test({
  name: "a limit of 2 and a rate hold over several starts, also when workers are killed",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      await queue.ok("queue", "set", "narrow", "--limit", "2");
      await queue.ok("queue", "set", "slow", "--rate", "4/2s");
      const lines = [
        ...Array.from({ length: 24 }, () => ({ command: "sleep 0.2", queue: "narrow" })),
        ...Array.from({ length: 14 }, () => ({ command: "true", queue: "slow" })),
        ...Array.from({ length: 10 }, () => ({ command: "true", priority: -1 })),
      ];
      const input = lines.map((line) => JSON.stringify(line)).join("\n");
      assertEquals((await queue.run(["enqueue", "--file", "-"], { input })).code, 0);
      for (let n = 0; n < 3; n++) await queue.start("--count", "2");
      await waitUntil(async () => (await queue.workers()).length === 6, "six workers", 60_000);
      // Not held up by those that may not begin.
      await waitUntil(async () => await unfinished(queue, "default") === 0, "the others", 60_000);
      const busy = (await queue.workers()).filter(({ state }) => state === "busy");
      for (const { pid } of busy.slice(0, 2)) Deno.kill(pid, "SIGKILL");
      for (const name of ["narrow", "slow"]) {
        await waitUntil(async () => await unfinished(queue, name) === 0, name, 120_000);
      }
      await queue.ok("stop");

      const [narrow, slow] = [await spans(queue, "narrow"), await spans(queue, "slow")];
      assertEquals(mostAtOnce(narrow), 2);
      assertEquals(mostWithin(slow, 2000), 4);
      // What may begin begins: 14 at a rate of 4 in 2 s take six seconds and a little.
      const took = slow.at(-1)!.from - slow[0]!.from;
      assert(took >= 6000 && took < 60_000, `${took} ms`);
      assertEquals(await queue.ok("storage", "check"), "");
    }),
});

Deno.test({
  name: "start --queue takes jobs of these queues alone, and --drain says what it leaves",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      for (const name of ["a", "b", "c", "d"]) {
        await queue.ok("enqueue", "--queue", name, "--job-id", name, "true");
      }
      await queue.ok("queue", "pause", "b");
      const { code, stderr } = await queue.run(["start", "--drain", "--queue", "a,b", "--queue=c"]);
      assertEquals(code, 0, stderr);
      assertStringIncludes(
        stderr,
        "Left waiting: 1 job in paused queues, 1 job in queues that are not served here",
      );
      const states = await Promise.all(["a", "b", "c", "d"].map((id) => queue.state(id)));
      assertEquals(states, ["completed", "pending", "completed", "pending"]);
    }),
});

Deno.test({
  name: "queue pause holds at once, and queue resume lets the next begin soon",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      await queue.start("--count", "2");
      await queue.ok("enqueue", "--queue", "q", "--job-id", "before", "true");
      await queue.waitForState("before", "completed");
      await queue.ok("queue", "pause", "q");
      const input = Array.from({ length: 5 }, () => "true").join("\n");
      await queue.run(["enqueue", "--queue", "q", "--file", "-"], { input });
      await queue.ok("enqueue", "--job-id", "other", "true");
      await queue.waitForState("other", "completed");
      assertEquals(await unfinished(queue, "q"), 5);
      await queue.ok("queue", "resume", "q");
      const resumed = Date.now();
      await waitUntil(async () => await unfinished(queue, "q") === 0, "the rest");
      const [, first] = await spans(queue, "q");
      assert(first!.from - resumed < 5000, `${first!.from - resumed} ms`);
    }),
});

testOfFolder(
  "no job begins while what is set of queues can't be read",
  () =>
    withQueue(async (queue) => {
      await queue.ok("queue", "set", "q", "--limit", "1");
      await queue.ok("enqueue", "--queue", "q", "--job-id", "a", "true");
      const path = `${queue.data}/queues.json`;
      const good = Deno.readTextFileSync(path);
      const refused = async () => {
        const { code, stderr } = await queue.run(["start", "--drain"]);
        assertEquals(code, 1);
        assertStringIncludes(stderr, "queuectl: Cannot use the settings of queues: ");
        assertStringIncludes(stderr, "queuectl storage check --repair");
        assertEquals(await queue.state("a"), "pending");
      };
      Deno.writeTextFileSync(path, "{");
      await refused();
      Deno.removeSync(path);
      Deno.mkdirSync(path);
      await refused();
      // Nor does a worker that takes the place of one that died.
      Deno.removeSync(path);
      Deno.writeTextFileSync(path, good);
      await queue.ok("queue", "pause", "q");
      await queue.start("--count", "1");
      await waitUntil(async () => (await queue.workers()).length === 1, "a worker");
      const { pid } = (await queue.workers())[0]!;
      Deno.writeTextFileSync(path, "{");
      Deno.kill(pid, "SIGKILL");
      await waitUntil(
        async () => (await queue.workers()).every((worker) => worker.pid !== pid),
        "the worker is dead",
      );
      assertEquals(await queue.state("a"), "pending");
      Deno.writeTextFileSync(path, good);
      await queue.waitForState("a", "completed");
    }),
  ignore,
);
