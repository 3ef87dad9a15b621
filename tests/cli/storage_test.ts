import { assertEquals, assertStringIncludes } from "@std/assert";
import { DATA, World } from "../support/world.ts";

Deno.test("storage info says where the data is and how much", async () => {
  const world = new World();
  await world.enqueue("x");
  world.files.write(`${DATA}/jobs/a.1.log`, "x".repeat(3000));
  world.files.write(`${DATA}/jobs/a.json`, "{}");
  const { out } = await world.run("storage", "info");
  assertEquals(
    out,
    `Folder  ${DATA}\nJobs    1\nFiles   2\nSize    2.9 KiB, of which logs 2.9 KiB\n`,
  );
  assertEquals(JSON.parse((await world.run("storage", "info", "--json")).out), {
    data_dir: DATA,
    store: DATA,
    jobs: 1,
    files: 2,
    bytes: 3002,
    log_bytes: 3000,
  });
});

Deno.test("storage backup and restore resolve the folder against the current one", async () => {
  const world = new World();
  const backup = await world.run("storage", "backup", "b");
  assertEquals(backup.out, "Backed up 1 job to /home/me/work/b (2 files, 30 bytes)\n");
  const restore = await world.run("storage", "restore", "../b");
  assertEquals(restore.out, "Restored 2 jobs from /home/me/b\n");
  assertEquals(world.calls, [`backup ${DATA} /home/me/work/b`, `restore ${DATA} /home/me/b`]);
});

Deno.test("storage backup names what it leaves out, and fails although the rest is backed up", async () => {
  const world = new World();
  world.leftOut = [{ path: "jobs/aa/aa.jsonl", why: "is damaged" }];
  const { code, out, err } = await world.run("storage", "backup", "b");
  assertEquals([code, out.startsWith("Backed up 1 job")], [1, true]);
  assertStringIncludes(err, "Left out: jobs/aa/aa.jsonl is damaged\n");
  assertStringIncludes(err, "1 damaged file not backed up\n");
  assertEquals((await world.run("storage", "restore", "b")).code, 0);
});

Deno.test("storage restore over data changes nothing without --confirm", async () => {
  const world = new World();
  await world.run("config", "--key", "max_retries", "--value", "1");
  assertStringIncludes(
    (await world.run("storage", "restore", "b")).err,
    "would replace the configuration",
  );
  await world.enqueue("x");
  const { code, err } = await world.run("storage", "restore", "b");
  assertEquals([code, world.calls], [1, []]);
  assertStringIncludes(err, "would replace the 1 job");
  assertEquals((await world.run("storage", "restore", "b", "--confirm")).code, 0);
  assertEquals(world.calls, [`restore ${DATA} /home/me/work/b over`]);
});

Deno.test("storage cleanup removes completed and cancelled jobs that ended longer ago, and no other", async () => {
  const world = new World();
  await world.dead();
  await world.enqueue("done");
  await world.work();
  await world.run("job", "cancel", await world.enqueue("cancelled"));
  world.now += 3600_000;
  await world.enqueue("done later");
  await world.work();
  world.now += 1000;
  assertEquals(
    (await world.run("storage", "cleanup", "--older-than", "30m")).out,
    "Removed 2 jobs\n",
  );
  assertEquals(await world.store.count(), {
    pending: 0,
    blocked: 0,
    processing: 0,
    completed: 1,
    failed: 0,
    dead: 1,
    cancelled: 0,
  });
  assertEquals((await world.run("storage", "cleanup")).code, 2);
});

Deno.test("storage check lists what it finds, and fails while something is left", async () => {
  const world = new World();
  assertEquals(await world.run("storage", "check"), {
    code: 0,
    out: "",
    err: "Nothing is wrong\n",
  });
  world.findings = [{ path: "jobs/aa/a.json", problem: "not JSON", repaired: null }];
  const found = await world.run("storage", "check");
  assertEquals([found.code, found.out], [1, "jobs/aa/a.json: not JSON\n"]);
  assertStringIncludes(found.err, "1 problem not repaired");
  assertStringIncludes(found.err, "--repair");
  world.findings = [{ path: "jobs/aa/a.json", problem: "not JSON", repaired: "set aside" }];
  const mended = await world.run("storage", "check", "--repair");
  assertEquals([mended.code, mended.out], [0, "jobs/aa/a.json: not JSON (set aside)\n"]);
  assertEquals(world.calls.at(-1), `check ${DATA} true`);
});

Deno.test("long work shows progress on a terminal's stderr only, and removes it", async () => {
  const world = new World();
  world.input = Array.from({ length: 5000 }, (_, i) => `echo ${i}`).join("\n");
  const quiet = await world.run("enqueue", "--file", "-");
  assertEquals(quiet.err, "");
  world.stderr.isTerminal = true;
  world.tick = 50;
  const { err } = await world.run("enqueue", "--file", "-");
  assertStringIncludes(err, "Enqueueing  [");
  assertEquals(err.endsWith("\r\x1b[K"), true);
});
