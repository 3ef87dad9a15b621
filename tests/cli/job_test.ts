import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JobJson } from "../../src/queue/job_json.ts";
import { cancelled } from "../../src/queue/transitions.ts";
import { World } from "../support/world.ts";

Deno.test("job show shows everything about a job", async () => {
  const world = new World();
  const id = await world.enqueue("--env", "TOKEN=abc", "--timeout", "1h", "make\nmake install");
  await world.work({ outcome: "failed", exitCode: 2, error: "exit code 2" });
  world.files.write(
    world.logPath(id, 1),
    Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join(""),
  );
  const { code, out } = await world.run("job", "show", id.slice(0, 8));
  assertEquals(code, 0);
  for (
    const part of [
      `Job ${id}`,
      "failed, just now, next try in 2s",
      "make\n             make install",
      "TOKEN=***",
      "0 of 3 used",
      "Timeout      1h",
      "exit 2",
      "w1",
      "exit code 2",
      "Output of attempt 1, the last 10 lines\n  line 20\n",
      "line 29",
    ]
  ) assertStringIncludes(out, part);
  assertStringIncludes((await world.run("job", "show", id, "--verbose")).out, "TOKEN=abc");
});

Deno.test("job show tells queue and group where they are set, and why a job was cancelled", async () => {
  const world = new World();
  const plain = await world.enqueue("x");
  const { out } = await world.run("job", "show", plain);
  assert(!/Queue|Group/.test(out), out);
  const id = await world.enqueue("--queue", "video", "--group", "films", "x");
  const shown = (await world.run("job", "show", id)).out;
  assertStringIncludes(shown, "Queue        video\nGroup        films\n");
  await world.store.change(id, (job) => cancelled(job, world.now, "expired"));
  assertStringIncludes((await world.run("job", "show", id)).out, "cancelled, just now: expired");
  const job = JSON.parse((await world.run("job", "show", id, "--json")).out) as JobJson;
  assertEquals([job.queue, job.group, job.reason], ["video", "films", "expired"]);
});

Deno.test("job show tells the unique key of a job, and the schedule that it is of", async () => {
  const world = new World();
  const plain = await world.enqueue("x");
  const { out } = await world.run("job", "show", plain);
  assert(!/Unique key|Schedule/.test(out), out);
  const id = await world.enqueue("--unique", "my key", "x");
  assertStringIncludes((await world.run("job", "show", id)).out, "Unique key   my key\n");
  await world.run("schedule", "add", "nightly", "--every", "1h", "x");
  const fired = (await world.run("schedule", "run", "nightly")).out.trim();
  assertStringIncludes((await world.run("job", "show", fired)).out, "Schedule     nightly\n");
});

Deno.test("job show follows a job through its states", async () => {
  const world = new World();
  const id = await world.enqueue("--delay", "5m", "x");
  assertStringIncludes((await world.run("job", "show", id)).out, "pending, runs in 5m");
  world.now += 300_000;
  await world.claim();
  world.now += 1500;
  assertStringIncludes(
    (await world.run("job", "show", id)).out,
    "processing, on w1, which is gone, since 1.5s",
  );
  world.workers = [{ name: "w1", pid: 7, host: "h", startedAt: 0, lastSeenAt: 0, ready: false }];
  assertStringIncludes((await world.run("job", "show", id)).out, "processing, on w1, since 1.5s");
  await world.end(id);
  world.files.write(world.logPath(id, 1), "");
  assertStringIncludes((await world.run("job", "show", id)).out, "Attempt 1 printed nothing");
});

Deno.test("job show --json has the history, and values of variables only with --verbose", async () => {
  const world = new World();
  const id = await world.enqueue("--env", "TOKEN=abc", "x");
  await world.work({
    outcome: "failed",
    exitCode: null,
    signal: "SIGKILL",
    error: "ended by SIGKILL",
  });
  const job = JSON.parse((await world.run("job", "show", id, "--json")).out) as JobJson;
  assertEquals(job.env, { TOKEN: "***" });
  assertEquals(job.history, [{
    attempt: 1,
    worker: "w1",
    host: "box",
    pid: 77,
    started_at: "2030-01-31T12:00:00.000Z",
    ended_at: "2030-01-31T12:00:02.000Z",
    outcome: "failed",
    exit_code: null,
    signal: "SIGKILL",
    error: "ended by SIGKILL",
  }]);
  const open = JSON.parse(
    (await world.run("job", "show", id, "--json", "--verbose")).out,
  ) as JobJson;
  assertEquals(open.env, { TOKEN: "abc" });
});

Deno.test("job history shows the attempts, the running one too", async () => {
  const world = new World();
  const id = await world.enqueue("x");
  assertStringIncludes((await world.run("job", "history", id)).err, "has not run yet");
  await world.work({ outcome: "timed_out", exitCode: null, error: "took longer than 5s" });
  world.now += 10_000;
  await world.claim("w2");
  const { out } = await world.run("job", "history", id);
  assertStringIncludes(out, "timed out");
  assertStringIncludes(out, "running");
  const json = JSON.parse((await world.run("job", "history", id, "--json")).out);
  assertEquals(json.map((a: { outcome: string | null }) => a.outcome), ["timed_out", null]);
});

Deno.test("job show and job history tell the hosts where they differ, or with --verbose", async () => {
  const world = new World();
  const id = await world.enqueue("x");
  await world.work({ outcome: "failed", exitCode: 1 });
  for (const command of ["show", "history"]) {
    assert(!/HOST|box/.test((await world.run("job", command, id)).out));
    assert(/w1 +box/.test((await world.run("job", command, id, "--verbose")).out));
  }
  world.now += 10_000;
  await world.store.claim({ worker: "w2", pid: 5, host: "other" }, world.now);
  for (const command of ["show", "history"]) {
    const { out } = await world.run("job", command, id);
    assert(/HOST/.test(out) && /w1 +box/.test(out) && /w2 +other/.test(out), out);
  }
});

Deno.test("job commands find a job by a unique beginning, and help with a wrong one", async () => {
  const world = new World();
  for (const id of ["build-1", "build-2", "deploy"]) await world.enqueue("--job-id", id, "x");
  assertEquals((await world.run("job", "show", "dep")).code, 0);
  const ambiguous = await world.run("job", "show", "bui");
  assertEquals(ambiguous.code, 1);
  assertEquals(
    ambiguous.err,
    'queuectl: The id "bui" fits several jobs: build-1, build-2\nGive more of the id\n',
  );
  assertEquals(
    (await world.run("job", "show", "delpoy")).err,
    'queuectl: No job "delpoy"\nDid you mean deploy?\n',
  );
  assertEquals((await world.run("job", "show", "zzz")).code, 1);
  assertEquals((await world.run("job", "show", "")).code, 1);
  assertEquals((await world.run("job", "show")).code, 2);
  assertEquals((await world.run("job", "show", "a", "b")).code, 2);
});

Deno.test("job logs prints the log of the last or a chosen attempt, byte by byte", async () => {
  const world = new World();
  const id = await world.enqueue("x");
  assertStringIncludes((await world.run("job", "logs", id)).err, "has not run");
  await world.work({ outcome: "failed", exitCode: 1 });
  assertStringIncludes((await world.run("job", "logs", id)).err, "There is no log of attempt 1");
  world.files.write(world.logPath(id, 1), "one \x1b[31m\n");
  world.now += 10_000;
  await world.work();
  world.files.write(world.logPath(id, 2), "two" + "z".repeat(200_000));
  assertEquals((await world.run("job", "logs", id)).out, "two" + "z".repeat(200_000));
  assertEquals((await world.run("job", "logs", id, "--attempt", "1")).out, "one \x1b[31m\n");
  const none = await world.run("job", "logs", id, "--attempt", "3");
  assertEquals(none.err, `queuectl: Job "${id}" has had 2 attempts, no attempt 3\n`);
});

Deno.test("job logs --follow goes on through retries until the job has ended", async () => {
  const world = new World();
  const id = await world.enqueue("x");
  const steps = [
    () => world.claim(),
    () => world.files.write(world.logPath(id, 1), "a"),
    () => world.files.append(world.logPath(id, 1), "b\n"),
    () => {},
    () => world.end(id, { outcome: "failed", exitCode: 1 }),
    () => void (world.now += 60_000),
    () => world.claim(),
    async () => {
      world.files.write(world.logPath(id, 2), "c\n");
      await world.end(id);
    },
  ];
  world.meanwhile = async () => void await steps.shift()?.();
  const { code, out, err } = await world.run("job", "logs", id, "--follow");
  assertEquals([code, out], [0, "ab\nc\n"]);
  assertEquals(err, "queuectl: attempt 2\n");
  assertEquals(steps.length, 0);
});

Deno.test("job logs --follow --attempt ends with that attempt, and fails if it never comes", async () => {
  const world = new World();
  const id = await world.enqueue("x");
  await world.work({ outcome: "failed", exitCode: 1 });
  world.files.write(world.logPath(id, 1), "one\n");
  assertEquals((await world.run("job", "logs", id, "--follow", "--attempt", "1")).out, "one\n");
  world.meanwhile = async () =>
    void await world.store.change(id, (job) => cancelled(job, world.now));
  assertEquals((await world.run("job", "logs", id, "--follow", "--attempt", "2")).code, 1);
});

Deno.test("job cancel cancels waiting jobs, several at once, and reports the others", async () => {
  const world = new World();
  const done = await world.enqueue("x");
  await world.work();
  const [a, b] = [await world.enqueue("a"), await world.enqueue("b")];
  const { code, out, err } = await world.run("job", "cancel", a, done, b);
  assertEquals(code, 1);
  assertEquals(out, `Cancelled ${a}\nCancelled ${b}\n`);
  assertEquals(err, `queuectl: Cannot cancel job "${done}": it is completed\n`);
  assertEquals((await world.store.count()).cancelled, 2);
});

Deno.test("job cancel changes nothing if one of the ids is unknown", async () => {
  const world = new World();
  const a = await world.enqueue("a");
  assertEquals((await world.run("job", "cancel", a, "none")).code, 1);
  assertEquals((await world.store.count()).pending, 1);
});

Deno.test("job cancel asks the worker of a running job, and waits until it is done", async () => {
  const world = new World();
  const id = await world.enqueue("sleep 100");
  await world.claim();
  world.workers = [{ name: "w", pid: 7, host: "h", startedAt: 0, lastSeenAt: 0, ready: false }];
  world.meanwhile = async () => {
    world.meanwhile = () => {};
    await world.end(id, { outcome: "cancelled", exitCode: null, signal: "SIGTERM" });
  };
  assertEquals(await world.run("job", "cancel", id), {
    code: 0,
    out: `Cancelled ${id}\n`,
    err: "",
  });
  assertEquals(world.calls, [`cancel ${id}`, `clear cancel ${id}`]);
});

Deno.test("job cancel cancels the job of a dead worker itself where no worker lives", async () => {
  const world = new World();
  const id = await world.enqueue("sleep 100");
  await world.claim();
  world.onEndOrphan = async () => {
    await world.end(id, { outcome: "cancelled", exitCode: null, signal: "SIGTERM" });
    return true;
  };
  assertEquals(await world.run("job", "cancel", id), {
    code: 0,
    out: `Cancelled ${id}\n`,
    err: "",
  });
});

Deno.test("job cancel waits for a worker, and says so, where there is none and it can't do it itself", async () => {
  const world = new World();
  const id = await world.enqueue("sleep 100");
  await world.claim();
  world.meanwhile = async () => {
    world.meanwhile = () => {};
    await world.end(id, { outcome: "cancelled", exitCode: null, signal: "SIGTERM" });
  };
  const { code, err } = await world.run("job", "cancel", id);
  assertEquals(code, 0);
  assertStringIncludes(err, "no worker is alive");
});

Deno.test("job cancel cancels a job whose attempt failed by itself meanwhile, so that it is not retried", async () => {
  const world = new World();
  const id = await world.enqueue("false");
  await world.claim();
  world.onCancel = async (job) => void await world.end(job, { outcome: "failed", exitCode: 1 });
  assertEquals((await world.run("job", "cancel", id)).code, 0);
  const { status, history } = (await world.store.get(id))!;
  assertEquals([status.state, history.length], ["cancelled", 1]);
});

Deno.test("job cancel reports that the job has completed meanwhile", async () => {
  const world = new World();
  const id = await world.enqueue("true");
  await world.claim();
  world.onCancel = async (job) => void await world.end(job);
  const { code, err } = await world.run("job", "cancel", id);
  assertEquals([code, err], [1, `queuectl: Cannot cancel job "${id}": it is completed\n`]);
  assertEquals(world.calls.at(-1), `clear cancel ${id}`);
});

Deno.test("job wait returns when all jobs have ended, with 0 only if all completed", async () => {
  const world = new World();
  const [a, b] = [await world.enqueue("a"), await world.enqueue("--max-retries", "0", "b")];
  const steps = [() => world.work(), () => world.work({ outcome: "failed", exitCode: 1 })];
  world.meanwhile = async () => void await steps.shift()?.();
  assertEquals(await world.run("job", "wait", a, b), {
    code: 1,
    out: `${a} completed\n${b} dead\n`,
    err: "",
  });
  assertEquals((await world.run("job", "wait", a)).code, 0);
});

Deno.test("job wait --timeout gives up, and a removed job counts as not completed", async () => {
  const world = new World();
  const id = await world.enqueue("a");
  const began = world.now;
  const { code, err } = await world.run("job", "wait", id, "--timeout", "1s");
  assertEquals([code, err], [1, `queuectl: The timeout has passed: job "${id}" has not ended\n`]);
  assertEquals(world.now - began, 1000);
  world.meanwhile = () => world.store.remove(id, () => undefined);
  const removed = await world.run("job", "wait", id);
  assertEquals([removed.code, removed.out], [1, `${id} removed\n`]);
});

Deno.test("job show escapes what could change the terminal", async () => {
  const world = new World();
  const id = await world.enqueue("printf '\x1b]0;x\x07'");
  await world.work();
  world.files.write(world.logPath(id, 1), "10%\r20%\r100%\nbell\x07\x9b\n");
  const { out } = await world.run("job", "show", id);
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(out));
  assertStringIncludes(out, "  100%\n  bell␇\\x9b\n");
});
