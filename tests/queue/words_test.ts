import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { enqueue, enqueueAll, makeJob } from "../../src/queue/enqueue.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { findJob, findJobs } from "../../src/queue/find_job.ts";
import { globMatcher } from "../../src/queue/glob.ts";
import { nearest } from "../../src/queue/nearest.ts";
import { parseSetting, SETTING_KEYS, type SettingKey } from "../../src/queue/settings.ts";
import { parseTime } from "../../src/queue/times.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { aJob } from "../support/jobs.ts";

Deno.test("parseSetting() takes what each key takes, and nothing else", () => {
  const cases: Record<SettingKey, [good: [string, unknown][], bad: string[]]> = {
    max_retries: [[["0", 0], ["1000", 1000]], ["1001", "-1", "1.5", "", "x"]],
    backoff_base: [[["1", 1], ["1.5", 1.5], ["3600", 3600]], ["0.9", "3601"]],
    backoff_max: [[["0", 0], ["2h", 7200]], ["-1", "soon"]],
    worker_count: [[["1", 1], ["1024", 1024]], ["0", "1025"]],
    job_timeout: [[["0", 0], ["90s", 90]], ["1y"]],
    kill_grace: [[["500ms", 0.5]], ["x"]],
    log_level: [[["debug", "DEBUG"], ["ERROR", "ERROR"]], ["TRACE"]],
    keep_completed: [[["0", 0], ["7d", 604_800]], ["-1", "week"]],
    on_completed: [[["none", "none"], ["a 'b' # c", "a 'b' # c"]], ["", " ", "a\0b"]],
    on_dead: [[["none", "none"], ["mail me", "mail me"]], [""]],
    lease: [[["5", 5], ["90s", 90], ["1h", 3600]], ["4", "3601", "0", "soon"]],
    log_max: [[["0", 0], ["10M", 10_485_760], ["1kib", 1024]], ["-1", "1.5M", "99999999999T"]],
  };
  for (const key of SETTING_KEYS) {
    for (const [text, value] of cases[key][0]) {
      assertEquals<unknown>(parseSetting(key, text), value, `${key} ${text}`);
    }
    for (const text of cases[key][1]) {
      assertThrows(() => parseSetting(key, text), QueueError, `Cannot set ${key}`);
    }
  }
});

Deno.test("parseTime() takes ISO 8601 with a zone, without one as local time, and the next HH:MM", () => {
  const now = new Date(2030, 0, 31, 12, 0, 0).getTime();
  assertEquals(parseTime("2030-02-01T10:00:00Z", now), Date.UTC(2030, 1, 1, 10));
  assertEquals(parseTime("2030-02-01T10:00:00.5+0200", now), Date.UTC(2030, 1, 1, 8, 0, 0, 500));
  assertEquals(parseTime("2030-02-01 10:00", now), new Date(2030, 1, 1, 10).getTime());
  assertEquals(parseTime("2030-02-01", now), new Date(2030, 1, 1).getTime());
  assertEquals(parseTime("12:01", now), new Date(2030, 0, 31, 12, 1).getTime());
  assertEquals(parseTime("12:00", now), new Date(2030, 1, 1, 12).getTime());
  assertEquals(parseTime("9:30", now), new Date(2030, 1, 1, 9, 30).getTime());
  for (
    const text of [
      "",
      "24:00",
      "12:60",
      "tomorrow",
      "2030-02-30",
      "2030-13-01",
      "2030-02-01T25:00",
      "5",
      "2030",
    ]
  ) {
    assertEquals(parseTime(text, now), undefined, text);
  }
});

Deno.test("globMatcher() knows * ? and sets, against the whole text", () => {
  const fits: [string, string, boolean][] = [
    ["*", "", true],
    ["curl *", "curl x\ny", true],
    ["curl", "curl x", false],
    ["?at", "cat", true],
    ["?at", "at", false],
    ["[cb]at", "bat", true],
    ["[!cb]at", "bat", false],
    ["[^cb]at", "rat", true],
    ["[a-c]1", "b1", true],
    ["[a-]", "-", true],
    ["[]]", "]", true],
    ["[!]]", "]", false],
    ["[x", "[x", true],
    ["a**b", "ab", true],
    ["*.mp4", "a.mp4.mp4", true],
    ["a.c", "abc", false],
    ["A*", "abc", false],
  ];
  for (const [pattern, text, expected] of fits) {
    assertEquals(globMatcher(pattern)(text), expected, `${pattern} ${text}`);
  }
});

Deno.test("globMatcher() takes no exponential time", () => {
  assertEquals(globMatcher("*a".repeat(30) + "*b")("a".repeat(5000)), false);
});

Deno.test("nearest() finds slips of the fingers, and nothing far-fetched", () => {
  const words = ["status", "storage", "start", "stop", "list"];
  assertEquals(nearest("sttaus", words), "status");
  assertEquals(nearest("STOP", words), "stop");
  assertEquals(nearest("lst", words), "list");
  assertEquals(nearest("frobnicate", words), undefined);
  assertEquals(nearest("x", words), undefined);
});

const defaults = { settings: { max_retries: 3, job_timeout: 0 }, now: 5, newId: () => "new" };

Deno.test("makeJob() refuses what cannot be run or stored", () => {
  const wrong: [Parameters<typeof makeJob>[0], string][] = [
    [{ command: "", cwd: "/" }, "empty"],
    [{ command: "a\0", cwd: "/" }, "NUL"],
    [{ command: "a", cwd: "/", id: "x".repeat(129) }, "cannot be a job's id"],
    [{ command: "a", cwd: "/", id: "-x" }, "cannot be a job's id"],
    [{ command: "a", cwd: "/", env: { "A B": "" } }, "cannot name"],
    [{ command: "a", cwd: "/", env: { A: "\0" } }, "value of A"],
    [{ command: "a", cwd: "/\0" }, "The folder contains a NUL"],
    [{ command: "a\ud800", cwd: "/" }, "The command contains half of a character"],
    [{ command: "a", cwd: "/", env: { A: "\ud800" } }, "value of A"],
    [{ command: "a", cwd: "/", unique: "\ud800" }, "cannot be a key"],
  ];
  for (const [order, text] of wrong) {
    assertThrows(() => makeJob(order, defaults, 0), QueueError, text);
  }
  assertEquals(makeJob({ command: "a", cwd: "/", id: "x".repeat(128) }, defaults, 4).sequence, 4);
});

Deno.test("enqueue() and enqueueAll() give jobs one moment and their place in the batch", async () => {
  const store = new MemoryStore();
  assertEquals((await enqueue(store, { command: "a", cwd: "/" }, defaults)).id, "new");
  const seen: string[] = [];
  const orders = ["x", "y"].map((id) => ({ command: "b", cwd: "/", id }));
  assertEquals(
    await enqueueAll(store, orders, defaults, (job) => seen.push(`${job.id} ${job.sequence}`)),
    2,
  );
  assertEquals(seen, ["x 0", "y 1"]);
  await assertRejects(
    () => enqueueAll(store, orders, defaults, () => {}),
    QueueError,
    "with this id exists",
  );
});

async function storeOf(...ids: string[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  await store.add(ids.map((id) => aJob({ id })));
  return store;
}

Deno.test("findJob() prefers a whole id to a beginning, and names a few where several fit", async () => {
  const store = await storeOf("a", "ab", "abc1", "abc2", "abc3", "abc4", "abc5");
  assertEquals((await findJob(store, "a")).id, "a");
  assertEquals((await findJob(store, "abc1")).id, "abc1");
  const error = await assertRejects(() => findJob(store, "abc"), QueueError, "fits several jobs");
  assertEquals([error.code, error.message.endsWith(", …")], ["ambiguous_id", true]);
  assertEquals((await findJobs(store, ["ab", "abc1", "ab"])).map(({ id }) => id), ["ab", "abc1"]);
});

Deno.test("findJob() offers the id that was probably meant", async () => {
  const store = await storeOf("3f2a77c1-0000-4000-8000-000000000000", "deploy");
  const hint = async (text: string) =>
    (await assertRejects(() => findJob(store, text), QueueError)).hint;
  assertEquals(await hint("3f2a77d1"), "Did you mean 3f2a77c1-0000-4000-8000-000000000000?");
  assertEquals(await hint("depoly"), "Did you mean deploy?");
  assertEquals(await hint("edploy"), "Did you mean deploy?");
  assertEquals(await hint("99999999"), "List the jobs: queuectl list");
});
