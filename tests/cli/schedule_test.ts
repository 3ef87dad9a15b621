import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { isRunJobId } from "../../src/queue/schedule_ids.ts";
import { NOON, World } from "../support/world.ts";

/** A world with a schedule `s`; the zone is the test's own, whatever the machine's. */
async function withSchedule(...options: string[]): Promise<World> {
  const world = new World();
  const words = options.length > 0 ? options : ["--cron", "30 2 * * *", "--tz", "Europe/Berlin"];
  const { code, err } = await world.run("schedule", "add", "s", ...words, "echo hi");
  assertEquals(code, 0, err);
  return world;
}

Deno.test("schedule add tells when it fires next, and keeps what was asked for", async () => {
  const world = new World();
  const { code, out, err } = await world.run(
    ...["schedule", "add", "nightly", "--cron", " 30 2 * * * ", "--tz", "europe/berlin"],
    ...["--missed", "all", "--overlap", "allow", "--priority", "5", "--env", "A=b c"],
    ...["--max-retries", "0", "--timeout", "1m", "--delay", "90", "--cwd", "/home/me"],
    ...["--queue", "video", "--group", "films"],
    ...["--", "echo", "a b"],
  );
  assertEquals(code, 0, err);
  assertMatch(out, /2030-02-01 02:30:00/);
  assertStringIncludes(err, "queuectl start");
  const shown = JSON.parse((await world.run("schedule", "show", "nightly", "--json")).out);
  assertEquals(shown, {
    name: "nightly",
    cron: "30 2 * * *",
    tz: "Europe/Berlin",
    missed: "all",
    overlap: "allow",
    created_at: new Date(NOON).toISOString(),
    next_at: "2030-02-01T01:30:00.000Z",
    paused: false,
    owed: [],
    last_at: null,
    last_job_id: null,
    skipped: 0,
    last_skipped_at: null,
    job: {
      command: "echo 'a b'",
      cwd: "/home/me",
      env: { A: "***" },
      priority: 5,
      max_retries: 0,
      timeout: 60,
      delay: 90,
      queue: "video",
      group: "films",
    },
  });
  const verbose = await world.run("schedule", "show", "nightly", "--json", "--verbose");
  assertEquals(JSON.parse(verbose.out).job.env, { A: "b c" });
});

Deno.test("schedule add counts --every from now", async () => {
  const world = await withSchedule("--every", "1h30m");
  const [shown] = JSON.parse((await world.run("schedule", "list", "--json")).out);
  assertEquals([shown.every, shown.cron], [5400, undefined]);
  assertEquals(shown.next_at, new Date(NOON + 5_400_000).toISOString());
  assertEquals(
    JSON.parse((await world.run("schedule", "next", "s", "--count", "2", "--json")).out),
    [new Date(NOON + 5_400_000).toISOString(), new Date(NOON + 10_800_000).toISOString()],
  );
});

Deno.test("schedule add refuses what can't be, in two lines, and adds nothing", async () => {
  const world = new World();
  const every = ["--every", "5s"];
  for (
    const [words, says] of [
      [[], "Missing name"],
      [["x"], "Missing --cron or --every"],
      [["x", "true"], "Missing --cron or --every"],
      [["x", ...every], "Missing command"],
      [["x", ...every, "--"], "Missing program"],
      [["x", ...every, "a", "b"], 'Unexpected argument "b"'],
      [["x", ...every, " "], "empty"],
      [["x", ...every, "--cron", "@daily", "true"], "cannot be given together"],
      [["x", "--every", "0.5", "true"], "at least 1s"],
      [["x", "--every", "soon", "true"], "--every takes"],
      [["x", "--cron", "* * * *", "true"], "not 4 fields"],
      [["x", "--cron", "* * * * * *", "true"], "not 6 fields"],
      [["x", "--cron", "61 * * * *", "true"], "the minute"],
      [["x", "--cron", "@reboot", "true"], "@reboot"],
      [["x", "--cron", "0 0 31 2 *", "true"], "never comes"],
      [["x", "--cron", "", "true"], "--cron"],
      [["x", ...every, "--tz", "Berlin", "true"], "Did you mean Europe/Berlin?"],
      [["x", ...every, "--tz", "Mars/Base", "true"], "no time zone"],
      [["x", ...every, "--missed", "never", "true"], "--missed takes one of last, skip, all"],
      [["x", ...every, "--overlap", "all", "true"], "--overlap takes one of skip, allow"],
      [["x", ...every, "--job-id", "a", "true"], "--job-id cannot be given here"],
      [["x", ...every, "--file", "a"], "--file cannot be given here"],
      [["x", ...every, "--follow", "true"], "--follow cannot be given here"],
      [["x", ...every, "--at", "18:00", "true"], "--at cannot be given here"],
      [["x", ...every, "--constructor", "true"], "Unknown option"],
      [["x", ...every, "--cwd", "/none", "true"], "no folder"],
      [["x", ...every, "--env", "1=2", "true"], "environment variable"],
      [["../x", ...every, "true"], "cannot be a schedule's name"],
      [[".x", ...every, "true"], "cannot be a schedule's name"],
      [["x".repeat(112), ...every, "true"], "cannot be a schedule's name"],
    ] as const
  ) {
    const { code, out, err } = await world.run("schedule", "add", ...words);
    assertEquals([code, out], [2, ""], `${words.join(" ")}: ${err}`);
    assertStringIncludes(err, says);
    assert(err.trimEnd().split("\n").length <= 2, err);
  }
  assertEquals(await world.schedules.list(), []);
});

Deno.test("schedule add refuses a name that exists; --replace puts another in its place", async () => {
  const world = await withSchedule();
  await world.run("schedule", "pause", "s");
  const again = ["schedule", "add", "s", "--every", "10s", "date"];
  const { code, err } = await world.run(...again);
  assertEquals(code, 1);
  assertStringIncludes(err, "--replace");
  const replaced = await world.run(...again, "--replace");
  assertEquals(replaced.code, 0);
  assertStringIncludes(replaced.err, "paused");
  const [shown] = JSON.parse((await world.run("schedule", "list", "--json")).out);
  assertEquals([shown.every, shown.paused, shown.next_at], [10, true, null]);
});

Deno.test("schedule list is a table", async () => {
  const world = await withSchedule();
  await world.run("schedule", "add", "tick", "--every", "90s", "--tz", "UTC", "date");
  await world.run("schedule", "pause", "tick");
  const { out } = await world.run("schedule", "list");
  assertEquals(out.split("\n").map((line) => line.split(/ {2,}/)), [
    ["NAME", "WHEN", "NEXT", "LAST", "STATE", "COMMAND"],
    ["s", "30 2 * * * Europe/Berlin", "in 13h", "-", "active", "echo hi"],
    ["tick", "every 1m 30s", "-", "-", "paused", "date"],
    [""],
  ]);
  assertEquals((await new World().run("schedule", "list")).err, "No schedules\n");
  assertEquals((await new World().run("schedule", "list", "--json")).out, "[]\n");
});

Deno.test("schedule next shows times here and there, where they differ", async () => {
  for (const tz of ["Pacific/Kiritimati", "Pacific/Pago_Pago"]) {
    const world = await withSchedule("--cron", "0 12 * * *", "--tz", tz);
    const lines = (await world.run("schedule", "next", "s", "--count", "3")).out.split("\n");
    assertStringIncludes(lines[0]!, tz);
    assertEquals(lines.length, 5);
    assertMatch(lines[1]!, /^\d{4}-\d\d-\d\d \d\d:00:00 .* \d{4}-\d\d-\d\d 12:00:00$/);
  }
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const world = await withSchedule("--cron", "0 12 * * *", "--tz", here);
  const { out } = await world.run("schedule", "next", "s");
  assertEquals(out.trimEnd().split("\n").length, 5);
  assertMatch(out, /^\d{4}-\d\d-\d\d 12:00:00 {2}in \d+[a-z]\n/);
});

Deno.test("schedule show is a page, and says what was skipped", async () => {
  const world = await withSchedule("--cron", "* * * * *", "--tz", "UTC", "--env", "SECRET=x");
  const { schedule, state } = (await world.schedules.get("s"))!;
  await world.schedules.put("s", () => ({
    schedule,
    state: {
      ...state,
      lastAt: NOON - 60_000,
      lastJobId: "s-1",
      skipped: 3,
      lastSkippedAt: NOON - 5000,
    },
  }));
  await world.enqueue("--job-id", "s-1", "echo hi");
  const { out } = await world.run("schedule", "show", "s");
  for (
    const text of [
      "Schedule s\nactive",
      "* * * * * UTC",
      "s-1 (pending)",
      "3 times, because the previous job had not ended",
      "SECRET=***",
      "echo hi",
    ]
  ) assertStringIncludes(out, text);
  assertStringIncludes((await world.run("schedule", "show", "s", "--verbose")).out, "SECRET=x");
});

Deno.test("schedule show tells every option that its jobs are enqueued with", async () => {
  const options = [
    ["--queue", "q1"],
    ["--group", "g1"],
    ["--unique", "k1"],
    ["--priority", "7"],
    ["--max-retries", "2"],
    ["--timeout", "5m"],
    ["--delay", "30s"],
    ["--start-by", "2h"],
  ];
  const world = await withSchedule("--every", "1d", ...options.flat());
  const { out } = await world.run("schedule", "show", "s");
  for (
    const line of [
      "Queue        q1\nGroup        g1\nUnique key   k1\nPriority     7\nRetries      2\n",
      "Timeout      5m\nDelay        30s\nStart by     2h after its time\n",
    ]
  ) assertStringIncludes(out, line);
});

Deno.test("schedule run enqueues an additional job now, with a new id each time", async () => {
  const world = await withSchedule();
  const ids = [
    (await world.run("schedule", "run", "s")).out.trim(),
    (await world.run("schedule", "run", "s")).out.trim(),
  ];
  assertEquals(new Set(ids).size, 2);
  for (const id of ids) assertEquals((await world.store.get(id))?.command, "echo hi");
  for (const id of ids) assert(isRunJobId("s", id), id);
  assertEquals((await world.store.get(ids[0]!))?.schedule, "s");
  const { state } = (await world.schedules.get("s"))!;
  assertEquals([state.lastAt, state.lastJobId], [null, null]);
});

Deno.test("schedule pause, resume and remove take several names, and change nothing if one is unknown", async () => {
  const world = await withSchedule();
  await world.run("schedule", "add", "tick", "--every", "90s", "--tz", "UTC", "date");
  const paused = async () =>
    (await world.schedules.list()).map(({ schedule, state }) => [schedule.name, state.paused]);
  for (const verb of ["pause", "resume", "remove"]) {
    const { code, out, err } = await world.run("schedule", verb, "tick", "tock");
    assertEquals([code, out], [1, ""]);
    assertStringIncludes(err, "Did you mean tick?");
  }
  assertEquals(await paused(), [["s", false], ["tick", false]]);
  assertEquals((await world.run("schedule", "pause", "s", "tick")).out, "Paused s\nPaused tick\n");
  assertEquals(await paused(), [["s", true], ["tick", true]]);
  await world.run("schedule", "resume", "tick", "tick");
  assertEquals(await paused(), [["s", true], ["tick", false]]);
  assertEquals((await world.run("schedule", "remove", "s", "tick")).code, 0);
  assertEquals(await world.schedules.list(), []);
  for (const verb of ["show", "next", "run", "pause", "resume", "remove"]) {
    assertEquals((await world.run("schedule", verb, "../../etc/passwd")).code, 1);
    assertEquals((await world.run("schedule", verb)).code, 2);
  }
});

Deno.test("schedule list and show go on where a zone or a pattern is not known here", async () => {
  const world = await withSchedule();
  const { schedule, state } = (await world.schedules.get("s"))!;
  await world.schedules.put("s", () => ({ schedule: { ...schedule, tz: "Mars/Base" }, state }));
  const { code, out, err } = await world.run("schedule", "list");
  assertEquals(code, 0);
  assertStringIncludes(out, "broken");
  assertStringIncludes(err, "Mars/Base");
  assertEquals((await world.run("schedule", "show", "s")).code, 0);
});

Deno.test("schedule words are completed: names, zones, what was missed", async () => {
  const world = await withSchedule();
  const proposed = async (...words: string[]) =>
    (await world.run("complete", "--", ...words)).out.split("\n").map((line) => line.split("\t")[0])
      .slice(0, -1);
  for (const verb of ["show", "next", "run", "pause", "resume", "remove"]) {
    assertEquals(await proposed("schedule", verb, ""), ["s"]);
  }
  assertEquals(await proposed("schedule", "add", "x", "--tz", "Europe/Ber"), ["Europe/Berlin"]);
  assertEquals(await proposed("schedule", "add", "x", "--missed", ""), ["last", "skip", "all"]);
  assertEquals(await proposed("schedule", "add", "x", "--overlap", "a"), ["allow"]);
  const flags = await proposed("schedule", "add", "x", "--");
  assert(flags.includes("--priority") && flags.includes("--cron"));
  assert(!flags.includes("--job-id") && !flags.includes("--at"));
});

Deno.test("storage restore over schedules alone needs --confirm", async () => {
  const world = await withSchedule();
  const { code, err } = await world.run("storage", "restore", "/home/me");
  assertEquals(code, 1);
  assertStringIncludes(err, "the 1 schedule");
});
