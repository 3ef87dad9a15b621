import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { needing } from "../support/has_program.ts";
import { World } from "../support/world.ts";

async function proposed(world: World, ...words: string[]): Promise<string[]> {
  const { code, out, err } = await world.run("complete", "--", ...words);
  assertEquals([code, err], [0, ""]);
  return out.split("\n").filter((line) => line !== "").map((line) => line.split("\t")[0]!);
}

Deno.test("completions prints a script for each shell", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out } = await new World().run("completions", shell);
    assertEquals(code, 0);
    assertStringIncludes(out, "queuectl complete --");
  }
});

Deno.test({
  ...needing(["bash"], "completions of bash work in bash"),
  async fn() {
    const { out } = await new World().run("completions", "bash");
    const script = `${out}
      queuectl() { shift 2; printf '%s,' "$@"; printf '\\tabout\\n'; }
      COMP_WORDS=(queuectl job sh); COMP_CWORD=2; _queuectl; echo "\${COMPREPLY[0]}"`;
    const { stdout, success } = await new Deno.Command("bash", { args: ["-c", script] }).output();
    assert(success);
    assertEquals(new TextDecoder().decode(stdout), "job,sh,\n");
  },
});

Deno.test("complete proposes commands, then their second words", async () => {
  const world = new World();
  const first = await proposed(world, "");
  for (const word of ["enqueue", "job", "dlq", "completions", "--help"]) {
    assert(first.includes(word), word);
  }
  assert(!first.includes("complete"));
  assertEquals(await proposed(world, "st"), ["start", "stop", "status", "storage"]);
  assertEquals(await proposed(world, "job", ""), [
    "show",
    "history",
    "logs",
    "cancel",
    "wait",
    "retry",
    "update",
    "remove",
    "tree",
  ]);
  assertEquals(await proposed(world, "--data-dir", "/x", "dlq", "c"), ["clear"]);
  assertEquals(await proposed(world, "nonsense", ""), []);
  assertEquals(await proposed(world, "nonsense", "x", ""), []);
});

Deno.test("complete proposes options, states, settings and shells", async () => {
  const world = new World();
  assertEquals(await proposed(world, "list", "--s"), ["--state", "--since", "--store"]);
  assertEquals(await proposed(world, "list", "--state", "p"), ["pending", "processing"]);
  assertEquals(await proposed(world, "list", "--state", "dead,c"), [
    "dead,completed",
    "dead,cancelled",
  ]);
  assertEquals(await proposed(world, "list", "--state=d"), ["--state=dead"]);
  assertEquals(await proposed(world, "list", "--state", "=", "d"), ["dead"]);
  assertEquals((await proposed(world, "list", "--state", "=")).length, 7);
  assertEquals(await proposed(world, "config", "--key", "max"), ["max_retries"]);
  assertEquals(await proposed(world, "config", "--key", "log_level", ""), ["--value"]);
  assertEquals(await proposed(world, "config", "--key", "log_level", "--value", "W"), ["WARNING"]);
  assertEquals(await proposed(world, "completions", ""), ["bash", "zsh", "fish"]);
  assertEquals(await proposed(world, "enqueue", "--file", ""), []);
  assertEquals(await proposed(world, "enqueue", "--", "l"), []);
});

Deno.test("complete proposes queues and groups that jobs are in", async () => {
  const world = new World();
  await world.enqueue("--queue", "video", "--group", "films", "a");
  await world.enqueue("--group", "figures", "b");
  assertEquals(await proposed(world, "list", "--queue", ""), ["default", "video"]);
  assertEquals(await proposed(world, "list", "--group", "f"), ["figures", "films"]);
  assertEquals(await proposed(world, "enqueue", "--queue=v"), ["--queue=video"]);
});

Deno.test("complete proposes ids of jobs, where only some can be meant only those", async () => {
  const world = new World();
  const dead = await world.dead();
  const alive = await world.enqueue("--job-id", "alive", "x\ty");
  assertEquals(await proposed(world, "job", "show", ""), [alive, dead]);
  assertEquals(await proposed(world, "job", "show", "al"), [alive]);
  assertEquals(await proposed(world, "dlq", "retry", ""), [dead]);
  assertEquals(await proposed(world, "job", "retry", ""), [dead]);
  assertEquals(await proposed(world, "job", "cancel", ""), [alive]);
  assertEquals(
    (await world.run("complete", "--", "job", "show", "al")).out,
    "alive\tpending: x␉y\n",
  );
});

Deno.test("complete stays silent where there is no data, and makes no folder", async () => {
  const world = new World();
  assertEquals(await proposed(world, "job", "show", "--data-dir", "/none", ""), []);
  assertEquals(world.files.info("/none"), undefined);
  delete world.env["HOME"];
  assertEquals(await proposed(world, "job", "show", ""), []);
});
