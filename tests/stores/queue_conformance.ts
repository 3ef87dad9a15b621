// What every store must do about queues: limits, rates and pauses are kept, and jobs that may begin
// do begin.
import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { QueueError } from "../../src/queue/errors.ts";
import type { Job } from "../../src/queue/job.ts";
import type { QueueSettings, QueueStore, QueueView } from "../../src/queue/queues.ts";
import type { JobStore } from "../../src/queue/store.ts";
import { cancelled, ended, retried, unclaimed } from "../../src/queue/transitions.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";

/** A new, empty store: its jobs as two processes see them, and its queues. */
export interface QueueWorld {
  readonly jobs: JobStore;
  readonly others: JobStore;
  readonly queues: QueueStore;
}

export type WithQueues = (
  test: (world: QueueWorld) => Promise<void>,
  now: () => number,
) => Promise<void>;

const BACKOFF = { base: 2, max: 60 };
const W1 = { worker: "w-1", pid: 11, host: "box" };
const W2 = { worker: "w-2", pid: 12, host: "box" };

export const set = (queues: QueueStore, name: string, values: Partial<QueueSettings>) =>
  queues.change([name], (before) => ({ ...before, ...values }));

function batch(queue: string, count: number, values: Partial<Job> = {}): Job[] {
  return Array.from(
    { length: count },
    (_, sequence) => aJob({ id: `${queue}${sequence}`, queue, sequence, ...values }),
  );
}

export function testQueues(name: string, withQueues: WithQueues): void {
  let now = EPOCH;
  const test = (says: string, body: (world: QueueWorld) => Promise<void>) =>
    Deno.test(`${name}: ${says}`, async () => {
      now = EPOCH;
      await withQueues(body, () => now);
    });
  const claim = async (jobs: JobStore, queues?: readonly string[], by = W1) =>
    (await jobs.claim(by, now, queues))?.id;
  const claimAll = async (jobs: JobStore, queues?: readonly string[]) => {
    const ids: string[] = [];
    for (let id; (id = await claim(jobs, queues)) !== undefined;) ids.push(id);
    return ids;
  };
  const end = (jobs: JobStore, id: string, by = W1) =>
    changeAs(jobs, by.worker, id, (job) => ended(job, anEnding("succeeded"), BACKOFF, now));

  test("list() shows default, and each queue that a setting or a job names", async (world) => {
    const { jobs, queues } = world;
    const none = { waiting: 0, failed: 0, blocked: 0, running: 0 };
    const view = { ...none, limit: null, rate: null, paused: false };
    const empty = { name: "default", ...view, oldestWaitingAt: null };
    assertEquals(await queues.list(), [empty]);
    const long = "a.long-name_".repeat(10);
    await jobs.add([
      aJob({ id: "1", queue: "a", createdAt: EPOCH + 5 }),
      aJob({ id: "2", queue: "a", createdAt: EPOCH + 3, sequence: 1, runAt: EPOCH + 9000 }),
      aJob({ id: "3", queue: "a", createdAt: EPOCH + 1, priority: 1 }),
      aJob({ id: "4", queue: long, createdAt: EPOCH + 1 }),
      aJob({ id: "5", queue: "blocked", after: ["1"] }),
      aJob({ id: "6", queue: "ended" }),
    ]);
    await jobs.change("6", (job) => cancelled(job, now));
    assertEquals(await claim(jobs), "3");
    await set(queues, "set", { limit: 3, rate: { count: 10, seconds: 60 }, paused: true });
    assertEquals(await queues.list(), [
      { ...view, name: "a", waiting: 2, running: 1, oldestWaitingAt: EPOCH + 3 },
      { ...view, name: long, waiting: 1, oldestWaitingAt: EPOCH + 1 },
      { ...view, name: "blocked", blocked: 1, oldestWaitingAt: null },
      empty,
      {
        ...view,
        name: "set",
        limit: 3,
        rate: { count: 10, seconds: 60 },
        paused: true,
        oldestWaitingAt: null,
      },
    ]);
    await changeAs(jobs, W1.worker, "3", (job) => ended(job, anEnding("failed"), BACKOFF, now));
    const [{ waiting, failed, running }] = await queues.list() as [QueueView];
    assertEquals({ waiting, failed, running }, { waiting: 3, failed: 1, running: 0 });
    await set(queues, "set", { limit: null, rate: null, paused: false });
    assertEquals((await queues.list()).map((one) => one.name), ["a", long, "blocked", "default"]);
  });

  test("settings() tells what is set, and nothing of other queues", async ({ jobs, queues }) => {
    await jobs.add([aJob({ id: "a", queue: "unset" })]);
    assertEquals(await queues.settings(), new Map());
    const settings = { limit: 2, rate: { count: 3, seconds: 60 }, paused: true };
    await queues.change(["q"], () => settings);
    assertEquals(await queues.settings(), new Map([["q", settings]]));
  });

  test("change() of several is all or nothing", async ({ queues }) => {
    const refusal = new QueueError("refused", "not b");
    await assertRejects(
      () => {
        let calls = 0;
        return queues.change(["a", "b"], (one) => ++calls === 2 ? refusal : { ...one, limit: 1 });
      },
      QueueError,
      "not b",
    );
    assertEquals((await queues.list()).map((one) => one.name), ["default"]);
    await queues.change(["a", "b"], (one) => ({ ...one, limit: 1 }));
    await queues.change(["b"], (one) => ({ ...one, paused: true }));
    assertEquals(
      (await queues.list()).map(({ name, limit, paused }) => [name, limit, paused]),
      [["a", 1, false], ["b", 1, true], ["default", null, false]],
    );
  });

  test("claim() keeps the limit over all, and goes on when a job ends", async (world) => {
    const { jobs, others, queues } = world;
    await set(queues, "q", { limit: 2 });
    await jobs.add([...batch("q", 5), ...batch("free", 1, { priority: -1 })]);
    assertEquals(await claim(jobs), "q0");
    assertEquals(await claim(others, undefined, W2), "q1");
    assertEquals(await claim(jobs), "free0");
    assertEquals([await claim(jobs), await claim(others)], [undefined, undefined]);
    await end(others, "q1", W2);
    assertEquals([await claim(jobs), await claim(others)], ["q2", undefined]);
    // Given back, it takes its turn again before the others.
    await changeAs(jobs, "w-1", "q2", unclaimed);
    assertEquals([await claim(others), await claim(jobs)], ["q2", undefined]);
    assertEquals((await jobs.count()).pending, 2);
    assertEquals((await Array.fromAsync(jobs.list({}))).length, 6);
    await end(jobs, "q0");
    assertEquals(await claim(others), "q3");
  });

  test("claim() keeps a limit of the default queue, too", async ({ jobs, queues }) => {
    await set(queues, "default", { limit: 1 });
    await jobs.add([...batch("default", 3), ...batch("q", 1, { priority: -5 })]);
    assertEquals(await claimAll(jobs), ["default0", "q0"]);
    await end(jobs, "default0");
    assertEquals(await claimAll(jobs), ["default1"]);
  });

  test("claim() lets no more begin within any window than the rate says", async (world) => {
    const { jobs, others, queues } = world;
    await set(queues, "q", { rate: { count: 3, seconds: 60 } });
    await jobs.add(batch("q", 9));
    assertEquals([await claim(jobs), await claim(others)], ["q0", "q1"]);
    now += 20_000;
    assertEquals([await claim(others), await claim(jobs)], ["q2", undefined]);
    assertEquals(await claim(others), undefined);
    await end(jobs, "q0"); // the end of a job makes no room in the window
    assertEquals(await claim(jobs), undefined);
    assertEquals(await jobs.nextDue(), EPOCH + 60_000);
    now = EPOCH + 59_999;
    assertEquals(await claim(jobs), undefined);
    now = EPOCH + 60_000;
    assertEquals(await claimAll(jobs), ["q3", "q4"]);
    now = EPOCH + 80_000;
    assertEquals(await claimAll(jobs), ["q5"]);
    now = EPOCH + 1_000_000;
    assertEquals(await claimAll(jobs), ["q6", "q7", "q8"]);
  });

  test("claim() takes nothing of a paused queue until it is resumed", async (world) => {
    const { jobs, others, queues } = world;
    await jobs.add([...batch("q", 40), ...batch("free", 2, { priority: -1 })]);
    assertEquals(await claim(jobs), "q0");
    await set(queues, "q", { paused: true });
    assertEquals(await claimAll(jobs), ["free0", "free1"]);
    await end(jobs, "q0");
    assertEquals(await claim(others), undefined);
    await jobs.add([aJob({ id: "late", queue: "q", priority: 3 })]);
    await jobs.change("q7", (job) => cancelled(job, now));
    assertEquals(await claim(others), undefined);
    const [view] = (await queues.list()).filter((one) => one.name === "q");
    assertEquals([view?.waiting, view?.running], [39, 0]);
    assertEquals((await jobs.count()).pending, 39);
    await set(queues, "q", { paused: false });
    const rest = Array.from({ length: 39 }, (_, n) => `q${n + 1}`).filter((id) => id !== "q7");
    assertEquals(await claimAll(others), ["late", ...rest]);
  });

  test("change() holds for what waits and what runs already", async ({ jobs, queues }) => {
    await jobs.add(batch("q", 8));
    assertEquals([await claim(jobs), await claim(jobs), await claim(jobs)], ["q0", "q1", "q2"]);
    await set(queues, "q", { limit: 2 });
    assertEquals(await claim(jobs), undefined);
    await end(jobs, "q0");
    assertEquals(await claim(jobs), undefined);
    await end(jobs, "q1");
    assertEquals([await claim(jobs), await claim(jobs)], ["q3", undefined]);
    await set(queues, "q", { limit: 1 });
    await end(jobs, "q2");
    assertEquals(await claim(jobs), undefined);
    await set(queues, "q", { limit: 3 });
    assertEquals(await claimAll(jobs), ["q4", "q5"]);
    await set(queues, "q", { limit: null });
    assertEquals(await claimAll(jobs), ["q6", "q7"]);
  });

  test("claim() goes by priority, due time and arrival over all queues", async (world) => {
    const { jobs, queues } = world;
    await set(queues, "b", { limit: 1 });
    await jobs.add([
      aJob({ id: "1", queue: "a", sequence: 1 }),
      aJob({ id: "2", queue: "b", sequence: 2 }),
      aJob({ id: "3", sequence: 3 }),
      aJob({ id: "4", queue: "b", sequence: 4, priority: 2 }),
      aJob({ id: "5", queue: "c", sequence: 5, priority: 1 }),
    ]);
    assertEquals([await claim(jobs), await claim(jobs)], ["4", "5"]);
    await jobs.add([aJob({ id: "6", queue: "b", sequence: 6, priority: 1 })]);
    assertEquals(await claim(jobs), "1");
    await end(jobs, "4");
    assertEquals([await claim(jobs), await claim(jobs), await claim(jobs)], ["6", "3", undefined]);
    await end(jobs, "6");
    assertEquals(await claim(jobs), "2");
  });

  test("claim() takes only from the named queues", async ({ jobs, others }) => {
    await jobs.add([...batch("a", 40), ...batch("b", 2), ...batch("default", 2)]);
    await jobs.add([aJob({ id: "one", queue: "b" })]);
    assertEquals(await claim(jobs, ["b", "c"]), "b0");
    assertEquals(await claimAll(others, ["b"]), ["one", "b1"]);
    assertEquals([await claim(jobs, ["c"]), await claim(jobs, ["default"])], [
      undefined,
      "default0",
    ]);
    assertEquals((await claimAll(jobs)).length, 41);
  });

  test("hasWork() leaves out paused queues, and those that are not named", async (world) => {
    const { jobs, queues } = world;
    await jobs.add(batch("a", 1));
    assertEquals([await jobs.hasWork(), await jobs.hasWork(["a"])], [true, true]);
    assertEquals(await jobs.hasWork(["b"]), false);
    await set(queues, "a", { paused: true });
    assertEquals([await claim(jobs), await jobs.hasWork()], [undefined, false]);
    await set(queues, "a", { paused: false, limit: 1, rate: { count: 1, seconds: 60 } });
    assertEquals(await claim(jobs), "a0");
    assertEquals([await jobs.hasWork(), await jobs.hasWork(["b"])], [true, false]);
    await jobs.add([aJob({ id: "next", queue: "a" })]);
    await end(jobs, "a0");
    assertEquals([await claim(jobs), await jobs.hasWork()], [undefined, true]);
  });

  test("waitForChange() resolves when a queue opens", async ({ jobs, others, queues }) => {
    await set(queues, "q", { limit: 1 });
    await jobs.add(batch("q", 2));
    assertEquals([await claim(jobs), await claim(others)], ["q0", undefined]);
    for (const open of [() => end(jobs, "q0"), () => set(queues, "q", { limit: 2 })]) {
      const given = AbortSignal.timeout(20_000);
      const woken = others.waitForChange(60_000, given);
      await open();
      await woken;
      assertEquals(given.aborted, false);
    }
  });

  test("a job of a limited queue is retried, cancelled and dies as any other", async (world) => {
    const { jobs, queues } = world;
    await set(queues, "q", { limit: 1 });
    await jobs.add(batch("q", 4, { maxRetries: 0 }));
    assertEquals([await claim(jobs), await claim(jobs)], ["q0", undefined]);
    await jobs.change("q1", (job) => cancelled(job, now));
    const failed = (job: Job) => ended(job, anEnding("failed"), BACKOFF, now);
    await changeAs(jobs, "w-1", "q0", failed);
    assertEquals([await claim(jobs), await claim(jobs)], ["q2", undefined]);
    await jobs.change("q0", (job) => retried(job, now + 1));
    await end(jobs, "q2");
    now += 10;
    assertEquals([await claim(jobs), await claim(jobs)], ["q3", undefined]);
    await end(jobs, "q3");
    assertEquals(await claim(jobs), "q0");
  });

  let waits = 0;
  test("random histories give the same result as the model", async () => {
    const queue = fc.constantFrom("a", "b", "default");
    const settings = fc.record({
      limit: fc.constantFrom(null, null, 1, 2),
      rate: fc.constantFrom(null, null, { count: 2, seconds: 10 }),
      paused: fc.constantFrom(false, false, true),
    });
    const event = fc.oneof(
      fc.record({ add: queue, priority: fc.integer({ min: 0, max: 1 }), delay: fc.nat(1) }),
      fc.record({ claim: fc.constantFrom(undefined, ["a"], ["b", "default"]) }),
      fc.record({ claim: fc.constant(undefined) }),
      fc.record({ end: fc.constantFrom("succeeded", "failed", "released" as const) }),
      fc.record({ set: queue, settings }),
      fc.record({ wait: fc.nat(8_000) }),
      fc.record({ cancel: fc.constant(true) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 50 }), async (events) => {
        now = EPOCH;
        await withQueues(({ jobs, queues }) =>
          withModel(async (tick) => {
            const model = new MemoryStore(() => now);
            const both = [{ jobs, queues }, { jobs: model as JobStore, queues: model.queues }];
            for (const [index, one] of events.entries()) {
              tick();
              now++; // no worker begins two attempts in one millisecond
              const said: unknown[] = [];
              for (const world of both) said.push(await act(world, one, index));
              assertEquals(said[0], said[1], `event ${index}: ${JSON.stringify(one)}`);
            }
            const views = await Promise.all(both.map((world) => world.queues.list()));
            assertEquals(views[0], views[1]);
          }), () => now);
      }),
      { numRuns: 60 },
    );

    async function act(
      { jobs, queues }: Pick<QueueWorld, "jobs" | "queues">,
      one: Partial<Record<string, unknown>>,
      index: number,
    ): Promise<unknown> {
      const running = async () => (await jobs.claimedBy("w-1")).map(({ id }) => id).sort();
      if ("add" in one) {
        const runAt = one.delay === 1 ? now + 3000 : null;
        const values = { queue: one.add as string, priority: one.priority as number, runAt };
        return await jobs.add([aJob({ id: `j${index}`, createdAt: now, ...values })]);
      }
      if ("claim" in one) return await claim(jobs, one.claim as string[] | undefined);
      if ("end" in one) {
        const [id] = await running();
        if (id === undefined) return undefined;
        const outcome = one.end as "succeeded";
        return (await changeAs(
          jobs,
          "w-1",
          id,
          (job) => ended(job, anEnding(outcome), BACKOFF, now),
        ))
          .status;
      }
      if ("set" in one) return await set(queues, one.set as string, one.settings as QueueSettings);
      if ("cancel" in one) {
        const [job] = await Array.fromAsync(jobs.list({ states: ["pending"], limit: 1 }));
        return job && (await jobs.change(job.id, (job) => cancelled(job, now))).id;
      }
      return waited(one.wait as number);
    }

    /** Time passes once for both. */
    function waited(time: number): void {
      if (++waits % 2 === 1) now += time;
    }
  });
}

/**
 * Lets `body` say when time passes by which stores tell how old it is what they know: waiting takes
 * none.
 */
async function withModel(body: (tick: () => void) => Promise<void>): Promise<void> {
  const real = { now: performance.now, timer: globalThis.setTimeout };
  let ticks = real.now.call(performance);
  performance.now = () => ticks;
  globalThis.setTimeout = ((action: () => void, ms = 0) => {
    ticks += ms;
    queueMicrotask(action);
    return 0;
  }) as unknown as typeof setTimeout;
  try {
    await body(() => ticks += 1000);
  } finally {
    performance.now = real.now;
    globalThis.setTimeout = real.timer;
  }
}
