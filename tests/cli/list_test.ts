import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JobJson } from "../../src/queue/job_json.ts";
import { aJob } from "../support/jobs.ts";
import { World } from "../support/world.ts";

async function mixed(): Promise<World> {
  const world = new World();
  await world.dead("false --now");
  const failing = await world.enqueue("curl x");
  await world.work({ outcome: "failed", exitCode: 7, error: "exit code 7" });
  await world.enqueue("echo done");
  await world.work();
  await world.enqueue("--env", "SECRET=hunter2", "--priority", "3", "convert film.mp4");
  assertEquals((await world.store.get(failing))?.status.state, "failed");
  return world;
}

Deno.test("list shows jobs newest first, whole and without colour in a pipe", async () => {
  const world = await mixed();
  const long = "x".repeat(200);
  await world.enqueue(long);
  const { code, out } = await world.run("list");
  assertEquals(code, 0);
  const lines = out.trimEnd().split("\n");
  assertEquals(lines.map((line) => line.split(/\s+/)[1]), [
    "STATE",
    "pending",
    "pending",
    "completed",
    "failed",
    "dead",
  ]);
  assertStringIncludes(lines[1]!, long);
  assertStringIncludes(lines[1]!, "00000005-aaaa-4aaa-8aaa-aaaaaaaaaaaa");
  assert(!out.includes("\x1b"));
});

Deno.test("list fits a terminal, cuts the command and shortens ids", async () => {
  const world = await mixed();
  await world.enqueue("x".repeat(200) + "\n\x1b[31m");
  await world.enqueue("日本語".repeat(50));
  world.stdout.isTerminal = true;
  world.stdout.columns = 60;
  const { out } = await world.run("list");
  // deno-lint-ignore no-control-regex
  const lines = out.trimEnd().split("\n").map((line) => line.replace(/\x1b\[\d+m/g, ""));
  for (const line of lines.slice(2)) assert(line.length <= 60, line);
  assert(lines[1]!.endsWith("…") && lines[2]!.endsWith("…"), out);
  assertStringIncludes(lines[1]!, "00000006  pending");
  assertStringIncludes(out, "\x1b[31mdead\x1b[39m");
  world.env["NO_COLOR"] = "1";
  assert(!(await world.run("list")).out.includes("\x1b"));
});

Deno.test("list filters by state, command, age and number", async () => {
  const world = await mixed();
  const states = async (...args: string[]) => {
    const { out } = await world.run("list", "--json", ...args);
    return (JSON.parse(out) as JobJson[]).map((job) => job.state);
  };
  assertEquals(await states(), ["pending", "completed", "failed", "dead"]);
  assertEquals(await states("--state", "dead,failed"), ["failed", "dead"]);
  assertEquals(await states("--state", "dead", "--state", "completed"), ["completed", "dead"]);
  assertEquals(await states("--limit", "1"), ["pending"]);
  assertEquals(await states("--limit", "0"), []);
  assertEquals(await states("--command", "*.mp4"), ["pending"]);
  assertEquals(await states("--command", "mp4"), []);
  world.now += 60_000;
  await world.enqueue("new");
  assertEquals(await states("--since", "30s"), ["pending"]);
});

Deno.test("list --json has the fields of the contract, no history, and no values of variables", async () => {
  const world = await mixed();
  const [job] = JSON.parse((await world.run("list", "--json", "--limit", "1")).out) as [JobJson];
  assertEquals(Object.keys(job), [
    "id",
    "command",
    "state",
    "priority",
    "cwd",
    "env",
    "max_retries",
    "timeout",
    "created_at",
    "updated_at",
    "run_at",
    "queue",
    "group",
    "after",
    "after_any",
    "unique",
    "start_by",
    "schedule",
    "attempts",
    "reason",
  ]);
  assertEquals(job.env, { SECRET: "***" });
  assertEquals(job.created_at, "2030-01-31T12:00:06.000Z");
  assertEquals((await new World().run("list", "--json")).out, "[]\n");
});

Deno.test("list shows queues and groups only where a job has another one, and filters by them", async () => {
  const world = await mixed();
  const titles = async (...args: string[]) =>
    (await world.run("list", ...args)).out.split("\n")[0]!.split(/ +/);
  assertEquals(await titles(), ["ID", "STATE", "TRIES", "ENQUEUED", "NEXT", "COMMAND"]);
  await world.enqueue("--queue", "video", "convert a");
  await world.enqueue("--queue", "video", "--group", "films", "convert b");
  assertEquals((await titles()).slice(0, 5), ["ID", "STATE", "QUEUE", "GROUP", "TRIES"]);
  assertEquals((await titles("--verbose")).slice(2, 6), ["PRIO", "QUEUE", "GROUP", "TRIES"]);
  assertEquals((await titles("--queue", "default"))[2], "TRIES");
  const found = async (...args: string[]) => {
    const { out } = await world.run("list", "--json", ...args);
    return (JSON.parse(out) as JobJson[]).map((job) => [job.command, job.queue, job.group]);
  };
  assertEquals(await found("--queue", "video"), [
    ["convert b", "video", "films"],
    ["convert a", "video", null],
  ]);
  assertEquals(await found("--group", "films"), [["convert b", "video", "films"]]);
  assertEquals(await found("--queue", "default", "--group", "films"), []);
  assertEquals((await world.run("list", "--queue", "none")).err, "No such jobs\n");
  const { code, err } = await world.run("list", "--queue", "a b");
  assertEquals(code, 2);
  assertStringIncludes(err, '"a b" cannot be the name of a queue');
});

Deno.test("list repeats its titles in a pipe where a column comes in the middle", async () => {
  const world = new World();
  world.input = '{"command":"first","queue":"video"}\n' +
    Array.from({ length: 1500 }, (_, i) => `echo ${i}`).join("\n");
  await world.run("enqueue", "--file", "-");
  const lines = (await world.run("list")).out.trimEnd().split("\n");
  const titles = lines.filter((line) => line.startsWith("ID"));
  assertEquals(titles.map((line) => line.includes(" QUEUE ")), [false, true]);
  assertEquals(lines.length, 1503);
  assertStringIncludes(lines.at(-1)!, "video");
});

Deno.test("list --state blocked shows the jobs that wait for others", async () => {
  const world = await mixed();
  await world.store.add([
    aJob({ id: "x", runAt: world.now + 1e9 }),
    aJob({ id: "waits", after: ["x"], createdAt: world.now }),
  ]);
  const [job, ...others] = JSON.parse(
    (await world.run("list", "--state", "blocked", "--json")).out,
  ) as JobJson[];
  assertEquals(others, []);
  assertEquals([job?.id, job?.state, job?.after], ["waits", "blocked", ["x"]]);
  assertStringIncludes((await world.run("list", "--state", "blocked")).out, "blocked");
  assertStringIncludes((await world.run("status")).out, "blocked        1");
  await world.run("job", "cancel", "waits");
  assertEquals((await world.run("list", "--state", "blocked")).err, "No such jobs\n");
});

Deno.test("list --verbose has more columns", async () => {
  const world = await mixed();
  const { out } = await world.run("list", "--verbose");
  assertStringIncludes(out.split("\n")[0]!, "PRIO");
  assertStringIncludes(out, "/home/me/work");
  assertStringIncludes(out, "exit 7");
  assertStringIncludes(out, "0/3");
});

Deno.test("list says so when there is nothing, and names a state that does not exist", async () => {
  const world = new World();
  assertEquals(await world.run("list"), { code: 0, out: "", err: "No jobs\n" });
  assertEquals((await world.run("list", "--state", "dead")).err, "No such jobs\n");
  const { code, err } = await world.run("list", "--state", "pendin");
  assertEquals(code, 2);
  assertStringIncludes(err, "Did you mean pending?");
});

Deno.test("list goes through thousands of jobs in a pipe with one line of titles", async () => {
  const world = new World();
  world.input = Array.from({ length: 2500 }, (_, i) => `echo ${i}`).join("\n");
  await world.run("enqueue", "--file", "-");
  const { out } = await world.run("list");
  assertEquals(out.split("\n").length, 2502);
  assertEquals(out.split("\n").filter((line) => line.startsWith("ID")).length, 1);
  const json = JSON.parse((await world.run("list", "--json")).out) as JobJson[];
  assertEquals(json.map((job) => job.command).slice(0, 2), ["echo 2499", "echo 2498"]);
});
