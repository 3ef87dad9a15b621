import { assert, assertEquals } from "@std/assert";
import { nextLook, type Recurrence, type Schedule } from "../../src/queue/schedule.ts";
import { addSchedule, fireDue } from "../../src/queue/schedule_firing.ts";
import { QueueError } from "../../src/queue/errors.ts";
import type { WorkerEvent } from "../../src/queue/worker_event.ts";
import { MemorySchedules } from "../../src/stores/memory/schedules.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { cancelled } from "../../src/queue/transitions.ts";
import { Scheduler } from "../../src/worker/scheduler.ts";
import { aSchedule, everyMinute, MINUTE, SETTINGS, START } from "../stores/schedule_conformance.ts";

/** A scheduler on a clock that only waiting moves. */
class Bench {
  now = START;
  readonly jobs = new MemoryStore(() => this.now);
  readonly store = new MemorySchedules(this.jobs);
  readonly events: WorkerEvent[] = [];
  readonly waits: number[] = [];
  opened = 0;
  #version = 0;
  /** If set, nothing seems to change. */
  steady: number | undefined;
  #recurrenceOf: (schedule: Schedule) => Promise<Recurrence> = () => Promise.resolve(everyMinute);
  isThere = () => true;

  brokenFor(name: string): void {
    this.#recurrenceOf = (schedule) =>
      schedule.name === name
        ? Promise.reject(new Error("no such zone"))
        : Promise.resolve(everyMinute);
  }

  /** Runs until `moments`, each after waiting, are over; each may do something. */
  async run(aliveSince: number, moments: readonly ((bench: Bench) => unknown)[]): Promise<void> {
    const stopping = new AbortController();
    let n = 0;
    const scheduler = new Scheduler({
      version: () =>
        Promise.resolve(this.isThere() ? String(this.steady ?? ++this.#version) : undefined),
      open: () => {
        this.opened++;
        const { store } = this;
        const recurrenceOf = this.#recurrenceOf;
        return Promise.resolve({ store, fireDue, recurrenceOf, nextLook, close: async () => {} });
      },
      settings: () => Promise.resolve(SETTINGS),
      now: () => this.now,
      aliveSince,
      wait: async (timeout) => {
        this.waits.push(timeout);
        this.now += timeout;
        await moments[n++]?.(this);
        if (n >= moments.length) stopping.abort();
      },
      report: (event) => this.events.push(event),
    });
    await scheduler.run(stopping.signal);
  }

  did(): string[] {
    return this.events.map((event) =>
      event.kind === "schedule_due"
        ? `${event.jobId === null ? "skip" : "fire"} ${
          new Date(event.at).toISOString().slice(11, 16)
        }`
        : event.kind === "warning"
        ? event.message
        : event.kind
    );
  }
}

const away = () => {
  throw new QueueError("unavailable", "Cannot reach the store");
};
const nothing = () => {};
const times = (n: number) => Array.from({ length: n }, () => nothing);

Deno.test("Scheduler leaves it to others to tell that the store is away, and goes on", async () => {
  const bench = new Bench();
  await addSchedule(bench.store, aSchedule(), false);
  const isBack = () => bench.isThere = () => true;
  bench.isThere = away;
  await bench.run(bench.now, [nothing, isBack, ...times(12)]);
  assertEquals(bench.did(), ["fire 12:01"]);
});

Deno.test("Scheduler loads nothing where there are no schedules", async () => {
  const bench = new Bench();
  bench.isThere = () => false;
  await bench.run(START, times(5));
  assertEquals([bench.opened, bench.waits], [0, [5000, 5000, 5000, 5000, 5000]]);
});

Deno.test("Scheduler waits for the next time, looking now and then, and fires at it", async () => {
  const bench = new Bench();
  bench.now = START + 1000;
  await addSchedule(bench.store, aSchedule({ overlap: "allow" }), false);
  await bench.run(bench.now, times(26));
  assertEquals(bench.did(), ["fire 12:01", "fire 12:02"]);
  assertEquals(bench.waits.slice(10, 13), [5000, 4000, 5000]);
});

Deno.test("Scheduler reads schedules again when one has changed or is due, else once a minute", async () => {
  const bench = new Bench();
  bench.steady = 1;
  await addSchedule(bench.store, aSchedule(), false);
  await bench.run(START, times(11));
  assertEquals([bench.opened, bench.did()], [1, []]);
  bench.steady = 2;
  bench.now = START + 5000;
  await bench.run(START, [nothing, () => bench.steady = 3, nothing, ...times(9)]);
  assertEquals([bench.opened, bench.did()], [4, ["fire 12:01"]]);
});

Deno.test("Scheduler notices schedules that come, change and go", async () => {
  const bench = new Bench();
  await bench.run(START, [
    () => addSchedule(bench.store, aSchedule({ createdAt: bench.now }), false),
    ...times(12),
    () => bench.store.remove("s"),
    ...times(20),
  ]);
  assertEquals(bench.did(), ["fire 12:01"]);
});

Deno.test("Scheduler fires the others when one is broken, and tells of that once", async () => {
  const bench = new Bench();
  bench.brokenFor("broken");
  for (const name of ["a", "broken", "z"]) {
    await addSchedule(bench.store, aSchedule({ name }), false);
  }
  await bench.run(START, times(14));
  assertEquals(bench.did().sort(), [
    'Cannot fire the schedule "broken": no such zone',
    "fire 12:01",
    "fire 12:01",
  ]);
});

Deno.test("Scheduler goes on when the folder can't be read for a while", async () => {
  const bench = new Bench();
  await addSchedule(bench.store, aSchedule(), false);
  let failures = 3;
  bench.isThere = () => {
    if (failures-- > 0) throw new Error("Permission denied (os error 13)");
    return true;
  };
  await bench.run(START, times(14));
  const did = bench.did();
  assertEquals(did.length, 2);
  assert(did[0]!.includes("Permission denied"));
  assertEquals(did[1], "fire 12:01");
});

Deno.test("Scheduler takes the times of a suspended machine for missed", async () => {
  for (
    const [missed, expected] of [
      ["last", ["fire 12:01", "fire 15:01"]],
      ["skip", ["fire 12:01"]],
    ] as const
  ) {
    const bench = new Bench();
    await addSchedule(bench.store, aSchedule({ missed, overlap: "allow" }), false);
    const asleep = () => bench.now += 3 * 60 * MINUTE;
    await bench.run(START, [...times(12), asleep, nothing]);
    assertEquals(bench.did(), [...expected]);
  }
});

Deno.test("Scheduler fires nothing again when the clock is set back, and goes on after", async () => {
  const bench = new Bench();
  await addSchedule(bench.store, aSchedule({ overlap: "allow" }), false);
  await bench.run(START, [...times(30), () => bench.now -= 2 * MINUTE, ...times(40)]);
  const did = bench.did();
  assertEquals(did, [...new Set(did)]);
  assertEquals(did, ["fire 12:01", "fire 12:02", "fire 12:03"]);
});

Deno.test("Scheduler catches up missed times one after the other, soon after each has ended", async () => {
  const bench = new Bench();
  await addSchedule(bench.store, aSchedule({ missed: "all" }), false);
  bench.now = START + 3 * MINUTE + 1;
  const end = async () => {
    for await (const job of bench.jobs.list({ states: ["pending"] })) {
      await bench.jobs.change(job.id, (job) => cancelled(job, bench.now));
    }
  };
  await bench.run(bench.now, [nothing, end, nothing, end, nothing, end, nothing]);
  assertEquals(bench.did(), ["fire 12:01", "fire 12:02", "fire 12:03"]);
  assert(bench.waits.slice(0, 4).every((wait) => wait <= 200), String(bench.waits));
});
