import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { DATA, NOON, World } from "../support/world.ts";

const worker = (name: string) => ({
  name,
  pid: 77,
  host: "box",
  startedAt: NOON,
  lastSeenAt: NOON,
  ready: false,
});

async function busy(): Promise<World> {
  const world = new World();
  await world.dead();
  await world.enqueue("sleep 100");
  await world.claim("w1");
  world.workers = [worker("w2"), worker("w1")];
  world.now += 90_000;
  return world;
}

Deno.test("status counts jobs and shows what workers do", async () => {
  const { code, out } = await (await busy()).run("status");
  assertEquals(code, 0);
  assertStringIncludes(out, DATA);
  assertStringIncludes(out, "processing     1");
  assertStringIncludes(out, "total          2");
  assertStringIncludes(out, "2 workers, 1 busy");
  assert(/w1 +77 +busy +00000002\S+ +1m 30s +sleep 100/.test(out), out);
  assert(/w2 +77 +idle +- +-/.test(out), out);
});

Deno.test("status --verbose adds hosts and times", async () => {
  const { out } = await (await busy()).run("status", "--verbose");
  assertStringIncludes(out, "HOST");
  assertStringIncludes(out, "box");
});

Deno.test("status --verbose tells all else where what is set of queues is damaged", async () => {
  const world = new World();
  const waits = await world.enqueue("true");
  world.store.queues.list = () => Promise.reject(new QueueError("damaged", "It is damaged"));
  const { code, out, err } = await world.run("status", "--verbose");
  assertEquals([code, err], [0, "queuectl: It is damaged\n"]);
  assertStringIncludes(out, `Oldest    ${waits}`);
  assert(!out.includes("Queues"));
  const json = JSON.parse((await world.run("status", "--verbose", "--json")).out);
  assertEquals([json.queues, json.oldest_waiting.id], [null, waits]);
});

Deno.test("status --verbose tells of the whole system", async () => {
  const world = new World();
  await world.run("config", "--key", "max_retries", "--value", "0");
  await world.run("schedule", "add", "nightly", "--cron", "30 2 * * *", "--tz", "UTC", "x");
  await world.enqueue("true");
  await world.work();
  await world.enqueue("false");
  await world.work({ outcome: "failed", exitCode: 3 });
  world.now += 120_000;
  const waits = await world.enqueue("--queue", "video", "make film");
  const later = await world.enqueue("--delay", "1h", "sweep");
  world.now += 60_000;
  const { code, out, err } = await world.run("status", "--verbose");
  assertEquals([code, err], [0, ""]);
  for (
    const part of [
      "Version   1.2.3\n",
      /Size {6}\d+ files?, .*, of which logs 0 B\n/,
      `Oldest    ${waits}, due for 1m: make film\n`,
      `Next due  ${later}, in 59m: sweep\n`,
      /completed +0 +1 +1\n/,
      /dead +0 +1 +1\n/,
      /failed +- +50 % +50 %\n/,
      /default +1 +0 /,
      /video +1 +0 /,
      /nightly +2030-02-01 .*\(in 14h\)\n/,
      /max_retries +0 +3\n/,
    ]
  ) assert(typeof part === "string" ? out.includes(part) : part.test(out), `${part}\n${out}`);
  const json = JSON.parse((await world.run("status", "--verbose", "--json")).out);
  assertEquals(json.jobs.pending, 2);
  assertEquals(json.version, "1.2.3");
  assertEquals(json.oldest_waiting, { id: waits, due_at: "2030-01-31T12:02:04.000Z" });
  assertEquals(json.next_due, { id: later, due_at: "2030-01-31T13:02:04.000Z" });
  assertEquals(json.ended.hour, { completed: 1, dead: 1, cancelled: 0, failed_share: 0.5 });
  assertEquals(json.ended.minute.failed_share, null);
  assertEquals(json.settings, { max_retries: 0 });
  assertEquals(json.schedules, [
    { name: "nightly", paused: false, next_at: "2030-02-01T02:30:00.000Z" },
  ]);
  assertEquals(
    json.queues.map(({ name, waiting, running, paused }: Record<string, unknown>) => [
      name,
      waiting,
      running,
      paused,
    ]),
    [["default", 1, 0, false], ["video", 1, 0, false]],
  );
});

Deno.test("status says that there is no worker", async () => {
  assertStringIncludes((await new World().run("status")).out, "no worker (queuectl start)");
});

Deno.test("status tells of jobs whose worker is gone", async () => {
  const world = await busy();
  assert(!(await world.run("status")).out.includes("without"));
  world.workers = [worker("w2")];
  assertStringIncludes(
    (await world.run("status")).out,
    "1 job runs on without its worker: another worker will look",
  );
  await world.enqueue("sleep 100");
  await world.claim("w3");
  world.workers = [];
  assertStringIncludes(
    (await world.run("status")).out,
    "2 jobs run on without their workers: queuectl start looks after them",
  );
});

Deno.test("status --json has the fields of the contract", async () => {
  const { out } = await (await busy()).run("status", "--json");
  assertEquals(JSON.parse(out), {
    data_dir: DATA,
    store: DATA,
    jobs: {
      pending: 0,
      blocked: 0,
      processing: 1,
      completed: 0,
      failed: 0,
      dead: 1,
      cancelled: 0,
    },
    workers: [
      {
        name: "w1",
        pid: 77,
        host: "box",
        state: "busy",
        job_id: "00000002-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
        started_at: "2030-01-31T12:00:00.000Z",
        last_seen_at: "2030-01-31T12:00:00.000Z",
      },
      {
        name: "w2",
        pid: 77,
        host: "box",
        state: "idle",
        job_id: null,
        started_at: "2030-01-31T12:00:00.000Z",
        last_seen_at: "2030-01-31T12:00:00.000Z",
      },
    ],
  });
});

Deno.test("status --watch redraws until q, and leaves the terminal as it was", async () => {
  const world = await busy();
  world.stdout.isTerminal = world.inputIsTerminal = true;
  world.stdout.columns = 100;
  world.stdout.rows = 60;
  world.keys = [undefined, "x", "q"];
  world.meanwhile = async () => {
    await world.enqueueQuietly("true");
    await world.work();
  };
  const { code, out } = await world.run("status", "--watch");
  assertEquals(code, 0);
  assertEquals(world.raw, [true, false]);
  assert(out.startsWith("\x1b[?1049h\x1b[?25l") && out.endsWith("\x1b[?25h\x1b[?1049l"));
  assertEquals(out.split("\x1b[H").length - 1, 3);
  assertStringIncludes(out, "0.3 jobs a second");
  assertStringIncludes(out, "Last failures");
  assertStringIncludes(out, "exit 3");
});

Deno.test("status --watch draws no more lines than the terminal has, and leaves it right on an error", async () => {
  const world = await busy();
  world.stdout.isTerminal = world.inputIsTerminal = true;
  world.stdout.rows = 5;
  world.meanwhile = () => Promise.reject(new Error("oops"));
  const { code, out } = await world.run("status", "--watch");
  assertEquals(code, 1);
  assertEquals(out.split("\r\n").length, 4);
  assertEquals(world.raw, [true, false]);
});

Deno.test("status --watch needs a terminal", async () => {
  const { code, err } = await new World().run("status", "--watch");
  assertEquals(code, 2);
  assertStringIncludes(err, "needs a terminal");
  assertEquals((await new World().run("status", "--watch", "--json")).code, 2);
});
