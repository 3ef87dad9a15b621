// What every store must do for jobs that wait for others. See conformance.ts.
import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { QueueError } from "../../src/queue/errors.ts";
import type { Job, Status } from "../../src/queue/job.ts";
import { type Outcome, OUTCOMES } from "../../src/queue/outcome.ts";
import { retriedOnceEnded } from "../../src/queue/revise.ts";
import type { JobStore } from "../../src/queue/store.ts";
import {
  cancelled,
  ended,
  removableByCleanup,
  removableFromDlq,
  retried,
  unclaimed,
} from "../../src/queue/transitions.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { testsOf, type WithStore } from "./with_store.ts";

const BY = { worker: "w-1", pid: 11, host: "box" };

export function testDependencies(name: string, withStore: WithStore): void {
  let now = EPOCH;
  const test = testsOf(name, withStore, { now: () => now, begin: () => now = EPOCH });
  const end = async (store: JobStore, id: string, outcome: Outcome = "succeeded") => {
    const claimed = await store.claim(BY, now);
    assertEquals(claimed?.id, id);
    const transition = (job: Job) => ended(job, anEnding(outcome), { base: 2, max: 60 }, now);
    return await changeAs(store, BY.worker, id, transition);
  };
  /** With all told that wait for it. */
  const endAndTell = async (store: JobStore, id: string, outcome: Outcome = "succeeded") => {
    await end(store, id, outcome);
    await store.recover();
  };
  const state = async (store: JobStore, id: string) => (await store.get(id))?.status.state;
  const cancelReason = async (store: JobStore, id: string) => {
    const status = (await store.get(id))?.status;
    return status?.state === "cancelled" ? status.reason : undefined;
  };

  test("a job that waits for two is released when both have completed", async (store, again) => {
    await store.add([aJob({ id: "j", after: ["a", "b"] }), aJob({ id: "a", sequence: 1 })]);
    // Its other one was removed before it came: it is gone.
    assertEquals(await cancelReason(store, "j"), 'job "b" was removed');
    await store.add([aJob({ id: "b", sequence: 2 }), aJob({ id: "k", after: ["a", "b"] })]);
    assertEquals((await store.dependentsOf("a")).sort(), ["k"]);
    now += 5;
    await endAndTell(store, "a");
    const status = { state: "blocked", since: EPOCH, runAt: null, met: ["a"] } as const;
    const other = await again();
    assertEquals((await other.get("k"))?.status, status);
    assertEquals([await other.dependentsOf("a"), await other.dependentsOf("b")], [[], ["k"]]);
    // What has ended in time counts for good.
    await store.remove("a", (job) => removableByCleanup(job, now + 1));
    assertEquals((await store.get("k"))?.status, status);
    now += 5;
    await endAndTell(store, "b");
    assertEquals((await other.get("k"))?.status, { state: "pending", since: now, runAt: null });
    await end(store, "k");
    assertEquals(await store.claim(BY, now), undefined);
    await other.close();
  });

  test("what has ended before counts at once", async (store) => {
    await store.add([aJob({ id: "done" })]);
    await end(store, "done");
    await store.add([aJob({ id: "dead", maxRetries: 0 })]);
    await end(store, "dead", "failed");
    await store.add([aJob({ id: "off" })]);
    await store.change("off", (job) => cancelled(job, now));
    const add = async (id: string, values: Partial<Job>) => {
      await store.add([aJob({ id, ...values })]);
      return (await store.get(id))?.status;
    };
    const pending = { state: "pending", since: EPOCH, runAt: null } as const;
    assertEquals(await add("j1", { after: ["done"] }), pending);
    assertEquals(await add("j2", { afterAny: ["done", "dead", "off"] }), pending);
    assertEquals((await add("j3", { after: ["dead"] }))?.state, "blocked");
    assertEquals(
      await add("j4", { after: ["done", "off"] }),
      { state: "cancelled", since: EPOCH, reason: 'job "off" was cancelled' },
    );
    // Many at once as well.
    await store.add(
      Array.from(
        { length: 40 },
        (_, sequence) =>
          aJob({ id: `m${sequence}`, sequence, after: [sequence % 2 === 0 ? "done" : "off"] }),
      ),
    );
    assertEquals((await store.count()).pending, 22);
    assertEquals((await store.count()).cancelled, 22);
  });

  test("a dead job holds up those that need its success, until it is retried", async (store) => {
    await store.add([
      aJob({ id: "a", maxRetries: 0 }),
      aJob({ id: "needs", sequence: 1, after: ["a"] }),
      aJob({ id: "any", sequence: 2, afterAny: ["a"] }),
      aJob({ id: "last", sequence: 3, after: ["needs"] }),
    ]);
    assertEquals(await store.hasWork(), true);
    await endAndTell(store, "a", "failed");
    assertEquals([await state(store, "needs"), await state(store, "any")], ["blocked", "pending"]);
    await end(store, "any");
    assertEquals(await store.hasWork(), false);
    assertEquals(await store.dependentsOf("a"), ["needs"]);
    now += 5;
    await store.change("a", (job) => retried(job, now));
    assertEquals(await state(store, "needs"), "blocked");
    for (const id of ["a", "needs", "last"]) await end(store, id);
    assertEquals(await store.hasWork(), false);
  });

  test(
    "an end that many wait for is followed by the next claim at once, and tells all",
    async (store, again) => {
      const many = 450;
      const jobs = Array.from(
        { length: many },
        (_, i) => aJob({ id: `n${i}`, sequence: i + 2, priority: i % 2, after: ["a"] }),
      );
      await store.add([
        aJob({ id: "a", priority: 3 }),
        aJob({ id: "ready", priority: 2, sequence: 1 }),
        ...jobs,
      ]);
      await end(store, "a");
      await end(store, "ready");
      // Another process, and one that takes jobs of other queues alone.
      const [other, foreign] = [await again(), await again()];
      assertEquals(await foreign.claim({ ...BY, worker: "w-2" }, now, ["foreign"]), undefined);
      const ran: string[] = [];
      for (let job; (job = await (ran.length % 2 ? store : other).claim(BY, now)) !== undefined;) {
        ran.push(job.id);
        await changeAs(
          ran.length % 2 ? other : store,
          BY.worker,
          job.id,
          (job) => ended(job, anEnding("succeeded"), { base: 1, max: 1 }, now),
        );
      }
      const turns = jobs.toSorted((a, b) => b.priority - a.priority).map(({ id }) => id);
      assertEquals(ran, turns);
      assertEquals((await store.count()).completed, many + 2);
      await Promise.all([other.close(), foreign.close()]);
    },
  );

  test("what one has left who told only some of them, others do", async (store, again) => {
    await store.add([
      aJob({ id: "a", priority: 1 }),
      aJob({ id: "ready", sequence: 1 }),
      ...Array.from({ length: 250 }, (_, i) => aJob({ id: `n${i}`, sequence: i, after: ["a"] })),
    ]);
    await end(store, "a");
    await store.claim(BY, now);
    const other = await again();
    // Before it begins anew it counts as what it was.
    await other.change("a", (job) => retriedOnceEnded(job, now));
    const { pending, blocked } = await other.count();
    assertEquals([pending, blocked], [251, 0]);
    await other.close();
  });

  test("one that is removed takes those with it that need it, all down the line", async (store) => {
    await store.add([
      aJob({ id: "a", maxRetries: 0 }),
      aJob({ id: "b", sequence: 1, after: ["a"] }),
      aJob({ id: "c", sequence: 2, after: ["b"] }),
      aJob({ id: "d", sequence: 3, afterAny: ["c"] }),
    ]);
    await end(store, "a", "failed");
    await store.remove("a", removableFromDlq);
    assertEquals(await cancelReason(store, "b"), 'job "a" was removed');
    assertEquals(await cancelReason(store, "c"), 'job "b" was cancelled');
    await end(store, "d");
  });

  test("a blocked job that is cancelled is told of nothing any more", async (store) => {
    await store.add([
      aJob({ id: "a" }),
      aJob({ id: "b", sequence: 1, after: ["a"] }),
      aJob({ id: "c", sequence: 2, after: ["b"] }),
    ]);
    await store.change("b", (job) => cancelled(job, now));
    assertEquals([await cancelReason(store, "b"), await state(store, "c")], [null, "cancelled"]);
    assertEquals(await store.dependentsOf("a"), []);
    await end(store, "a");
    assertEquals(await state(store, "b"), "cancelled");
  });

  test("a job that waits keeps its time and its priority", async (store) => {
    await store.add([
      aJob({ id: "a" }),
      aJob({ id: "later", sequence: 1, after: ["a"], runAt: EPOCH + 5000 }),
      aJob({ id: "low", sequence: 2, after: ["a"] }),
      aJob({ id: "high", sequence: 3, after: ["a"], priority: 1 }),
    ]);
    await endAndTell(store, "a");
    assertEquals(await store.nextDue(), EPOCH + 5000);
    await end(store, "high");
    await end(store, "low");
    assertEquals(await store.claim(BY, now), undefined);
    now += 5000;
    await end(store, "later");
  });

  test("add() takes jobs that wait for one another in any order, and a long line runs to its end", async (store) => {
    const length = 40;
    const line = Array.from(
      { length },
      (_, i) => aJob({ id: `n${i}`, sequence: i, after: i + 1 < length ? [`n${i + 1}`] : [] }),
    );
    await store.add(line);
    assertEquals((await store.count()).blocked, length - 1);
    for (let i = length - 1; i >= 0; i--) await end(store, `n${i}`);
  });

  test("any history of jobs that wait for others is the model's", async (store) => {
    const action = fc.record({
      kind: fc.constantFrom(
        "add",
        "add",
        "batch",
        "claim",
        "end",
        "end",
        "cancel",
        "retry",
        "remove",
        "cleanup",
        "unclaim",
        "recover",
      ),
      outcome: fc.constantFrom("succeeded" as const, ...OUTCOMES),
      which: fc.nat(20),
      others: fc.array(fc.nat(20), { maxLength: 3 }),
      any: fc.array(fc.nat(20), { maxLength: 2 }),
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        round++;
        for (const { id } of await store.claimedBy(BY.worker)) {
          const end = (job: Job) => ended(job, anEnding("cancelled"), { base: 1, max: 1 }, now);
          await changeAs(store, BY.worker, id, end);
        }
        for (let isNew = true; isNew;) {
          isNew = false;
          for (const { id } of await Array.fromAsync(store.list({}))) {
            isNew = true;
            await store.change(id, (job) => cancelled(job, now)).catch(() => {});
            await store.remove(id, () => undefined).catch(() => {});
          }
        }
        const model = new MemoryStore(() => now);
        const ids: string[] = [];
        const both = async (action: (one: JobStore) => Promise<unknown>) => {
          const [expected, actual] = await Promise.all(
            [model, store].map((one) => action(one).then(asTold, (error) => error.code ?? error)),
          );
          assertEquals(actual, expected);
        };
        const make = (others: number[], any: number[], ahead: number) => {
          const known = (n: number) => ids[n % Math.max(ids.length, 1)] ?? "none";
          const job = aJob({
            id: `r${round}-${ids.length + ahead}`,
            createdAt: now,
            sequence: ahead,
            maxRetries: others.length % 2,
            after: [...new Set(others.map(known))],
            afterAny: [...new Set(any.map(known))].filter((id) => !others.map(known).includes(id)),
          });
          return job;
        };
        for (const { kind, outcome, which, others, any } of actions) {
          // What is told of an end, and when, is only certain for who claims, and after this.
          if (["cancel", "retry", "remove", "cleanup"].includes(kind)) {
            await both((one) => one.recover());
          }
          now += 1000;
          const id = ids[which % Math.max(ids.length, 1)] ?? "none";
          const holder = BY.worker;
          if (kind === "add" || kind === "batch") {
            const jobs = Array.from(
              { length: kind === "add" ? 1 : 3 },
              (_, i) => make(others, any, i),
            );
            ids.push(...jobs.map((job) => job.id));
            await both((one) => one.add(jobs));
          } else if (kind === "claim") await both((one) => one.claim(BY, now));
          else if (kind === "end") {
            const backoff = { base: 1, max: 1 };
            const [held] = await model.claimedBy(holder);
            const end = (job: Job) => ended(job, anEnding(outcome), backoff, now);
            await both((one) => changeAs(one, holder, held?.id ?? "none", end));
          } else if (kind === "recover") await both((one) => one.recover());
          else if (kind === "unclaim") await both((one) => changeAs(one, holder, id, unclaimed));
          else if (kind === "cancel") {
            await both((one) => one.change(id, (job) => cancelled(job, now)));
          } else if (kind === "retry") {
            await both((one) => one.change(id, (job) => retried(job, now)));
          } else if (kind === "remove") await both((one) => one.remove(id, removableFromDlq));
          else await both((one) => one.remove(id, (job) => removableByCleanup(job, now)));
        }
        await both((one) => one.recover());
        await both((one) => one.count());
        await both(async (one) => (await Array.fromAsync(one.list({}))).map(asTold));
        for (const id of ids) await both(async (one) => (await one.dependentsOf(id)).sort());
        await both((one) => one.hasWork());
      }),
      { numRuns: 60 },
    );
  });

  test("a transition that is refused tells nobody anything", async (store) => {
    await store.add([aJob({ id: "a" }), aJob({ id: "b", sequence: 1, after: ["a"] })]);
    await assertRejects(() => store.change("a", (job) => retried(job, now)), QueueError);
    assertEquals(await state(store, "b"), "blocked");
  });
}

/**
 * A job without what is the store's own affair: when and in which order it was told of several
 * ends, and which of several jobs that are gone it names. Anything else is left as it is.
 */
function asTold(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("status" in value)) return value;
  const job = value as Job;
  return { ...job, status: comparable(job.status) };
}

function comparable(status: Status): Status {
  if (status.state === "pending") return { ...status, since: 0 };
  if (status.state === "blocked") return { ...status, met: status.met.toSorted() };
  if (status.state === "processing") {
    return { ...status, before: comparable(status.before) as typeof status.before };
  }
  if (status.state !== "cancelled") return status;
  return { ...status, since: 0, reason: status.reason === null ? null : "some" };
}
