// What every store of schedules must do, and must not. The test of each store calls
// `testScheduleStore`.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import type { Recurrence, Schedule } from "../../src/queue/schedule.ts";
import {
  addSchedule,
  type Fired,
  fireDue,
  pauseSchedule,
  resumeSchedule,
} from "../../src/queue/schedule_firing.ts";
import type { ScheduleStore } from "../../src/queue/schedule_store.ts";
import type { JobStore } from "../../src/queue/store.ts";
import { cancelled } from "../../src/queue/transitions.ts";

export const START = Date.parse("2026-11-24T12:00:00Z");
export const MINUTE = 60_000;
export const everyMinute: Recurrence = {
  after: (time) => (Math.floor(time / MINUTE) + 1) * MINUTE,
};

export function aSchedule(values: Partial<Schedule> = {}): Schedule {
  return {
    name: "s",
    when: { kind: "cron", pattern: "* * * * *" },
    tz: "Europe/Berlin",
    missed: "last",
    overlap: "skip",
    createdAt: START,
    job: { command: "true", cwd: "/" },
    ...values,
  };
}

export const SETTINGS = { max_retries: 3, job_timeout: 0 };

/** Fires what is due at `now`; what was done, as a word and the time of day. */
export async function fire(
  store: ScheduleStore,
  now: number,
  { name = "s", aliveSince = START } = {},
): Promise<string[]> {
  const did: Fired[] = [];
  const parts = {
    now,
    aliveSince,
    recurrenceOf: () => Promise.resolve(everyMinute),
    settings: () => Promise.resolve(SETTINGS),
  };
  await fireDue(store, name, parts, (fired) => did.push(fired));
  return did.map(({ step }) => `${step.kind} ${new Date(step.at).toISOString().slice(11, 16)}`);
}

/** Gives `test` new, empty stores; `again` opens the same schedules once more. */
export type WithStores = (
  test: (jobs: JobStore, store: ScheduleStore, again: () => ScheduleStore) => Promise<void>,
) => Promise<void>;

async function refused(action: () => Promise<unknown>, code: string): Promise<void> {
  assertEquals((await assertRejects(action, QueueError)).code as string, code);
}

export function testScheduleStore(name: string, withStores: WithStores): void {
  const test = (says: string, body: Parameters<WithStores>[0]) =>
    Deno.test(`${name}: ${says}`, () => withStores(body));

  test("get() and list() give back what was put", async (_, store, again) => {
    assertEquals(await store.list(), []);
    assertEquals(await store.get("s"), undefined);
    const whole = aSchedule({
      name: "b.b",
      when: { kind: "every", seconds: 1.5 },
      missed: "all",
      overlap: "allow",
      job: {
        command: "echo 'ü'\n",
        cwd: "/a b",
        env: { A: "1" },
        priority: -3,
        maxRetries: 0,
        timeout: 1.5,
        delay: 60,
      },
    });
    await addSchedule(store, whole, false);
    await addSchedule(store, aSchedule({ name: "a" }), false);
    const all = await again().list();
    assertEquals(all.map(({ schedule }) => schedule), [aSchedule({ name: "a" }), whole]);
    assertEquals((await again().get("b.b"))?.schedule, whole);
  });

  test("a name that exists is refused, unless it is to be replaced", async (_, store, again) => {
    await addSchedule(store, aSchedule(), false);
    const other = aSchedule({ missed: "skip", createdAt: START + 1 });
    await refused(() => addSchedule(again(), other, false), "duplicate_id");
    assertEquals((await store.get("s"))?.schedule.missed, "last");
    await addSchedule(again(), other, true);
    assertEquals((await store.get("s"))?.schedule, other);
  });

  test("a job that has not begun in time does not block a new one: it is cancelled", async (
    jobs,
    store,
  ) => {
    const job = { command: "true", cwd: "/", startBy: 90 };
    await addSchedule(store, aSchedule({ job }), false);
    assertEquals(await fire(store, START + MINUTE), ["fire 12:01"]);
    assertEquals(await fire(store, START + 2 * MINUTE), ["skip 12:02"]);
    assertEquals(await fire(store, START + 3 * MINUTE), ["fire 12:03"]);
    assertEquals((await jobs.get("s-20261124T120100Z"))?.status.state, "cancelled");
  });

  test("pause and resume, in the store", async (jobs, store, again) => {
    await addSchedule(store, aSchedule(), false);
    await pauseSchedule(store, "s");
    assertEquals((await again().get("s"))?.state.paused, true);
    assertEquals(await fire(store, START + 5 * MINUTE), []);
    await resumeSchedule(again(), "s", START + 5 * MINUTE);
    assertEquals(await fire(store, START + 5 * MINUTE), []);
    assertEquals(await fire(store, START + 6 * MINUTE), ["fire 12:06"]);
    assert(await jobs.get("s-20261124T120600Z"));
    await refused(() => pauseSchedule(store, "none"), "not_found");
    await refused(() => resumeSchedule(store, "none", START), "not_found");
  });

  test("remove() leaves the jobs, and fires no more", async (jobs, store, again) => {
    await addSchedule(store, aSchedule(), false);
    await fire(store, START + MINUTE);
    await again().remove("s");
    assertEquals(await store.list(), []);
    assertEquals(await fire(store, START + 2 * MINUTE), []);
    assertEquals((await jobs.get("s-20261124T120100Z"))?.status.state, "pending");
    await refused(() => store.remove("s"), "not_found");
  });

  test("fire() makes the job as asked for, and remembers it", async (jobs, store, again) => {
    const job = {
      command: "echo hi",
      cwd: "/tmp",
      env: { A: "b" },
      priority: 7,
      delay: 90,
      queue: "video",
    };
    await addSchedule(store, aSchedule({ job }), false);
    assertEquals(await fire(store, START + MINUTE - 1), []);
    const now = START + MINUTE + 400;
    assertEquals(await fire(store, now), ["fire 12:01"]);
    const made = await jobs.get("s-20261124T120100Z");
    assertEquals(
      [made?.command, made?.cwd, made?.env, made?.priority, made?.maxRetries, made?.runAt],
      ["echo hi", "/tmp", { A: "b" }, 7, 3, now + 90_000],
    );
    assertEquals([made?.schedule, made?.queue, made?.group], ["s", "video", null]);
    const { state } = (await again().get("s"))!;
    assertEquals([state.lastAt, state.lastJobId], [START + MINUTE, "s-20261124T120100Z"]);
  });

  test("fire() never fires a time twice, also when its job is gone", async (jobs, store, again) => {
    await addSchedule(store, aSchedule(), false);
    await fire(store, START + MINUTE);
    await jobs.remove("s-20261124T120100Z", () => undefined);
    assertEquals(await fire(again(), START + MINUTE), []);
    assertEquals(await fire(again(), START + MINUTE + 1), []);
    assertEquals(await jobs.get("s-20261124T120100Z"), undefined);
  });

  test("fire() takes a job whose id is taken for fired", async (jobs, store) => {
    await addSchedule(store, aSchedule(), false);
    await fire(store, START + MINUTE);
    const made = (await jobs.get("s-20261124T120100Z"))!;
    await addSchedule(store, aSchedule({ name: "t" }), false);
    await jobs.add([{ ...made, id: "t-20261124T120100Z", command: "another" }]);
    assertEquals(await fire(store, START + MINUTE, { name: "t" }), ["fire 12:01"]);
    assertEquals((await jobs.get("t-20261124T120100Z"))?.command, "another");
    assertEquals((await store.get("t"))?.state.lastAt, START + MINUTE);
  });

  test("fire() by many at one moment makes one job a time", async (jobs, store, again) => {
    await addSchedule(store, aSchedule({ overlap: "allow" }), false);
    const all: string[] = [];
    for (let minute = 1; minute <= 5; minute++) {
      const now = START + minute * MINUTE;
      const rounds = await Promise.all(
        Array.from({ length: 6 }, () => fire(again(), now)),
      );
      all.push(...rounds.flat());
    }
    assertEquals(all.sort(), [1, 2, 3, 4, 5].map((minute) => `fire 12:0${minute}`));
    assertEquals((await jobs.count()).pending, 5);
  });

  test("a time is skipped while it has not ended", async (jobs, store) => {
    await addSchedule(store, aSchedule(), false);
    await fire(store, START + MINUTE);
    assertEquals(await fire(store, START + 2 * MINUTE), ["skip 12:02"]);
    assertEquals((await store.get("s"))?.state.skipped, 1);
    await jobs.change("s-20261124T120100Z", (job) => cancelled(job, START + 2 * MINUTE));
    assertEquals(await fire(store, START + 3 * MINUTE), ["fire 12:03"]);
  });

  test(
    "a time whose key another job has is skipped, and that job is the last",
    async (jobs, store, again) => {
      await addSchedule(
        store,
        aSchedule({ job: { command: "true", cwd: "/", unique: "k" } }),
        false,
      );
      await addSchedule(store, aSchedule({ name: "t" }), false);
      await fire(store, START + MINUTE, { name: "t" });
      const other = (await jobs.get("t-20261124T120100Z"))!;
      await jobs.add([{ ...other, id: "other", unique: "k" }]);
      const told: Fired[] = [];
      const parts = {
        now: START + MINUTE,
        aliveSince: START,
        recurrenceOf: () => Promise.resolve(everyMinute),
        settings: () => Promise.resolve(SETTINGS),
      };
      await fireDue(store, "s", parts, (fired) => told.push(fired));
      assertEquals(told.map(({ jobId, holder }) => ({ jobId, holder })), [
        { jobId: null, holder: "other" },
      ]);
      assertEquals(await jobs.get("s-20261124T120100Z"), undefined);
      const { lastJobId, lastAt, skipped, lastSkippedAt } = (await again().get("s"))!.state;
      assertEquals({ lastJobId, lastAt, skipped, lastSkippedAt }, {
        lastJobId: "other",
        lastAt: START + MINUTE,
        skipped: 1,
        lastSkippedAt: START + MINUTE,
      });
      await jobs.change("other", (job) => cancelled(job, START + 2 * MINUTE));
      assertEquals(await fire(store, START + 2 * MINUTE), ["fire 12:02"]);
      assertEquals((await jobs.get("s-20261124T120200Z"))?.unique, "k");
    },
  );

  test("missed times are caught up, one after the other", async (jobs, store) => {
    await addSchedule(store, aSchedule({ missed: "all" }), false);
    const now = START + 3 * MINUTE + 1;
    for (const minute of [1, 2, 3]) {
      assertEquals(await fire(store, now, { aliveSince: now }), [`fire 12:0${minute}`]);
      assertEquals(await fire(store, now, { aliveSince: now }), []);
      await jobs.change(`s-20261124T120${minute}00Z`, (job) => cancelled(job, now));
    }
    assertEquals(await fire(store, now, { aliveSince: now }), []);
  });
}
