// The options for jobs that depend on others, and --start-by: --after, --after-any, --unique.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { NOON, World } from "../support/world.ts";

const lines = (...objects: unknown[]) => objects.map((one) => JSON.stringify(one)).join("\n");

Deno.test("enqueue --after takes ids and beginnings of them, repeated and in lists", async () => {
  const world = new World();
  for (const id of ["alpha", "beta", "gamma"]) await world.enqueue("--job-id", id, "true");
  const flags = [
    "--after",
    "alp,beta",
    "--after",
    "beta",
    "--after-any=gam",
    "--after-any",
    "alpha",
  ];
  const id = await world.enqueue(...flags, "make");
  const job = await world.store.get(id);
  assertEquals([job?.after, job?.afterAny], [["alpha", "beta"], ["gamma"]]);
  assertEquals(job?.status.state, "blocked");
  const { out } = await world.run("job", "show", id);
  assertStringIncludes(out, "Waits for    alpha to complete; it is pending\n");
  assertStringIncludes(out, "             gamma to end in any way; it is pending\n");
  await world.work({ outcome: "succeeded" });
  await world.work({ outcome: "failed" });
  assertEquals((await world.store.get(id))?.status.state, "blocked");
  const list = (await world.run("list", "--state", "blocked")).out;
  assertStringIncludes(list, "WAITS FOR");
  assertStringIncludes(list, "  beta,gamma  make");
});

Deno.test("enqueue --after refuses an id that does not exist, and one that fits several", async () => {
  const world = new World();
  for (const id of ["a1", "a2"]) await world.enqueue("--job-id", id, "true");
  const missing = await world.run("enqueue", "--after", "zzz", "x");
  assertEquals([missing.code, missing.out], [1, ""]);
  assertStringIncludes(missing.err, 'No job "zzz"');
  assertStringIncludes((await world.run("enqueue", "--after", "a", "x")).err, "fits several jobs");
  assertEquals((await world.store.count()).pending, 2);
});

Deno.test("enqueue --after refuses an empty id, as an unset variable leaves it", async () => {
  const world = new World();
  for (const flags of [["--after", ""], ["--after-any="], ["--after", ","]]) {
    const { code, out, err } = await world.run("enqueue", ...flags, "make");
    assertEquals([code, out], [2, ""]);
    assertStringIncludes(err, "takes the ids of jobs, and one was empty\n");
  }
  await world.enqueue("--job-id", "there", "true");
  const second = await world.run("enqueue", "--after", "there", "--after", "", "make");
  assertEquals(second.code, 2);
  world.input = lines({ command: "x", after: [""] }, { command: "x", after_any: "" });
  const { code, err } = await world.run("enqueue", "--file", "-");
  assertEquals(code, 1);
  assertStringIncludes(err, "line 1: after takes a list of ids, and one was empty\n");
  assertStringIncludes(err, "line 2: after_any takes a list of ids, and one was empty\n");
  assertEquals((await world.store.count()).blocked, 0);
  assertEquals((await world.store.count()).pending, 1);
});

Deno.test("enqueue --after one that was cancelled says that the job is cancelled at once", async () => {
  const world = new World();
  const off = await world.enqueue("true");
  await world.run("job", "cancel", off);
  const { code, out, err } = await world.run("enqueue", "--after", off, "x");
  assertEquals([code, err], [
    0,
    `queuectl: it was cancelled at once: job "${off}" was cancelled\n`,
  ]);
  assertEquals((await world.store.get(out.trim()))?.status.state, "cancelled");
});

Deno.test("job show tells what to do about a dead one that a job waits for", async () => {
  const world = new World();
  const dead = await world.dead();
  const id = await world.enqueue("--after", dead, "x");
  const { out } = await world.run("job", "show", id);
  assertStringIncludes(out, `${dead} to complete; it is dead: queuectl dlq retry ${dead}\n`);
  await world.run("dlq", "retry", dead);
  await world.work();
  assertEquals((await world.store.get(id))?.status.state, "pending");
});

Deno.test("enqueue --file takes lines that wait for one another in any order", async () => {
  const world = new World();
  await world.enqueue("--job-id", "stored-1", "true");
  world.input = lines(
    { id: "c", command: "c", after: ["b", "a"] },
    { id: "b", command: "b", after_any: "a" },
    { id: "a", command: "a", after: ["stored"] },
  );
  const { code, out, err } = await world.run("enqueue", "--file", "-");
  assertEquals([code, out, err], [0, "c\nb\na\n", ""]);
  assertEquals((await world.store.get("a"))?.after, ["stored-1"]);
  const order: string[] = [];
  for (let n = 0; n < 4; n++) order.push((await world.work()).id);
  assertEquals(order, ["stored-1", "a", "b", "c"]);
});

Deno.test("enqueue --file names each line that waits for what is not there, and a circle", async () => {
  const world = new World();
  world.input = lines(
    { id: "a", command: "a", after: ["b"] },
    { command: "x", after: ["nobody"] },
    { id: "b", command: "b", after: ["c", "d"] },
    { id: "c", command: "c", after_any: ["a"] },
    { id: "d", command: "d" },
    { command: "y", after: "self" },
    { id: "k", command: "k", unique: "key" },
    { command: "z", after: ["k"] },
    { command: "w", after: 7 },
  );
  const { code, out, err } = await world.run("enqueue", "--file", "-");
  assertEquals([code, out], [1, ""]);
  assertStringIncludes(err, 'queuectl: line 2: No job "nobody"\n');
  assertStringIncludes(err, 'queuectl: line 6: No job "self"\n');
  assertStringIncludes(err, "line 1: jobs wait for one another in a circle: a -> b -> c -> a\n");
  assertStringIncludes(err, "line 8: cannot wait for line 7");
  assertStringIncludes(err, "line 9: after takes a list of ids\n");
  assertStringIncludes(err, "nothing was enqueued: 5 lines are wrong\n");
  assertEquals((await world.store.count()).blocked, 0);
});

Deno.test("job tree shows what a job waits for and what waits for it, each branch once", async () => {
  const world = new World();
  world.input = lines(
    { id: "root", command: "root" },
    { id: "l", command: "l", after: ["root"] },
    { id: "r", command: "r", after: ["root"] },
    { id: "end", command: "end\nreally", after: ["l"], after_any: ["r"] },
  );
  await world.run("enqueue", "--file", "-");
  assertEquals(
    (await world.run("job", "tree", "end")).out,
    `end  blocked  end␊really
└─ waits for
   ├─ l  blocked  l
   │  └─ root  pending  root
   └─ r  blocked (--after-any)  r
      └─ root  pending  root
`,
  );
  assertEquals(
    (await world.run("job", "tree", "root")).out,
    `root  pending  root
└─ awaited by
   ├─ l  blocked  l
   │  └─ end  blocked  end␊really
   └─ r  blocked  r
      └─ end  blocked (--after-any)  end␊really
`,
  );
  const alone = await world.enqueue("true");
  assertStringIncludes(
    (await world.run("job", "tree", alone)).out,
    "It waits for no other job, and no job waits for it",
  );
});

Deno.test("job tree shows a chain of thousands", async () => {
  const world = new World();
  const link = (i: number) => ({ id: `c${i}`, command: "x", after: i === 0 ? [] : [`c${i - 1}`] });
  world.input = lines(...Array.from({ length: 4000 }, (_, i) => link(i)));
  await world.run("enqueue", "--file", "-");
  const { code, out, err } = await world.run("job", "tree", "c0");
  assertEquals([code, err], [0, ""]);
  assertEquals(out.split("\n").length, 4002);
});

Deno.test("job cancel also cancels jobs that need it", async () => {
  const world = new World();
  const first = await world.enqueue("a");
  const second = await world.enqueue("--after", first, "b");
  assertEquals((await world.run("job", "cancel", first)).code, 0);
  assertStringIncludes(
    (await world.run("job", "show", second)).out,
    `: job "${first}" was cancelled`,
  );
});

Deno.test("job wait waits for a blocked job, too", async () => {
  const world = new World();
  const first = await world.enqueue("a");
  const second = await world.enqueue("--after", first, "b");
  world.meanwhile = async () => void await world.work().catch(() => {});
  const { code, out } = await world.run("job", "wait", second);
  assertEquals([code, out], [0, `${second} completed\n`]);
});

Deno.test("enqueue --unique prints the id of the job that has the key, and says so", async () => {
  const world = new World();
  const id = await world.enqueue("--unique", "mirror", "x");
  const again = await world.run("enqueue", "--unique", "mirror", "--job-id", "other", "y");
  assertEquals([again.code, again.out, again.err], [
    0,
    `${id}\n`,
    `queuectl: nothing was enqueued: job "${id}" has the key "mirror"\n`,
  ]);
  assertEquals((await world.store.count()).pending, 1);
  await world.work();
  assertEquals(await world.enqueue("--unique", "mirror", "--job-id", "other", "y"), "other");
});

Deno.test("enqueue --unique is not refused because of a job that has not begun in time", async () => {
  const world = new World();
  await world.enqueue("--unique", "k", "--start-by", "1m", "--job-id", "old", "x");
  world.now = NOON + 61_000;
  assertEquals(await world.enqueue("--unique", "k", "--job-id", "new", "y"), "new");
  const old = await world.store.get("old");
  assertEquals(old?.status.state, "cancelled");
  assertEquals(await world.enqueue("--unique", "k", "--job-id", "third", "z"), "new");
});

Deno.test("a line of a file is kept out by no job that has not begun in time", async () => {
  const world = new World();
  await world.enqueue("--unique", "k", "--start-by", "1m", "--job-id", "old", "x");
  world.now = NOON + 61_000;
  world.input = lines(
    { id: "new", command: "y", unique: "k" },
    { id: "third", command: "z", unique: "k" },
  );
  const { code, out } = await world.run("enqueue", "--file", "-");
  assertEquals([code, out], [0, "new\nnew\n"]);
  assertEquals((await world.store.get("old"))?.status.state, "cancelled");
});

Deno.test("enqueue --unique takes any text of 1 to 256 characters without control characters", async () => {
  const world = new World();
  for (const key of [" ", "a/b", "größer 🚀", "x".repeat(256)]) {
    assertEquals((await world.run("enqueue", "--unique", key, "x")).code, 0, key);
  }
  for (const key of ["", "a\nb", "\x7f", "x".repeat(257)]) {
    assertEquals((await world.run("enqueue", "--unique", key, "x")).code, 2, JSON.stringify(key));
  }
});

Deno.test("enqueue --file prints the ids of those that have the keys of its lines", async () => {
  const world = new World();
  await world.enqueue("--unique", "k", "--job-id", "holder", "x");
  world.input = lines(
    { id: "a", command: "a" },
    { id: "b", command: "b", unique: "k" },
    { id: "c", command: "c", unique: "m" },
    { id: "d", command: "d", unique: "m" },
    { id: "e", command: "e" },
  );
  const { code, out, err } = await world.run("enqueue", "--file", "-");
  assertEquals([code, out], [0, "a\nholder\nc\nc\ne\n"]);
  assertStringIncludes(err, 'queuectl: job "holder" has the key "k"\n');
  assertEquals((await world.store.count()).pending, 4);
});

Deno.test("dlq retry refuses a job whose key another one has by now, and names that one", async () => {
  const world = new World();
  const dead = await world.enqueue("--unique", "k", "--max-retries", "0", "false");
  await world.work({ outcome: "failed" });
  const holder = await world.enqueue("--unique", "k", "true");
  const { code, err } = await world.run("dlq", "retry", dead);
  assertEquals(code, 1);
  assertStringIncludes(err, `Cannot retry job "${dead}": job "${holder}" has its unique key now`);
});

Deno.test("enqueue --start-by takes a duration and a time, and refuses what can't be met", async () => {
  const world = new World();
  const startBy = async (...args: string[]) => {
    const id = await world.enqueue(...args, "x");
    return (await world.store.get(id))?.startBy;
  };
  assertEquals(await startBy("--start-by", "90s"), NOON + 90_000);
  assertEquals(await startBy("--start-by", "2030-01-31T18:00:00Z"), NOON + 6 * 3_600_000);
  for (
    const [args, why] of [
      [["--start-by", "soon"], "--start-by takes"],
      [["--start-by", "2020-01-01"], "must lie in the future"],
      [["--start-by", "0"], "must lie in the future"],
      [["--start-by", "1h", "--delay", "2h"], "may not run before the time by which"],
      [["--start-by", "1h", "--delay", "1h"], "may not run before the time by which"],
      [
        ["--start-by", "1h", "--at", "2030-01-31T13:00:00Z"],
        "may not run before the time by which",
      ],
    ] as const
  ) {
    const { code, err } = await world.run("enqueue", ...args, "x");
    assertEquals(code, 2);
    assertStringIncludes(err, why);
  }
  world.input = lines({ command: "x", start_by: "1h" }, { command: "y", start_by: "never" });
  assertStringIncludes((await world.run("enqueue", "--file", "-")).err, "line 2: start_by takes");
  world.input = lines(
    { command: "x", start_by: 0 },
    { command: "y", start_by: "1h", run_at: "2030-01-31T13:00:00Z" },
    { command: "z", start_by: "1h", delay: 3599 },
  );
  const { err } = await world.run("enqueue", "--file", "-");
  assertStringIncludes(err, "line 1: The time by which");
  assertStringIncludes(err, "line 2: The job may not run");
  assertStringIncludes(err, "2 lines are wrong");
  const id = await world.enqueue("--start-by", "1h", "x");
  const late = await world.run("job", "update", id, "--delay", "1h");
  assertEquals(late.code, 1);
  assertStringIncludes(late.err, "it must begin by 2030-01-31T13:00:00.000Z");
});

Deno.test("a job that has not begun in time is cancelled, with the reason", async () => {
  const world = new World();
  const id = await world.enqueue("--start-by", "10s", "x");
  world.now += 11_000;
  assertEquals(await world.store.claim({ worker: "w", pid: 1, host: "box" }, world.now), undefined);
  assertStringIncludes((await world.run("job", "show", id)).out, "cancelled, just now: expired");
  const shown = JSON.parse((await world.run("job", "show", id, "--json")).out);
  assertEquals([shown.reason, shown.start_by], ["expired", "2030-01-31T12:00:10.000Z"]);
});

Deno.test("schedule add takes --unique and --start-by for each of its jobs, and refuses --after", async () => {
  const world = new World();
  const add = (...flags: string[]) =>
    world.run("schedule", "add", "s", "--every", "1h", ...flags, "true");
  assertEquals((await add("--start-by", "10m", "--unique", "k")).code, 0);
  const first = await world.run("schedule", "run", "s");
  const job = await world.store.get(first.out.trim());
  assertEquals([job?.startBy, job?.unique], [NOON + 600_000, "k"]);
  const second = await world.run("schedule", "run", "s");
  assertEquals([second.code, second.out], [0, first.out]);
  assertStringIncludes(second.err, 'has the key "k"');
  for (const flags of [["--start-by", "0"], ["--start-by", "5m", "--delay", "5m"]]) {
    assertEquals((await add("--replace", ...flags)).code, 2, `${flags}`);
  }
  assertStringIncludes((await add("--start-by", "18:00")).err, "--start-by of a schedule takes");
  const refused = await add("--after", "x");
  assertEquals(refused.code, 2);
  assertStringIncludes(refused.err, "--after cannot be given here");
});
