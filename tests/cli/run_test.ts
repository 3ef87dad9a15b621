import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { version } from "../../src/version.ts";
import { DATA, World } from "../support/world.ts";

Deno.test("COMMANDS names a handler, a form and an example for each command, and bounds that the help states", async () => {
  for (const spec of COMMANDS) {
    assertEquals(typeof await spec.load(), "function", spec.name);
    assert(spec.forms.length > 0 && spec.examples.length > 0, spec.name);
    assert(spec.examples.every((example) => example.includes(`queuectl ${spec.name}`)), spec.name);
    for (const flag of spec.flags) {
      assertEquals(flag.kind === "switch", flag.value === undefined, flag.name);
    }
    for (const group of spec.oneOf ?? []) {
      for (const name of group) {
        assert(spec.flags.some((flag) => flag.name === name), `${spec.name} ${name}`);
      }
    }
  }
});

Deno.test("run() shows the help of every command, with an example, and loads nothing else", async () => {
  for (const { name, flags } of COMMANDS) {
    const { code, out, err } = await new World().run(...name.split(" "), "--help");
    assertEquals([code, err], [0, ""]);
    assertStringIncludes(out, `Usage: queuectl ${name}`);
    assertStringIncludes(out, "Example");
    for (const flag of flags) assertStringIncludes(out, `--${flag.name}`);
    assert(out.split("\n").every((line) => line.length <= 120), name);
  }
});

Deno.test("run() shows an overview, the help of a group, and the version", async () => {
  const world = new World();
  for (const words of [[], ["--help"], ["-h"], ["help"]]) {
    const { code, out, err } = await world.run(...words);
    assertEquals([code, err], [0, ""]);
    for (const { name, hidden } of COMMANDS) {
      assertEquals(out.includes(`  ${name} `), hidden !== true, name);
    }
  }
  assertStringIncludes((await world.run("dlq", "--help")).out, "dlq clear");
  assert(!(await world.run("help", "dlq")).out.includes("enqueue  "));
  assertStringIncludes((await world.run("help", "job", "wait")).out, "Usage: queuectl job wait");
  assertEquals((await world.run("--version")).out, "queuectl 1.2.3\n");
});

Deno.test("run() takes --help for a word of the command after --", async () => {
  const world = new World();
  assertEquals((await world.run("enqueue", "--", "ls", "--help")).code, 0);
  assertEquals((await world.store.count()).pending, 1);
});

Deno.test("run() takes what follows -- for arguments, whatever it begins with", async () => {
  const world = new World();
  await world.enqueue("--job-id", "a", "x");
  assertEquals((await world.run("job", "show", "--json", "--", "a")).code, 0);
  assertStringIncludes((await world.run("job", "show", "--", "--json")).err, 'No job "--json"');
  for (const id of ["..", "../..", "/", "a/b", "%", "a\nb", ""]) {
    assertEquals((await world.run("job", "show", "--", id)).code, 1, id);
  }
});

Deno.test("run() refuses unknown commands with two lines, and knows what was meant", async () => {
  const wrong: [string[], string][] = [
    [["--verison"], "Unknown option --verison"],
    [["lst"], 'Did you mean "queuectl list"?'],
    [["cancel"], 'Did you mean "queuectl job cancel"?'],
    [["xyzzy"], 'Unknown command "xyzzy"'],
    [["job"], "needs one of: show, history, logs, cancel, wait"],
    [["dlq", "lsit"], 'Did you mean "queuectl dlq list"?'],
    [["list", "--jsno"], "Did you mean --json?"],
    [["list", "--json=yes"], "--json takes no value"],
    [["list", "extra"], 'Unexpected argument "extra"'],
    [["list", "--limit", "-1"], "--limit takes a whole number from 0"],
    [["list", "--data-dir", ""], "--data-dir is empty"],
    [["list", "--store", ""], "--store is empty"],
    [
      ["list", "--store", "a", "--data-dir", "b"],
      "--store and --data-dir cannot be given together",
    ],
    [["list", "--store", "mysql://me:secret@h/db"], "queuectl keeps no queues in mysql:"],
    [
      ["list", "--store", "postgres://me:secret@h/db"],
      "a password there is shown to all users by ps",
    ],
    [["list", "--store", "postgres://me@h:x/db"], "this URL can't be read"],
    [["list", "--store", "postgres://me@h1:5432,h2:5432/db"], "names several hosts"],
    [["list", "--store", "postgres:///db?user=me&host=h1,h2"], "names several hosts"],
    [["list", "--store", "file://host/x"], "a file: URL names no host"],
    [["list", "--store", "file:%zz"], "has a % that"],
    [["completions", "tcsh"], "not for"],
  ];
  for (const [args, message] of wrong) {
    const { code, out, err } = await new World().run(...args);
    assertEquals([code, out], [2, ""], args.join(" "));
    assertStringIncludes(err, message);
    assertStringIncludes(err, "--help");
    assert(!err.includes("secret"), err);
    assert(err.startsWith("queuectl: ") && err.trimEnd().split("\n").length <= 2, err);
  }
});

Deno.test("run() finds the data folder by option, variables, the folder here, and the user's own", async () => {
  const where = async (world: World, ...args: string[]) => {
    const { out, err } = await world.run("status", "--json", ...args);
    return err === "" ? JSON.parse(out).data_dir : err;
  };
  const world = new World();
  assertEquals(await where(world), DATA);
  world.env["XDG_DATA_HOME"] = "/xdg";
  assertEquals(await where(world), "/xdg/queuectl");
  world.files.makeFolder("/home/me/work/queuectl_data");
  assertEquals(await where(world), "/home/me/work/queuectl_data");
  world.env["QUEUECTL_TEST_STORAGE_PATH"] = "/test";
  assertEquals(await where(world), "/home/me/work/queuectl_data");
  world.env["QUEUECTL_TEST_MODE"] = "true";
  assertEquals(await where(world), "/test");
  world.env["QUEUECTL_DATA_DIR"] = "rel";
  assertEquals(await where(world), "/home/me/work/rel");
  assertEquals(await where(world, "--data-dir", "../x"), "/home/me/x");
  assertEquals(
    JSON.parse((await world.run("--data-dir", "/y", "status", "--json")).out).data_dir,
    "/y",
  );
  assertEquals(
    JSON.parse((await world.run("--data-dir=/z", "storage", "info", "--json")).out).data_dir,
    "/z",
  );

  // A store counts more than the variables for folders, and an option more than any variable.
  world.env["QUEUECTL_STORE"] = "/stored";
  assertEquals(await where(world), "/stored");
  assertEquals(await where(world, "--data-dir", "../x"), "/home/me/x");
  assertEquals(await where(world, "--store", "file:rel%20at"), "/home/me/work/rel at");
  assertEquals(await where(world, "--store=file:///abs/x"), "/abs/x");
  assertEquals(JSON.parse((await world.run("--store", "/s", "status", "--json")).out).store, "/s");

  const mac = new World();
  mac.os = "darwin";
  assertEquals(await where(mac), "/home/me/Library/Application Support/queuectl");
  const homeless = new World();
  delete homeless.env["HOME"];
  assertStringIncludes(await where(homeless), "HOME is not set");
});

Deno.test("run() refuses a data folder that is a file, and passes one by that is only named like it", async () => {
  const world = new World();
  world.files.write("/home/me/work/queuectl_data", "");
  assertEquals((await world.run("list")).code, 0);
  const { code, err } = await world.run("list", "--data-dir", "queuectl_data");
  assertEquals([code, err], [
    1,
    "queuectl: Cannot use /home/me/work/queuectl_data: it is not a folder\n" +
    "Name another folder with --data-dir or QUEUECTL_DATA_DIR\n",
  ]);
});

Deno.test("run() makes an empty data folder private, and leaves one alone that has something in it", async () => {
  const world = new World();
  const path = "/home/me/work/queuectl_data";
  world.files.makeFolder(path);
  world.files.setMode(path, 0o755);
  assertEquals((await world.run("list")).code, 0);
  assertEquals(world.files.info(path)?.mode, 0o700);
  world.files.write(`${path}/x`, "");
  world.files.setMode(path, 0o755);
  assertEquals((await world.run("list")).code, 0);
  assertEquals(world.files.info(path)?.mode, 0o755);
});

Deno.test("run() refuses a data folder of another user", async () => {
  const world = new World();
  await world.enqueue("x");
  world.userId = 0;
  const { code, err } = await world.run("enqueue", "x");
  assertEquals(code, 1);
  assertStringIncludes(err, "belongs to another user (id 1000)");
  world.userId = null;
  assertEquals((await world.run("enqueue", "x")).code, 0);
});

Deno.test("run() ends quietly when nobody reads its output, and reports any other failure to write", async () => {
  const world = new World();
  world.stdout.broken = new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
  assertEquals(await world.run("config"), { code: 0, out: "", err: "" });
  world.stdout.broken = Object.assign(new Error("No space left on device (os error 28)"), {
    code: "ENOSPC",
  });
  assertEquals(await world.run("config"), {
    code: 1,
    out: "",
    err:
      "queuectl: The command was carried out, but its result can't be printed: No space left on device (os error 28)\n",
  });
  world.stderr.broken = new Error("gone");
  assertEquals((await world.run("nonsense")).code, 2);
});

Deno.test("run() says what the system refused in one line", async () => {
  const world = new World();
  await world.enqueue("x");
  const error = new Deno.errors.PermissionDenied("Permission denied (os error 13): readdir 'data'");
  world.files.failNext = { operation: "names", error };
  assertEquals(await world.run("enqueue", "x"), {
    code: 1,
    out: "",
    err: `queuectl: ${error.message}\n`,
  });
});

Deno.test("run() explains the folders that Deno refuses", async () => {
  const world = new World();
  const error = new Deno.errors.NotCapable(
    'Requires all access to "/dev/shm/q", run again with the --allow-all flag',
  );
  world.files.failNext = { operation: "names", error };
  assertEquals(await world.run("enqueue", "x"), {
    code: 1,
    out: "",
    err: 'queuectl: Cannot use "/dev/shm/q": it belongs to the operating system\n' +
      "Name another folder with --data-dir or QUEUECTL_DATA_DIR\n",
  });
});

Deno.test("run() reports a bug in two lines, and shows the stack only when debugging", async () => {
  const world = new World();
  await world.enqueue("x");
  const bug = () =>
    void (world.files.failNext = {
      operation: "names",
      error: new TypeError("x is not a function"),
    });
  bug();
  const { code, err } = await world.run("enqueue", "x");
  assertEquals(code, 1);
  assertStringIncludes(err, "This is a bug in queuectl 1.2.3: TypeError: x is not a function");
  assert(!err.includes("    at "));
  await world.run("config", "--key", "log_level", "--value", "debug");
  bug();
  assertStringIncludes((await world.run("enqueue", "x", "--data-dir", DATA)).err, "    at ");
  bug();
  assertStringIncludes((await world.run("enqueue", "x", `--data-dir=${DATA}`)).err, "    at ");
});

Deno.test("version() is that of deno.json", async () => {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertEquals(version(), `${config.version} (from source)`);
});

Deno.test("run() refuses a command line in which bytes were lost", async () => {
  const world = new World();
  world.argsAreIntact = false;
  const { code, err } = await world.run("enqueue", "echo \ufffd");
  assertEquals([code, err.split("\n")[0]], [2, "queuectl: The command line is not UTF-8 text"]);
  world.argsAreIntact = true;
  assertEquals((await world.run("enqueue", "echo \ufffd")).code, 0);
});
