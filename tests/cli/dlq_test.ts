import { assertEquals, assertStringIncludes } from "@std/assert";
import { World } from "../support/world.ts";

Deno.test("dlq list shows dead jobs only", async () => {
  const world = new World();
  assertEquals(await world.run("dlq", "list"), {
    code: 0,
    out: "",
    err: "The dead letter queue is empty\n",
  });
  const id = await world.dead("curl a");
  await world.enqueue("alive");
  const { out } = await world.run("dlq", "list");
  assertStringIncludes(out, id);
  assertStringIncludes(out, "exit 3");
  assertEquals(out.trimEnd().split("\n").length, 2);
  assertStringIncludes((await world.run("dlq", "list", "--verbose")).out, "FOLDER");
  assertEquals(JSON.parse((await world.run("dlq", "list", "--json")).out)[0].state, "dead");
});

Deno.test("dlq stats counts by outcome, exit code and command", async () => {
  const world = new World();
  assertStringIncludes((await world.run("dlq", "stats")).out, "is empty");
  assertEquals(JSON.parse((await world.run("dlq", "stats", "--json")).out), {
    total: 0,
    oldest_at: null,
    newest_at: null,
    by_outcome: {},
    by_exit_code: {},
    by_command: {},
  });
  await world.dead("__proto__");
  await world.dead("b");
  await world.dead("b");
  assertEquals(
    (await world.run("dlq", "stats", "--json")).out,
    JSON.stringify(
      {
        total: 3,
        oldest_at: "2030-01-31T12:00:02.000Z",
        newest_at: "2030-01-31T12:00:06.000Z",
        by_outcome: { failed: 3 },
        by_exit_code: { 3: 3 },
        by_command: JSON.parse('{"b": 2, "__proto__": 1}'),
      },
      null,
      2,
    ) + "\n",
  );
  const { out } = await world.run("dlq", "stats");
  assertStringIncludes(out, "3 dead jobs, the oldest 4s ago, the newest now");
});

Deno.test("dlq retry puts jobs back with all their retries and their history", async () => {
  const world = new World();
  const id = await world.dead();
  assertEquals(await world.run("dlq", "retry", id.slice(0, 8)), {
    code: 0,
    out: `Retried ${id}\n`,
    err: "",
  });
  const job = await world.store.get(id);
  assertEquals([job?.status.state, job?.history.length, job?.countedFrom], ["pending", 1, 1]);
  const again = await world.run("dlq", "retry", id);
  assertEquals(again.code, 1);
  assertStringIncludes(again.err, `Cannot retry job "${id}": it is pending`);
});

Deno.test("dlq retry --filter takes those whose command fits, --all all", async () => {
  const world = new World();
  for (const command of ["curl a", "curl b", "make"]) await world.dead(command);
  assertEquals(
    (await world.run("dlq", "retry", "--filter", "command:curl *")).out,
    "Retried 2 jobs\n",
  );
  assertEquals((await world.run("dlq", "retry", "--all")).out, "Retried 1 job\n");
  assertEquals((await world.store.count()).pending, 3);
});

Deno.test("dlq retry refuses unclear command lines", async () => {
  const world = new World();
  const wrong = [[], ["a", "--all"], ["--all", "--filter", "command:x"], ["--filter", "curl"], [
    "--filter",
    "command:",
  ]];
  for (const args of wrong) {
    assertEquals((await world.run("dlq", "retry", ...args)).code, 2, args.join(" "));
  }
});

Deno.test("dlq remove removes dead jobs and no others", async () => {
  const world = new World();
  const [dead, alive] = [await world.dead(), await world.enqueue("x")];
  const { code, out, err } = await world.run("dlq", "remove", dead, alive);
  assertEquals([code, out], [1, `Removed ${dead}\n`]);
  assertEquals(err, `queuectl: Cannot remove job "${alive}": it is pending\n`);
  assertEquals(await world.store.get(dead), undefined);
});

Deno.test("dlq clear does nothing without --confirm", async () => {
  const world = new World();
  await world.dead();
  await world.dead();
  const { code, err } = await world.run("dlq", "clear");
  assertEquals(code, 1);
  assertStringIncludes(err, "would remove 2 jobs");
  assertEquals((await world.run("dlq", "clear", "--confirm")).out, "Removed 2 jobs\n");
  assertEquals((await world.run("dlq", "clear")).out, "Removed 0 jobs\n");
});
