import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { World } from "../support/world.ts";

Deno.test("job update changes what is given of a job that waits, and nothing else", async () => {
  const world = new World();
  const id = await world.enqueue("--priority", "1", "--env", "A=b", "x");
  const before = (await world.store.get(id))!;
  const { code, out } = await world.run("job", "update", id.slice(0, 8), "--priority", "-3");
  assertEquals([code, out], [0, `Updated ${id}\n`]);
  assertEquals(await world.store.get(id), { ...before, priority: -3 });
  await world.run("job", "update", id, "--queue", "video", "--max-retries", "0", "--timeout", "5m");
  const job = (await world.store.get(id))!;
  assertEquals([job.queue, job.maxRetries, job.timeout], ["video", 0, 300]);
  await world.run("job", "update", id, "--delay", "1h");
  assertStringIncludes((await world.run("job", "show", id)).out, "pending, runs in 1h");
  await world.run("job", "update", id, "--at", "2030-01-31T12:30:00Z");
  assertStringIncludes((await world.run("job", "show", id)).out, "pending, runs in 30m");
});

Deno.test("job update refuses what it can't do, and changes nothing", async () => {
  const world = new World();
  const id = await world.enqueue("x");
  const before = await world.store.get(id);
  for (
    const [args, says] of [
      [[id], "Nothing to update"],
      [[id, "--delay", "1", "--at", "18:00"], "cannot be given together"],
      [[id, "--queue", ".x"], '".x" cannot be the name of a queue'],
      [[id, "--priority", "2000000"], "--priority takes"],
      [[id, "--command", "y"], "Unknown option --command"],
      [[id, "--at", "soon"], "--at takes a time"],
      [[], "Missing id"],
      [[id, id, "--priority", "1"], "Unexpected argument"],
    ] as const
  ) {
    const { code, err } = await world.run("job", "update", ...args);
    assertEquals(code, 2, err);
    assertStringIncludes(err, says);
  }
  assertEquals(await world.store.get(id), before);
  assertEquals((await world.run("job", "update", "none", "--priority", "1")).code, 1);
  await world.claim();
  const runs = await world.run("job", "update", id, "--priority", "1");
  assertEquals([runs.code, runs.out], [1, ""]);
  assertStringIncludes(runs.err, "it is running\nOnly jobs that wait can be changed");
});

Deno.test("job retry puts ended jobs back whatever their state, and tells which it can't", async () => {
  const world = new World();
  const dead = await world.dead();
  const completed = await world.enqueue("x");
  await world.work();
  const cancelled = await world.enqueue("y");
  await world.run("job", "cancel", cancelled);
  const waits = await world.enqueue("z");
  const { code, out, err } = await world.run("job", "retry", dead, completed, cancelled, waits);
  assertEquals(out, [dead, completed, cancelled].map((id) => `Retried ${id}\n`).join(""));
  assertEquals([code, err], [1, `queuectl: Cannot retry job "${waits}": it is pending\n`]);
  assertEquals((await world.store.count()).pending, 4);
  assertEquals((await world.store.get(completed))?.history.length, 1);
});

Deno.test("job remove removes ended jobs, and no other", async () => {
  const world = new World();
  const completed = await world.enqueue("x");
  await world.work();
  const waits = await world.enqueue("z");
  const { code, out, err } = await world.run("job", "remove", completed, waits);
  assertEquals([code, out], [1, `Removed ${completed}\n`]);
  assertEquals(err, `queuectl: Cannot remove job "${waits}": it is pending\n`);
  assertEquals((await Array.fromAsync(world.store.list({}))).map(({ id }) => id), [waits]);
  assertEquals((await world.run("job", "remove", "none", waits)).code, 1);
});

Deno.test("job cancel --group cancels what has not ended of a group, running ones last", async () => {
  const world = new World();
  const done = await world.enqueue("--group", "g", "x");
  await world.work();
  const runs = await world.enqueue("--group", "g", "--priority", "9", "x");
  await world.claim();
  const waits = await world.enqueue("--group", "g", "--delay", "1h", "x");
  const other = await world.enqueue("--group", "h", "x");
  world.onCancel = async (id) => void await world.end(id, { outcome: "cancelled" });
  world.workers = [{ name: "w1", pid: 7, host: "h", startedAt: 0, lastSeenAt: 0, ready: false }];
  const { code, out, err } = await world.run("job", "cancel", "--group", "g");
  assertEquals([code, out, err], [0, `Cancelled ${waits}\nCancelled ${runs}\n`, ""]);
  assertEquals((await world.store.get(done))?.status.state, "completed");
  assertEquals((await world.store.get(other))?.status.state, "pending");

  const again = await world.run("job", "cancel", "--group", "g");
  assertEquals([again.code, again.err], [
    1,
    'queuectl: All jobs of the group "g" have ended already\n',
  ]);
  const none = await world.run("job", "cancel", "--group", "none");
  assertEquals(none.code, 1);
  assertStringIncludes(none.err, 'There is no job in the group "none"');
});

Deno.test("job cancel --group lists also those that were cancelled down the line", async () => {
  const world = new World();
  const first = await world.enqueue("--group", "g", "x");
  const second = await world.enqueue("--group", "g", "--after", first, "x");
  const third = await world.enqueue("--group", "g", "--after", second, "x");
  const { code, out, err } = await world.run("job", "cancel", "--group", "g");
  const lines = [first, second, third].map((id) => `Cancelled ${id}\n`).join("");
  assertEquals([code, out, err], [0, lines, ""]);
});

Deno.test("job wait --group waits for all jobs that are of the group at that moment", async () => {
  const world = new World();
  const ids = [];
  for (const name of ["one", "two"]) ids.push(await world.enqueue("--group", "g", name));
  const blocked = await world.enqueue("--group", "late", "x");
  let step = 0;
  world.meanwhile = async () => {
    if (step++ < 2) await world.work();
  };
  const { code, out } = await world.run("job", "wait", "--group", "g");
  assertEquals([code, out], [0, ids.map((id) => `${id} completed\n`).join("")]);
  assertEquals((await world.run("job", "wait", "--group", "late", "--timeout", "1")).code, 1);
  assertEquals((await world.store.get(blocked))?.status.state, "pending");
  for (
    const [args, exit, says] of [
      [["--group", "none"], 1, 'There is no job in the group "none"'],
      [["--group", "/"], 2, "cannot be the name of a group"],
      [["--group", "g", ids[0]!], 2, "cannot be given together"],
      [[], 2, "Missing id or --group"],
    ] as const
  ) {
    const refused = await world.run("job", "wait", ...args);
    assertEquals(refused.code, exit, refused.err);
    assert(refused.err.includes(says), refused.err);
  }
});
