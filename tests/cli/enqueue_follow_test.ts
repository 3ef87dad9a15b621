import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Ending } from "../../src/queue/outcome.ts";
import { cancelled } from "../../src/queue/transitions.ts";
import { World } from "../support/world.ts";

const ID = "00000001-aaaa-4aaa-8aaa-aaaaaaaaaaaa";

/** A world in which the next job ends so, having printed something. */
function worldWith(ending: Partial<Ending>): World {
  const world = new World();
  world.workers = [{ name: "w1", pid: 7, host: "h", startedAt: 0, lastSeenAt: 0, ready: false }];
  const steps = [
    () => world.claim(),
    () => world.files.write(world.logPath(ID, 1), "one "),
    () => world.files.append(world.logPath(ID, 1), "two\n"),
    () => world.end(ID, ending),
  ];
  world.meanwhile = async () => void await steps.shift()?.();
  return world;
}

Deno.test("enqueue --follow prints the id on stderr, the output on stdout, and ends as the job does", async () => {
  const timedOut = { outcome: "timed_out", exitCode: 143, error: "timed out after 5s" } as const;
  const vanished = { outcome: "lost", exitCode: null, error: "vanished" } as const;
  for (
    const [ending, code, says] of [
      [{}, 0, ""],
      [{ outcome: "failed", exitCode: 7, error: "exit code 7" }, 7, ""],
      [{ outcome: "failed", exitCode: 137, signal: "SIGKILL" }, 137, ""],
      [timedOut, 124, `queuectl: job "${ID}" died: timed out after 5s\n`],
      [vanished, 1, `queuectl: job "${ID}" died: vanished\n`],
      [{ outcome: "cancelled", exitCode: 143 }, 1, `queuectl: job "${ID}" was cancelled\n`],
    ] as const
  ) {
    const world = worldWith(ending);
    const result = await world.run("enqueue", "--follow", "--max-retries", "0", "make");
    assertEquals(result, { code, out: "one two\n", err: `${ID}\n${says}` });
  }
});

Deno.test("enqueue --follow goes on through retries", async () => {
  const world = worldWith({ outcome: "failed", exitCode: 3 });
  const before = world.meanwhile;
  const later = [
    () => void (world.now += 60_000),
    () => world.claim(),
    async () => {
      world.files.write(world.logPath(ID, 2), "again\n");
      await world.end(ID);
    },
  ];
  world.meanwhile = async () => {
    const { status } = (await world.store.get(ID))!;
    if (status.state === "failed" || later.length < 3) await later.shift()?.();
    else await before();
  };
  const { code, out, err } = await world.run("enqueue", "--follow", "make");
  assertEquals([code, out], [0, "one two\nagain\n"]);
  assertEquals(err, `${ID}\nqueuectl: attempt 2\n`);
});

Deno.test("enqueue --follow says when no worker is alive, and ends when the job is cancelled or removed", async () => {
  const world = new World();
  world.meanwhile = async () =>
    void await world.store.change(ID, (job) => cancelled(job, world.now, "expired"));
  const { code, out, err } = await world.run("enqueue", "--follow", "make");
  assertEquals([code, out], [1, ""]);
  assertStringIncludes(err, "no worker is alive");
  assertStringIncludes(err, `job "${ID}" was cancelled: expired`);
  const other = new World();
  other.meanwhile = () => other.store.remove(ID, () => undefined);
  const gone = await other.run("enqueue", "--follow", "make");
  assertEquals(gone.code, 1);
  assertStringIncludes(gone.err, `Job "${ID}" was removed`);
});

Deno.test("enqueue --follow does not speak of workers to a job that is cancelled at once", async () => {
  const world = new World();
  await world.enqueue("--job-id", "first", "x");
  await world.run("job", "cancel", "first");
  const { code, out, err } = await world.run("enqueue", "--follow", "--after", "first", "make");
  assertEquals([code, out], [1, ""]);
  assertStringIncludes(err, 'job "first" was cancelled');
  assert(!err.includes("no worker is alive"), err);
});

Deno.test("enqueue --follow ends at Ctrl-C, and the job goes on", async () => {
  const world = worldWith({});
  const before = world.meanwhile;
  let waits = 0;
  world.meanwhile = async () => {
    if (++waits === 3) world.interrupt();
    else await before();
  };
  const { code, out, err } = await world.run("enqueue", "--follow", "make");
  assertEquals([code, out], [130, "one "]);
  assertStringIncludes(err, `job "${ID}" goes on: queuectl job logs ${ID} --follow`);
  assertEquals((await world.store.get(ID))?.status.state, "processing");
});

Deno.test("enqueue --follow is refused with --file and in schedules, and adds nothing", async () => {
  const world = new World();
  for (
    const args of [
      ["enqueue", "--follow", "--file", "jobs.txt"],
      ["schedule", "add", "s", "--every", "1h", "--follow", "x"],
    ]
  ) {
    const { code, err } = await world.run(...args);
    assertEquals(code, 2);
    assertStringIncludes(err, "--follow");
  }
  assertEquals((await world.run("enqueue", "--follow", "")).code, 2);
  assertEquals(await Array.fromAsync(world.store.list({})), []);
});
