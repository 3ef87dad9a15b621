// What every store of jobs must do, and must not. The test of each store calls `testJobStore` and
// adds what is special to that store.
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { QueueError } from "../../src/queue/errors.ts";
import { hasEnded, type Job, turnTime, updatedAt } from "../../src/queue/job.ts";
import type { Outcome } from "../../src/queue/outcome.ts";
import { OUTCOMES } from "../../src/queue/outcome.ts";
import { compareTurns, turnOf } from "../../src/queue/order.ts";
import type { JobStore, Query } from "../../src/queue/store.ts";
import {
  cancelled,
  ended,
  removableFromDlq,
  retried,
  unblocked,
  unclaimed,
  waitingStatus,
} from "../../src/queue/transitions.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { testChanges } from "./changes_conformance.ts";
import { testPages } from "./pages_conformance.ts";
import { testsOf, type WithStore } from "./with_store.ts";

const BACKOFF = { base: 2, max: 60 };
const W1 = { worker: "w-1", pid: 11, host: "box" };
const W2 = { worker: "w-2", pid: 12, host: "box" };

const end = (outcome: Outcome, now: number) => (job: Job) =>
  ended(job, anEnding(outcome), BACKOFF, now);

const dueAt = (job: Job | undefined) => job && turnTime(job, waitingStatus(job)!);

async function listed(store: JobStore, query: Query = {}): Promise<Job[]> {
  return await Array.fromAsync(store.list(query));
}

async function refused(action: () => Promise<unknown>, code: string): Promise<void> {
  assertEquals((await assertRejects(action, QueueError)).code as string, code);
}

export function testJobStore(name: string, withStore: WithStore): void {
  testChanges(name, withStore);
  testPages(name, withStore);
  let now = EPOCH;
  const test = testsOf(name, withStore, { now: () => now, begin: () => now = EPOCH });

  test("get() gives back what add() was given", async (store) => {
    const job = aJob({
      id: "A-1_b.c",
      command: "printf '%s' \"ünïcödé 🎉\"\n\techo \\ $HOME",
      priority: -7,
      cwd: "/tmp/a b",
      env: { A: "1", B: "two\nlines" },
      maxRetries: 0,
      timeout: 1.5,
      sequence: 3,
      runAt: EPOCH + 1,
      queue: "Q-1_b.c",
      group: "g",
      after: ["b", "c"],
      afterAny: ["d"],
      unique: "any text, \n ünïcödé",
      startBy: EPOCH + 2,
      schedule: "nightly",
    });
    await store.add(["b", "c", "d"].map((id) => aJob({ id })));
    assertEquals(await store.add([job]), 1);
    assertEquals(await store.get("A-1_b.c"), job);
    assertEquals(await store.get("A-1"), undefined);
  });

  test("add() refuses an id that is taken, and then adds nothing at all", async (store) => {
    await store.add([aJob({ id: "a", command: "first" })]);
    for (const [ids, taken] of [[["b", "a", "c"], "a"], [["d", "d"], "d"]] as const) {
      const error = await assertRejects(() => store.add(ids.map((id) => aJob({ id }))), QueueError);
      assertEquals([error.code, error.message, error.hint], [
        "duplicate_id",
        `Cannot enqueue job "${taken}": a job with this id exists`,
        `See it: queuectl job show ${taken}`,
      ]);
    }
    assertEquals((await listed(store)).map((job) => job.command), ["first"]);
    for (const id of ["b", "c", "d"]) assertEquals(await store.get(id), undefined);
    assertEquals((await store.count()).pending, 1);
  });

  test("add() takes many at once, and stops at an error of their maker", async (store) => {
    const many = Array.from(
      { length: 2500 },
      (_, sequence) => aJob({ id: `m${sequence}`, sequence }),
    );
    assertEquals(await store.add(many), 2500);
    assertEquals((await store.count()).pending, 2500);
    const broken = function* () {
      yield aJob({ id: "x" });
      throw new Error("no more");
    };
    await assertRejects(() => store.add(broken()), Error, "no more");
    assertEquals(await store.get("x"), undefined);
    const first = await store.claim(W1, now);
    assertEquals(first?.id, "m0");
  });

  test("claim() goes by priority, then time due, then order of arrival", async (store) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            priority: fc.integer({ min: -2, max: 2 }),
            created: fc.integer({ min: 0, max: 3 }),
            delay: fc.option(fc.integer({ min: -30, max: 3 })),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        async (specs) => {
          const jobs = specs.map(({ priority, created, delay }, sequence) =>
            aJob({
              id: crypto.randomUUID(),
              priority,
              sequence,
              createdAt: EPOCH + created * 9_999,
              runAt: delay === null ? null : EPOCH + created * 9_999 + delay * 7_000,
            })
          );
          for (const job of jobs) await store.add([job]);
          now = EPOCH + 100_000;
          const turns = jobs.map((job) => turnOf(job, job.status as Parameters<typeof turnOf>[1]));
          const expected = turns.sort(compareTurns).map((turn) => turn.id);
          const actual: string[] = [];
          for (let job; (job = await store.claim(W1, now)) !== undefined;) {
            actual.push(job.id);
            await changeAs(store, W1.worker, job.id, end("succeeded", now));
          }
          assertEquals(actual, expected);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("claim() gives nothing before it is due", async (store) => {
    await store.add([aJob({ id: "later", runAt: EPOCH + 90_000 })]);
    assertEquals(await store.claim(W1, EPOCH + 89_999), undefined);
    assertEquals(await store.nextDue(), EPOCH + 90_000);
    now = EPOCH + 90_000;
    assertEquals((await store.claim(W1, now))?.id, "later");
  });

  test("claim() notices a more urgent job that came later", async (store) => {
    await store.add(
      Array.from({ length: 50 }, (_, sequence) => aJob({ id: `m${sequence}`, sequence })),
    );
    assertEquals((await store.claim(W1, now))?.id, "m0");
    await store.add([aJob({ id: "urgent", priority: 9, createdAt: EPOCH + 1 })]);
    await store.waitForChange(1000);
    assertEquals((await store.claim(W1, now + 1))?.id, "urgent");
    assertEquals((await store.claim(W1, now + 1))?.id, "m1");
  });

  test("claim() gives each job to one claimant only", async (store, again) => {
    const stores = [store, await again(), await again()];
    const ids = Array.from({ length: 60 }, (_, sequence) => `m${sequence}`);
    await store.add(ids.map((id, sequence) => aJob({ id, sequence })));
    const claims = await Promise.all(stores.map(async (one, i) => {
      const got: string[] = [];
      for (
        let job;
        (job = await one.claim({ worker: `w-${i}`, pid: i, host: "box" }, now)) !== undefined;
      ) {
        got.push(job.id);
        await Promise.resolve();
      }
      return got;
    }));
    assertEquals(claims.flat().sort(), ids.sort());
    assertEquals(await store.count(), {
      pending: 0,
      blocked: 0,
      processing: 60,
      completed: 0,
      failed: 0,
      dead: 0,
      cancelled: 0,
    });
    for (const one of stores.slice(1)) one.close();
  });

  test("a claimed job is processing for all, and held by its claimant", async (store, again) => {
    await store.add([aJob()]);
    const claimed = await store.claim(W1, now + 5);
    assertEquals(claimed?.status.state, "processing");
    const other = await again();
    for (const one of [store, other]) {
      assertEquals(await one.get("a"), claimed);
      assertEquals(await listed(one), [claimed!]);
      assertEquals(await one.claimedBy("w-1"), [claimed!]);
      assertEquals(await one.claimedBy("w-2"), []);
    }
    await other.close();
  });

  test("change() keeps how an attempt ended, and a job that completed is never claimed again", async (store) => {
    await store.add([aJob()]);
    await store.claim(W1, now);
    const job = await changeAs(store, W1.worker, "a", end("succeeded", now + 1500));
    assertEquals(job.status, { state: "completed", since: now + 1500 });
    assertEquals(await store.get("a"), job);
    assertEquals(await store.claim(W1, now + 1e9), undefined);
    assertEquals(await store.claimedBy("w-1"), []);
  });

  test("change() refuses a late change by a worker that has lost the claim", async (store) => {
    await store.add([aJob()]);
    await store.claim(W1, now);
    await changeAs(store, W1.worker, "a", unclaimed);
    await store.claim(W2, now);
    const before = await store.get("a");
    await refused(() => changeAs(store, W1.worker, "a", end("failed", now)), "claim_lost");
    assertEquals(await store.get("a"), before);
    await changeAs(store, W2.worker, "a", end("succeeded", now));
    await refused(() => changeAs(store, W2.worker, "a", end("failed", now)), "claim_lost");
    assertEquals((await store.get("a"))?.status.state, "completed");
  });

  test("change() does not let others touch a running job", async (store) => {
    await store.add([aJob()]);
    const job = await store.claim(W1, now);
    await refused(() => store.change("a", (job) => cancelled(job, now)), "wrong_state");
    // Nor do events that a running job takes: without the holder's name nobody has a say.
    for (const event of [unclaimed, end("succeeded", now)]) {
      await refused(() => store.change("a", event), "wrong_state");
    }
    await refused(() => store.remove("a", () => undefined), "wrong_state");
    assertEquals(await store.get("a"), job);
  });

  test("recover() changes nothing that is as it should be", async (store, again) => {
    await store.add(
      ["done", "dead", "runs", "waits"].map((id, sequence) =>
        aJob({ id, sequence, maxRetries: 0 })
      ),
    );
    await store.add([aJob({ id: "later", runAt: EPOCH + 60_000 })]);
    for (const id of ["done", "dead", "runs"]) assertEquals((await store.claim(W1, now))?.id, id);
    await changeAs(store, W1.worker, "done", end("succeeded", now));
    await changeAs(store, W1.worker, "dead", end("failed", now));
    const other = await again();
    const before = [await listed(store), await store.count(), await store.claimedBy("w-1")];
    for (const one of [store, other, store]) {
      await one.recover();
      assertEquals([await listed(one), await one.count(), await one.claimedBy("w-1")], before);
    }
    assertEquals((await changeAs(store, W1.worker, "runs", end("succeeded", now))).id, "runs");
    assertEquals((await store.claim(W2, now))?.id, "waits");
    await other.close();
  });

  test("what waits for no time is claimed at once when the clock was set back an hour", async (store) => {
    await store.add(
      ["released", "lost", "dead", "fails"].map((id, sequence) =>
        aJob({ id, sequence, maxRetries: id === "dead" ? 0 : 3 })
      ),
    );
    for (let n = 0; n < 4; n++) await store.claim(W1, now);
    now -= 3_600_000;
    await changeAs(store, W1.worker, "released", end("released", now));
    await changeAs(store, W1.worker, "lost", end("lost", now));
    await changeAs(store, W1.worker, "dead", end("failed", now));
    await store.change("dead", (job) => retried(job, now));
    await changeAs(store, W1.worker, "fails", end("failed", now));
    assertEquals(await store.hasWork(), true);
    assertEquals(await store.nextDue(), now + 2000);
    const ids: (string | undefined)[] = [];
    for (let n = 0; n < 3; n++) ids.push((await store.claim(W1, now))?.id);
    assertEquals(ids.sort(), ["dead", "lost", "released"]);
    assertEquals(await store.claim(W1, now + 1999), undefined);
    now += 2000;
    assertEquals((await store.claim(W1, now))?.id, "fails");
  });

  test("a failed job is retried when it is due, until it is dead", async (store) => {
    await store.add([aJob({ maxRetries: 1 })]);
    await store.claim(W1, now);
    await changeAs(store, W1.worker, "a", end("failed", now));
    assertEquals((await store.get("a"))?.status, {
      state: "failed",
      since: now,
      runAt: now + 2000,
    });
    assertEquals(await store.claim(W1, now + 1999), undefined);
    now += 2000;
    const second = await store.claim(W1, now);
    assertEquals(second?.status.state === "processing" && second.status.running.attempt, 2);
    await changeAs(store, W1.worker, "a", end("timed_out", now));
    const dead = await store.get("a");
    assertEquals(dead?.status.state, "dead");
    assertEquals(dead?.history.map((attempt) => attempt.outcome), ["failed", "timed_out"]);
    assertEquals(await store.claim(W1, now + 1e9), undefined);
  });

  test("a dead job can be retried with all its retries and its history", async (store) => {
    await store.add([aJob({ maxRetries: 0 })]);
    await store.claim(W1, now);
    await changeAs(store, W1.worker, "a", end("failed", now));
    now += 5;
    const job = await store.change("a", (job) => retried(job, now));
    assertEquals([job.status.state, job.history.length, job.countedFrom], ["pending", 1, 1]);
    assertEquals(await store.get("a"), job);
    assertEquals((await store.claim(W2, now))?.id, "a");
  });

  test("a cancelled job is not claimed", async (store) => {
    await store.add([aJob(), aJob({ id: "b", runAt: EPOCH + 5000 })]);
    for (const id of ["a", "b"]) await store.change(id, (job) => cancelled(job, now));
    assertEquals(await store.claim(W1, now + 1e9), undefined);
    assertEquals((await store.count()).cancelled, 2);
    await refused(() => store.change("a", (job) => cancelled(job, now)), "wrong_state");
    await refused(() => store.change("nobody", (job) => cancelled(job, now)), "not_found");
  });

  test("a job given back before it began is as it was", async (store) => {
    const job = aJob();
    await store.add([job]);
    await store.claim(W1, now);
    assertEquals(await changeAs(store, W1.worker, "a", unclaimed), job);
    assertEquals(await store.get("a"), job);
    assertEquals((await store.claim(W2, now))?.id, "a");
  });

  test("remove() takes a job away, unless it is refused", async (store) => {
    await store.add([aJob({ maxRetries: 0 })]);
    await refused(() => store.remove("a", removableFromDlq), "wrong_state");
    assertEquals((await store.count()).pending, 1);
    await store.claim(W1, now);
    await changeAs(store, W1.worker, "a", end("failed", now));
    await store.remove("a", removableFromDlq);
    assertEquals(await store.get("a"), undefined);
    assertEquals(await listed(store), []);
    await refused(() => store.remove("a", removableFromDlq), "not_found");
    await store.add([aJob()]);
  });

  test("list() gives the newest first, and only what is asked for", async (store) => {
    const many = Array.from(
      { length: 30 },
      (_, i) => aJob({ id: `m${i}`, createdAt: EPOCH + (i * 7 % 30), priority: i % 3 }),
    );
    for (const job of many) await store.add([job]);
    for (let i = 0; i < 10; i++) {
      const job = await store.claim(W1, now + 100);
      if (i < 8) {
        await changeAs(
          store,
          W1.worker,
          job!.id,
          end(i % 2 ? "succeeded" : "failed", now + 100 + i),
        );
      }
    }
    const all = await listed(store);
    assertEquals(all.length, 30);
    const times = all.map((job) => job.createdAt);
    assertEquals(times, times.toSorted((a, b) => b - a));
    assertEquals(await listed(store, { limit: 4 }), all.slice(0, 4));
    assertEquals(await listed(store, { limit: 0 }), []);
    assertEquals(
      await listed(store, { since: EPOCH + 20 }),
      all.filter((job) => job.createdAt >= EPOCH + 20),
    );
    for (
      const states of [["pending"], ["processing"], ["completed", "failed"], ["dead"]] as const
    ) {
      const expected = all.filter((job) =>
        (states as readonly string[]).includes(job.status.state)
      );
      assertEquals(await listed(store, { states }), expected);
    }
    const ended = all.filter(hasEnded).map(updatedAt).toSorted((a, b) => a - b);
    const endedBefore = ended[2]!;
    assertEquals(
      await listed(store, { endedBefore }),
      all.filter((job) => hasEnded(job) && updatedAt(job) < endedBefore),
    );
  });

  test("list() filters by queue, group and command, all at once", async (store) => {
    const jobs = Array.from({ length: 12 }, (_, i) =>
      aJob({
        id: `m${i}`,
        sequence: i,
        queue: i % 2 === 0 ? "default" : "video",
        group: i % 3 === 0 ? "g" : null,
        command: i % 4 === 0 ? "echo [a]\nb" : "make",
      }));
    await store.add(jobs);
    const ids = async (query: Query) => (await listed(store, query)).map(({ id }) => id);
    assertEquals(await ids({ queue: "video" }), ["m11", "m9", "m7", "m5", "m3", "m1"]);
    assertEquals(await ids({ queue: "default", limit: 2 }), ["m10", "m8"]);
    assertEquals(await ids({ group: "g" }), ["m9", "m6", "m3", "m0"]);
    assertEquals(await ids({ group: "g", queue: "video" }), ["m9", "m3"]);
    assertEquals(await ids({ command: "echo [[]?]*b" }), ["m8", "m4", "m0"]);
    assertEquals(await ids({ command: "mak", queue: "video" }), []);
    assertEquals(await ids({ queue: "Video" }), []);
    assertEquals(await ids({ endedBefore: Infinity }), []);
  });

  test("list() filters by the exit code of the last attempt that ended", async (store) => {
    const ids = ["three", "four", "lost", "never"];
    await store.add(ids.map((id, sequence) => aJob({ id, sequence, maxRetries: 0 })));
    for (const [id, exitCode] of [["three", 3], ["four", 4], ["lost", null]] as const) {
      assertEquals((await store.claim(W1, EPOCH))?.id, id);
      const ending = { ...anEnding(exitCode === null ? "lost" : "failed"), exitCode };
      await changeAs(store, W1.worker, id, (job) => ended(job, ending, BACKOFF, EPOCH));
    }
    const found = async (query: Query) => (await listed(store, query)).map(({ id }) => id);
    assertEquals(await found({ exitCode: 3 }), ["three"]);
    assertEquals(await found({ exitCode: 4, states: ["dead"], limit: 1 }), ["four"]);
    assertEquals(await found({ exitCode: null }), ["never", "lost"]);
    assertEquals(await found({ exitCode: null, states: ["dead"] }), ["lost"]);
    assertEquals(await found({ exitCode: 5 }), []);
  });

  test(
    "blocked jobs are counted, listed and never claimed, until they no longer are",
    async (store, again) => {
      const blocked = (id: string, sequence: number, more = {}) =>
        aJob({ id, sequence, after: ["x"], ...more });
      await store.add([aJob({ id: "x", createdAt: EPOCH - 1, runAt: EPOCH + 1e12 })]);
      await store.add([blocked("alone", 0)]);
      await store.add([blocked("two", 1, { priority: 5 }), aJob({ id: "free", sequence: 2 })]);
      await store.add(Array.from({ length: 40 }, (_, i) => blocked(`many${i}`, 3 + i)));
      assertEquals([(await store.count()).blocked, (await store.count()).pending], [42, 2]);
      const found = (await listed(store, { states: ["blocked"] })).map(({ id }) => id);
      assertEquals([found.length, found[0], found.at(-1)], [42, "many39", "alone"]);
      assertEquals((await listed(store)).length, 44);
      assertEquals((await store.claim(W1, now + 1e9))?.id, "free");
      assertEquals(await store.claim(W1, now + 1e9), undefined);
      await changeAs(store, W1.worker, "free", end("succeeded", now));
      assertEquals([await store.hasWork(), await store.nextDue()], [false, EPOCH + 1e12]);
      await refused(() => store.remove("two", removableFromDlq), "wrong_state");
      assertEquals((await store.get("two"))?.status.state, "blocked");

      await store.change("alone", (job) => cancelled(job, now, "x was cancelled"));
      const { status } = (await store.get("alone"))!;
      assertEquals(status, { state: "cancelled", since: now, reason: "x was cancelled" });
      now += 100;
      await store.change("many20", (job) => unblocked(job, now));
      await store.change("two", (job) => unblocked(job, now));
      const other = await again();
      assertEquals([(await other.count()).blocked, (await other.count()).pending], [39, 3]);
      const order = [await other.claim(W2, now), await other.claim(W2, now)].map((job) => job?.id);
      assertEquals([...order, await other.claim(W2, now)], ["two", "many20", undefined]);
      await other.close();
    },
  );

  test("blocked jobs keep their time when they no longer are", async (store) => {
    await store.add([aJob({ id: "x", runAt: EPOCH + 1e12 })]);
    await store.add([aJob({ after: ["x"], runAt: EPOCH + 5000 })]);
    await store.change("a", (job) => unblocked(job, now));
    assertEquals([await store.claim(W1, now), await store.nextDue()], [undefined, EPOCH + 5000]);
    now += 5000;
    assertEquals((await store.claim(W1, now))?.id, "a");
  });

  test("claim() keeps the host of the worker in the history", async (store) => {
    await store.add([aJob()]);
    const job = await store.claim(W1, now);
    assertEquals(job?.status.state === "processing" && job.status.running.host, "box");
    await changeAs(store, W1.worker, "a", end("failed", now));
    assertEquals((await store.get("a"))?.history.map(({ host }) => host), ["box"]);
  });

  test("findIdsByPrefix() finds ids by their beginning", async (store) => {
    await store.add(["abc", "abd", "b", "a"].map((id) => aJob({ id })));
    assertEquals((await store.findIdsByPrefix("ab", 9)).sort(), ["abc", "abd"]);
    assertEquals((await store.findIdsByPrefix("a", 9)).sort(), ["a", "abc", "abd"]);
    assertEquals((await store.findIdsByPrefix("a", 2)).length, 2);
    assertEquals(await store.findIdsByPrefix("abcd", 9), []);
    assertEquals((await store.findIdsByPrefix("", Infinity)).sort(), ["a", "abc", "abd", "b"]);
  });

  test("unfinished() is true while something is due, runs or waits for a retry", async (store) => {
    assertEquals(await store.hasWork(), false);
    await store.add([aJob({ id: "later", runAt: EPOCH + 60_000 })]);
    assertEquals(await store.hasWork(), false);
    await store.add([aJob()]);
    assertEquals(await store.hasWork(), true);
    await store.claim(W1, now);
    assertEquals(await store.hasWork(), true);
    await changeAs(store, W1.worker, "a", end("failed", now));
    assertEquals(await store.hasWork(), true);
    await store.change("a", (job) => cancelled(job, now));
    assertEquals(await store.hasWork(), false);
    now += 60_000;
    assertEquals(await store.hasWork(), true);
  });

  test(
    "changed() resolves when a job comes, when time is up, and when it is told to",
    async (store, again) => {
      await store.waitForChange(0);
      const other = await again();
      const woken = store.waitForChange(20_000);
      await other.add([aJob()]);
      await woken;
      assertEquals((await store.claim(W1, now))?.id, "a");
      const abort = new AbortController();
      const aborted = store.waitForChange(20_000, abort.signal);
      abort.abort();
      await aborted;
      await other.close();
    },
  );

  test("any history leaves the same jobs as the model's", async (store) => {
    const action = fc.record({
      kind: fc.constantFrom(
        "add",
        "claim",
        "end",
        "cancel",
        "retry",
        "remove",
        "unclaim",
        "recover",
        "clock",
      ),
      outcome: fc.constantFrom(...OUTCOMES),
      which: fc.nat(20),
      step: fc.integer({ min: 0, max: 5000 }),
      priority: fc.integer({ min: -1, max: 1 }),
      delay: fc.constantFrom(null, null, 1000, 100_000),
    });
    const clear = async () => {
      for (const { id } of await store.claimedBy(W1.worker)) {
        await changeAs(store, W1.worker, id, end("cancelled", now));
      }
      for (const { id } of await listed(store)) {
        await store.change(id, (job) => cancelled(job, now)).catch(() => {});
        await store.remove(id, () => undefined);
      }
    };
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        round++;
        const model = new MemoryStore(() => now);
        const ids: string[] = [];
        const stores = [model, store];
        const both = async (action: (one: JobStore) => Promise<unknown>) => {
          const [expected, actual] = await Promise.all(
            stores.map((one) => action(one).catch((error) => error.code)),
          );
          assertEquals(actual, expected);
          return expected;
        };
        await clear();
        for (const { kind, outcome, which, step, priority, delay } of actions) {
          if (kind !== "clock") now += step;
          else {
            // What has fallen due stays so in one store, and waits once more in another, when the
            // clock is set back behind its time.
            const due = (await listed(model)).map(({ status }) =>
              "runAt" in status ? status.runAt ?? 0 : 0
            ).filter((time) => time <= now);
            now = Math.max(now + 1000 * (step - 2500), ...due);
          }
          const id = ids[which % Math.max(ids.length, 1)] ?? "none";
          const holder = W1.worker;
          if (kind === "add") {
            const values = {
              id: `r${round}-${ids.length}`,
              createdAt: now,
              priority,
              maxRetries: which % 3,
            };
            const job = aJob({ ...values, runAt: delay === null ? null : now + delay });
            ids.push(job.id);
            await both((one) => one.add([job]));
          } else if (kind === "claim") await both((one) => one.claim(W1, now));
          else if (kind === "end") {
            await both((one) => changeAs(one, holder, id, end(outcome, now)));
          } else if (kind === "recover") await both((one) => one.recover());
          else if (kind === "unclaim") await both((one) => changeAs(one, holder, id, unclaimed));
          else if (kind === "cancel") {
            await both((one) => one.change(id, (job) => cancelled(job, now)));
          } else if (kind === "retry") {
            await both((one) => one.change(id, (job) => retried(job, now)));
          } else if (kind === "remove") await both((one) => one.remove(id, removableFromDlq));
        }
        await both((one) => one.count());
        await both((one) => listed(one));
        await both(async (one) => (await one.claimedBy(W1.worker)).map((job) => job.id).sort());
        await both((one) => one.hasWork());
        await both((one) => one.nextDue());
        await both(async (one) => Object.values(await one.waitingEnds(now)).map(dueAt));
        const counts = Object.values(await store.count()).reduce((a, b) => a + b);
        assert(counts === (await listed(store)).length, "the counts add up to the number of jobs");
      }),
      { numRuns: 60 },
    );
  });
}
