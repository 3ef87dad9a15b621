import { assertEquals, assertStringIncludes } from "@std/assert";
import { NOON, World } from "../support/world.ts";

Deno.test("queue list shows what waits and what is set, as a table and as JSON", async () => {
  const world = new World();
  await world.enqueue("--queue", "video", "a");
  await world.enqueue("--queue", "video", "--delay", "1h", "b");
  const set = await world.run("queue", "set", "video", "--limit", "2", "--rate", "10/1m");
  assertEquals([set.code, set.out], [0, "video: limit 2, rate 10/1m\n"], set.err);
  const { out } = await world.run("queue", "list");
  assertEquals(out.split("\n").map((line) => line.trim().split(/  +/)), [
    ["NAME", "WAITING", "RUNNING", "LIMIT", "RATE", "STATE", "OLDEST"],
    ["default", "0", "0", "-", "-", "open", "-"],
    ["video", "2", "0", "2", "10/1m", "open", "now"],
    [""],
  ]);
  assertEquals(JSON.parse((await world.run("queue", "list", "--json")).out)[1], {
    name: "video",
    waiting: 2,
    running: 0,
    limit: 2,
    rate: { count: 10, seconds: 60 },
    paused: false,
    oldest_waiting_at: new Date(NOON).toISOString(),
  });
});

Deno.test("queue set changes only what is given, and 0 removes it", async () => {
  const world = new World();
  await world.run("queue", "set", "q", "--limit", "2", "--rate", "3/10s");
  assertEquals(
    (await world.run("queue", "set", "q", "--rate", "0")).out,
    "q: limit 2, no rate\n",
  );
  assertEquals(
    (await world.run("queue", "set", "q", "--limit", "0")).out,
    "q: no limit, no rate\n",
  );
  assertEquals(JSON.parse((await world.run("queue", "list", "--json")).out).length, 1);
});

Deno.test("queue set refuses what it can't understand, and changes nothing", async () => {
  const world = new World();
  const wrong: readonly [string[], string][] = [
    [["q"], "Nothing to set: give --limit N, --rate N/DURATION, or both"],
    [["q", "--rate", "10"], "--rate takes N/DURATION, such as 10/1m"],
    [["q", "--rate", "0/1m"], "--rate takes N/DURATION"],
    [["q", "--limit", "-1"], "--limit takes a whole number from 0"],
    [["-q", "--limit", "1"], "Unknown option -q"],
    [["a b", "--limit", "1"], '"a b" cannot be the name of a queue'],
  ];
  for (const [words, says] of wrong) {
    const { code, err } = await world.run("queue", "set", ...words);
    assertEquals(code, 2, words.join(" "));
    assertStringIncludes(err, says);
  }
  assertEquals(JSON.parse((await world.run("queue", "list", "--json")).out).length, 1);
});

Deno.test("queue pause and resume take names, or --all, and not both", async () => {
  const world = new World();
  await world.enqueue("--queue", "a", "x");
  const paused = await world.run("queue", "pause", "a", "b", "a");
  assertEquals([paused.code, paused.out], [0, "Paused a\nPaused b\n"]);
  assertStringIncludes(paused.err, 'no job waits in queue "b"');
  assertEquals((await world.run("queue", "pause", "--all")).out, "Paused default\n");
  const again = await world.run("queue", "pause", "--all");
  assertEquals([again.code, again.out, again.err], [0, "", "All are paused already\n"]);
  assertEquals(
    (await world.run("queue", "resume", "--all")).out,
    "Resumed a\nResumed b\nResumed default\n",
  );
  assertEquals((await world.run("queue", "resume", "--all")).err, "None is paused\n");
  for (const words of [["pause"], ["resume", "--all", "a"], ["pause", "a/b"]]) {
    assertEquals((await world.run("queue", ...words)).code, 2, words.join(" "));
  }
});

Deno.test("start refuses a queue that can't be one", async () => {
  const world = new World();
  const { code, err } = await world.run("start", "--queue", "a,,b");
  assertEquals(code, 2);
  assertStringIncludes(err, "The name of a queue is empty");
});

Deno.test("complete proposes queues, also the last of several", async () => {
  const world = new World();
  await world.enqueue("--queue", "video", "a");
  await world.run("queue", "set", "api", "--limit", "1");
  const words = async (...typed: string[]) =>
    (await world.run("complete", "--", ...typed)).out.split("\n").filter(Boolean)
      .map((line) => line.split("\t")[0]);
  assertEquals(await words("queue", "pause", ""), ["api", "default", "video"]);
  assertEquals(await words("start", "--queue", "v"), ["video"]);
  assertEquals(await words("start", "--queue", "video,a"), ["video,api"]);
  assertEquals(await words("queue", ""), ["list", "set", "pause", "resume"]);
});
