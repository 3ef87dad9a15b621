import { assertEquals, assertStringIncludes } from "@std/assert";
import { DATA, NOON, World } from "../support/world.ts";

Deno.test("enqueue prints the id and nothing else, and keeps what was asked for", async () => {
  const world = new World();
  const { code, out, err } = await world.run("enqueue", "echo hi");
  assertEquals([code, out, err], [0, "00000001-aaaa-4aaa-8aaa-aaaaaaaaaaaa\n", ""]);
  const job = await world.store.get(out.trim());
  assertEquals(job?.command, "echo hi");
  assertEquals([job?.cwd, job?.priority, job?.maxRetries, job?.timeout], [
    "/home/me/work",
    0,
    3,
    0,
  ]);
  assertEquals(job?.status, { state: "pending", since: NOON, runAt: null });
  assertEquals(world.files.info(DATA)?.mode, 0o700);
});

Deno.test("enqueue takes all its options, before and after the command", async () => {
  const world = new World();
  world.files.makeFolder("/home/me/work/sub");
  const flags = [
    "--timeout=1m30s",
    "--job-id",
    "a.1",
    "--priority",
    "-5",
    "--cwd",
    "sub",
    "--env",
    "A=1",
    "--queue=video",
    "--group",
    "films",
  ];
  assertEquals(
    await world.enqueue("--max-retries", "0", "x", ...flags, "--env", "B=c=d", "--delay", "2s"),
    "a.1",
  );
  const job = await world.store.get("a.1");
  assertEquals([job?.maxRetries, job?.timeout, job?.priority, job?.cwd], [
    0,
    90,
    -5,
    "/home/me/work/sub",
  ]);
  assertEquals(job?.env, { A: "1", B: "c=d" });
  assertEquals(job?.runAt, NOON + 2000);
  assertEquals([job?.queue, job?.group], ["video", "films"]);
});

Deno.test("enqueue of a job leaves a server seven seconds, of a file as long as it takes", async () => {
  const world = new World();
  const url = "postgres://box/jobs";
  world.input = "true";
  for (const words of [["true"], ["true", "--unique", "nightly"], ["--file", "-"]]) {
    assertEquals((await world.run("enqueue", ...words, "--store", url)).code, 1);
  }
  const opened = world.calls.map((call) => call.split(" ").at(-1));
  assertEquals(opened, ["7000", "7000", "undefined"]);
});

Deno.test("enqueue --at takes ISO times with and without a zone", async () => {
  const world = new World();
  const id = await world.enqueue("--at", "2030-02-01T00:00:00Z", "x");
  assertEquals((await world.store.get(id))?.runAt, Date.UTC(2030, 1, 1));
  const { code, err } = await world.run("enqueue", "--at", "soon", "x");
  assertEquals(code, 2);
  assertStringIncludes(err, "--at takes a time such as");
});

Deno.test("enqueue uses the configuration of the moment, unless options say otherwise", async () => {
  const world = new World();
  await world.run("config", "--key", "max_retries", "--value", "7");
  await world.run("config", "--key", "job_timeout", "--value", "5m");
  const job = await world.store.get(await world.enqueue("x"));
  assertEquals([job?.maxRetries, job?.timeout], [7, 300]);
  const other = await world.store.get(
    await world.enqueue("--max-retries", "1", "--timeout", "0", "x"),
  );
  assertEquals([other?.maxRetries, other?.timeout], [1, 0]);
});

Deno.test("enqueue -- quotes each argument for the shell", async () => {
  const world = new World();
  const id = await world.enqueue("--", "ls", "-l", "a b", "it's", "", "$HOME", "--help");
  assertEquals((await world.store.get(id))?.command, `ls -l 'a b' 'it'\\''s' '' '$HOME' --help`);
});

Deno.test("enqueue refuses wrong command lines with exit code 2 and at most two lines", async () => {
  const wrong: [string[], string][] = [
    [[], "Missing command"],
    [["--"], "Missing program"],
    [["  "], "The command is empty"],
    [["a", "b"], 'Unexpected argument "b"'],
    [["a", "--", "b"], "before --"],
    [["--max-retries", "1001", "x"], "--max-retries takes a whole number from 0 to 1000"],
    [["--max-retries", "1.5", "x"], "takes a whole number"],
    [["--max-retries"], "--max-retries needs a value"],
    [["--job-id", "--x", "y"], "--job-id needs a value"],
    [["--job-id", ".x", "y"], "cannot be a job's id"],
    [["--job-id", "a/b", "y"], "cannot be a job's id"],
    [["--timeout", "-1", "x"], "--timeout takes a number of seconds"],
    [["--priority", "high", "x"], "--priority takes a whole number"],
    [["--delay", "1s", "--at", "18:00", "x"], "--delay and --at cannot be given together"],
    [["--env", "novalue", "x"], "--env takes KEY=VALUE"],
    [["--env", "1A=x", "x"], "cannot name an environment variable"],
    [["--queue", "a b", "x"], '"a b" cannot be the name of a queue: it takes 1 to 128 of'],
    [["--queue", "", "x"], "The name of a queue is empty"],
    [["--group", "a/b", "x"], '"a/b" cannot be the name of a group'],
    [["--group", "", "x"], "The name of a group is empty"],
    [["--job-id", "", "x"], "A job's id is empty"],
    [["--cwd", "/nowhere", "x"], "there is no folder /nowhere"],
    [["--max-retires", "1", "x"], "Did you mean --max-retries?"],
    [["-r3", "x"], "Unknown option -r3"],
    [["--file", "-", "x"], "--file and a command cannot be given together"],
  ];
  for (const [args, message] of wrong) {
    const world = new World();
    const { code, out, err } = await world.run("enqueue", ...args);
    assertEquals([code, out], [2, ""], `${args} ${err}`);
    assertStringIncludes(err, message);
    assertStringIncludes(err, "queuectl enqueue --help");
    assertEquals(err.split("\n").length <= 3, true, err);
    assertEquals((await world.store.count()).pending, 0);
  }
});

Deno.test("enqueue refuses an id that is taken", async () => {
  const world = new World();
  await world.enqueue("--job-id", "a", "x");
  const { code, err } = await world.run("enqueue", "--job-id", "a", "y");
  assertEquals([code, err], [
    1,
    'queuectl: Cannot enqueue job "a": a job with this id exists\nSee it: queuectl job show a\n',
  ]);
});

Deno.test("enqueue --file takes commands and JSON objects, and keeps their order", async () => {
  const world = new World();
  world.files.write(
    "/home/me/work/jobs.txt",
    [
      "# a comment",
      "",
      "  echo one  \r",
      "{ echo group; }",
      '{"command": "echo three", "id": "three", "priority": 2, "cwd": "/tmp", "env": {"B": "2"}, "max_retries": 0, "timeout": "5m", "delay": 1.5}',
      '{"command": "echo four", "run_at": "2030-02-01T00:00:00Z", "queue": "q", "group": null}',
    ].join("\n"),
  );
  const { code, out, err } = await world.run(
    "enqueue",
    "--file",
    "jobs.txt",
    "--env",
    "A=1",
    "--priority",
    "1",
    "--group",
    "g",
  );
  assertEquals([code, err], [0, ""]);
  const ids = out.trim().split("\n");
  assertEquals(ids.length, 4);
  const jobs = await Promise.all(ids.map((id) => world.store.get(id)));
  assertEquals(jobs.map((job) => job?.command), [
    "echo one",
    "{ echo group; }",
    "echo three",
    "echo four",
  ]);
  assertEquals(jobs.map((job) => job?.sequence), [0, 1, 2, 3]);
  assertEquals(jobs.map((job) => job?.createdAt), [NOON, NOON, NOON, NOON]);
  assertEquals(jobs.map((job) => job?.priority), [1, 1, 2, 1]);
  const three = jobs[2]!;
  assertEquals([three.id, three.cwd, three.maxRetries, three.timeout], ["three", "/tmp", 0, 300]);
  assertEquals([three.env, three.runAt], [{ A: "1", B: "2" }, NOON + 1500]);
  assertEquals(jobs[3]?.runAt, Date.UTC(2030, 1, 1));
  assertEquals(jobs.map((job) => job?.queue), ["default", "default", "default", "q"]);
  assertEquals(jobs.map((job) => job?.group), ["g", "g", "g", "g"]);
});

Deno.test("enqueue --file - reads standard input", async () => {
  const world = new World();
  world.input = "a\nb";
  assertEquals((await world.run("enqueue", "--file", "-")).out.trim().split("\n").length, 2);
});

Deno.test("enqueue --file names every wrong line and enqueues nothing", async () => {
  const world = new World();
  await world.enqueue("--job-id", "taken", "x");
  world.input = [
    "good",
    '{"command": 5}',
    '{"cmd": "x"}',
    '{"command": "x", "comand": "y"}',
    '{"command": "x"',
    '{"command": "x", "max_retries": -1, "timeout": "soon"}',
    '{"command": "x", "id": "taken"}',
    '{"command": "x", "id": "new"}',
    '{"command": "x", "id": "new"}',
    '{"command": "x", "id": "../up"}',
    '{"command": "x", "env": {"A": 1}}',
    '{"command": "x", "delay": 1, "run_at": "18:00"}',
    '{"command": "x", "run_at": "soon"}',
    '{"command": " "}',
    "{}",
    '{"command": "x", "queue": "a b"}',
    '{"command": "x", "group": 1}',
  ].join("\n");
  const { code, out, err } = await world.run("enqueue", "--file", "-");
  assertEquals([code, out], [1, ""]);
  const said = (line: number, text: string) =>
    assertEquals(
      err.split("\n").some((l) => l.startsWith(`queuectl: line ${line}: `) && l.includes(text)),
      true,
      `${line} ${text}\n${err}`,
    );
  said(2, "command takes text");
  said(3, '"command" is missing');
  said(4, 'unknown field "comand", did you mean "command"?');
  said(5, "not JSON");
  said(6, "max_retries takes a whole number from 0 to 1000");
  said(6, "timeout takes a number of seconds");
  said(7, 'the id "taken" is taken by a job in the queue');
  said(9, 'the id "new" is taken by line 8');
  said(10, "cannot be a job's id");
  said(11, "env.A takes text");
  said(12, "delay and run_at cannot be given together");
  said(13, "run_at takes a time such as");
  said(14, "The command is empty");
  said(15, '"command" is missing');
  said(16, '"a b" cannot be the name of a queue');
  said(17, "group takes text");
  assertStringIncludes(err, "nothing was enqueued: 15 lines are wrong");
  assertEquals((await world.store.count()).pending, 1);
});

Deno.test("enqueue --file says what it cannot read", async () => {
  const world = new World();
  assertStringIncludes((await world.run("enqueue", "--file", "none")).err, "there is no such file");
  assertStringIncludes((await world.run("enqueue", "--file", "/home/me")).err, "it is a folder");
});

Deno.test("enqueue says that the job is there when its id can't be printed", async () => {
  const world = new World();
  world.stdout.broken = new Error("No space left on device (os error 28)");
  const { code, err } = await world.run("enqueue", "true");
  assertEquals(code, 1);
  assertEquals(
    err,
    "queuectl: The command was carried out, but its result can't be printed: No space left on device (os error 28)\n",
  );
  assertEquals((await world.store.count()).pending, 1);
});
