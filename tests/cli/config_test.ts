import { assertEquals, assertStringIncludes } from "@std/assert";
import { DATA, World } from "../support/world.ts";

Deno.test("config shows all settings and one", async () => {
  const world = new World();
  await world.run("config", "--key", "backoff_max", "--value", "1h30m");
  assertStringIncludes((await world.run("config")).out, "backoff_max     5400   3600");
  assertEquals((await world.run("config", "--key", "backoff_max")).out, "5400\n");
  assertEquals(JSON.parse((await world.run("config", "--json")).out).backoff_max, 5400);
  assertEquals(JSON.parse((await world.run("config", "--key", "max_retries", "--json")).out), {
    max_retries: 3,
  });
});

Deno.test("config refuses unknown keys and values out of range, and changes nothing", async () => {
  const world = new World();
  const wrong: [string[], string][] = [
    [["--key", "max_retry"], "Did you mean max_retries?"],
    [["--key", "nonsense", "--value", "1"], 'There is no setting "nonsense"'],
    [["--key", "max_retries", "--value", "-1"], "a whole number from 0 to 1000"],
    [["--key", "backoff_base", "--value", "0.5"], "a number from 1 to 3600"],
    [["--key", "log_level", "--value", "LOUD"], "one of DEBUG"],
    [["--value", "1"], "--value needs --key"],
    [["--reset", "--key", "max_retries"], "cannot be given together"],
    [["stray"], 'Unexpected argument "stray"'],
  ];
  for (const [args, message] of wrong) {
    const { code, err } = await world.run("config", ...args);
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(err, message);
  }
  assertEquals(world.files.info(`${DATA}/config.json`), undefined);
});

Deno.test("config --export writes all settings, and --import takes them", async () => {
  const world = new World();
  await world.run("config", "--key", "max_retries", "--value", "9");
  assertEquals((await world.run("config", "--export", "out.json")).code, 0);
  assertEquals(JSON.parse((await world.run("config", "--export", "-")).out).max_retries, 9);
  const other = new World();
  other.files.write("/home/me/work/in.json", world.files.readText("/home/me/work/out.json"));
  assertEquals((await other.run("config", "--import", "in.json")).code, 0);
  assertEquals((await other.run("config", "--key", "max_retries")).out, "9\n");
  other.input = '{"worker_count": 4}';
  assertStringIncludes((await other.run("config", "--import", "-")).err, "Imported worker_count");
  assertEquals((await other.run("config", "--key", "max_retries")).out, "9\n");
  other.input = "{}";
  assertStringIncludes((await other.run("config", "--import", "-")).err, "sets nothing");
});

Deno.test("config --import and --export say what is wrong with a file", async () => {
  const world = new World();
  assertStringIncludes(
    (await world.run("config", "--import", "none")).err,
    "there is no such file",
  );
  assertStringIncludes((await world.run("config", "--import", "/home")).err, "it is a folder");
  assertStringIncludes((await world.run("config", "--export", "/home")).err, "it is a folder");
  world.files.write("/home/file", "");
  for (const folder of ["/home/none", "/home/file"]) {
    const { code, err } = await world.run("config", "--export", `${folder}/out.json`);
    const message = `Cannot export to ${folder}/out.json: there is no folder ${folder}`;
    assertEquals([code, err], [1, `queuectl: ${message}\n`]);
  }
  world.input = '{"max_retries": 5, "workers": 2}';
  const { code, err } = await world.run("config", "--import", "-");
  assertEquals(code, 1);
  assertStringIncludes(err, 'Cannot import -: unknown key "workers"');
  assertEquals((await world.run("config", "--key", "max_retries")).out, "3\n");
});

Deno.test("config that does not parse stops every command that needs it, and only --reset sets it aside", async () => {
  const world = new World();
  world.files.write(`${DATA}/config.json`, "{");
  for (
    const args of [["config"], ["config", "--key", "max_retries", "--value", "1"], ["enqueue", "x"]]
  ) {
    const { code, err } = await world.run(...args);
    assertEquals(code, 1, args.join(" "));
    assertStringIncludes(err, `Cannot use ${DATA}/config.json: it is not JSON`);
  }
  assertEquals(world.files.readText(`${DATA}/config.json`), "{");
  const { code, err } = await world.run("config", "--reset");
  assertEquals(code, 0);
  assertStringIncludes(err, `${DATA}/config.json.damaged`);
  assertEquals(world.files.readText(`${DATA}/config.json.damaged`), "{");
  assertEquals((await world.run("config", "--key", "max_retries")).out, "3\n");
});
