// What every store must do when users update jobs, or retry or remove ended ones.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { type Claim, claimOf, type Job } from "../../src/queue/job.ts";
import type { Outcome } from "../../src/queue/outcome.ts";
import { removableOnceEnded, retriedOnceEnded, updated } from "../../src/queue/revise.ts";
import type { JobStore } from "../../src/queue/store.ts";
import { cancelled, ended } from "../../src/queue/transitions.ts";
import { aJob, anEnding, changeAs, EPOCH, lostClaim } from "../support/jobs.ts";
import { testsOf, type WithStore } from "./with_store.ts";

const BACKOFF = { base: 2, max: 60 };
const W1 = { worker: "w-1", pid: 11, host: "box" };

export function testChanges(name: string, withStore: WithStore): void {
  let now = EPOCH;
  const test = testsOf(name, withStore, { now: () => now, begin: () => now = EPOCH });
  const end = async (store: JobStore, id: string, outcome: Outcome) => {
    const ending = (job: Job) => ended(job, anEnding(outcome), BACKOFF, now);
    return await changeAs(store, W1.worker, id, ending);
  };
  const claimed = async (store: JobStore) => (await store.claim(W1, now))?.id;

  test(
    "a waiting job that is changed takes its new turn, and keeps what was changed",
    async (store, again) => {
      await store.add(["a", "b", "c", "d"].map((id, sequence) => aJob({ id, sequence })));
      await store.add(
        Array.from({ length: 40 }, (_, i) => aJob({ id: `m${i}`, createdAt: now + 1 })),
      );
      const changed = await store.change(
        "c",
        (job) => updated(job, { priority: 5, queue: "video", maxRetries: 0, timeout: 9 }),
      );
      assertEquals(
        [changed.priority, changed.queue, changed.maxRetries, changed.timeout],
        [5, "video", 0, 9],
      );
      await store.change("a", (job) => updated(job, { runAt: now + 5000 }));
      await store.change("m39", (job) => updated(job, { priority: 4 }));
      const other = await again();
      assertEquals(await other.get("c"), changed);
      assertEquals((await Array.fromAsync(other.list({ queue: "video" }))).length, 1);
      assertEquals((await other.count()).pending, 44);
      const order = [];
      for (let n = 0; n < 4; n++) order.push(await claimed(other));
      assertEquals(order, ["c", "m39", "b", "d"]);
      assertEquals((await other.get("c"))?.status.state, "processing");
      assertEquals((await end(other, "c", "failed")).status.state, "dead");
      assertEquals(await store.nextDue(), now + 5000);
      now += 5000;
      await store.change("a", (job) => updated(job, { priority: 1 }));
      assertEquals(await claimed(store), "a");
      await other.close();
    },
  );

  test("a job that waits for a time runs at once when its time is changed to now", async (store) => {
    await store.add([aJob({ runAt: EPOCH + 1e6 })]);
    assertEquals(await claimed(store), undefined);
    await store.change("a", (job) => updated(job, { runAt: now }));
    assertEquals([await store.hasWork(), await claimed(store)], [true, "a"]);
  });

  test("a blocked job and one that waits for a retry can be changed", async (store) => {
    const awaited = aJob({ id: "x", sequence: 2, runAt: EPOCH + 1e9 });
    await store.add([awaited, aJob({ id: "b", after: ["x"] }), aJob({ maxRetries: 1 })]);
    await claimed(store);
    await end(store, "a", "failed");
    await store.change("a", (job) => updated(job, { runAt: now + 60_000, priority: 2 }));
    await store.change("b", (job) => updated(job, { runAt: now + 60_000, priority: 2 }));
    const [a, b] = [await store.get("a"), await store.get("b")];
    assertEquals(a?.status, { state: "failed", since: now, runAt: now + 60_000 });
    assertEquals(b?.status, {
      state: "blocked",
      since: EPOCH,
      runAt: now + 60_000,
      met: [],
    });
    const counts = await store.count();
    assertEquals([counts.failed, counts.blocked], [1, 1]);
    now += 60_000;
    assertEquals([await claimed(store), await claimed(store)], ["a", undefined]);
  });

  test("a job that runs or has ended is not changed", async (store) => {
    await store.add([aJob()]);
    await claimed(store);
    for (const after of ["processing", "completed"]) {
      const before = await store.get("a");
      const change = () => store.change("a", (job) => updated(job, { priority: 1 }));
      assertEquals((await assertRejects(change, QueueError)).code as string, "wrong_state");
      assertEquals(await store.get("a"), before);
      if (after === "processing") await end(store, "a", "succeeded");
    }
  });

  test("a completed and a cancelled job can be retried and removed", async (store, again) => {
    await store.add([aJob({ id: "c" }), aJob({ id: "x", sequence: 1, startBy: EPOCH + 1 })]);
    await store.change("x", (job) => cancelled(job, now, "expired"));
    await claimed(store);
    await end(store, "c", "succeeded");
    now += 1000;
    for (const id of ["c", "x"]) {
      const { status } = await store.change(id, (job) => retriedOnceEnded(job, now));
      assertEquals(status, { state: "pending", since: now, runAt: null });
    }
    const other = await again();
    assertEquals((await other.count()).pending, 2);
    const job = (await other.get("c"))!;
    assertEquals([job.history.length, job.countedFrom], [1, 1]);
    assertEquals((await other.get("x"))?.startBy, null);
    assertEquals([await claimed(other), await claimed(other)], ["c", "x"]);
    for (const id of ["c", "x"]) {
      const refusal = () => other.remove(id, removableOnceEnded);
      assertEquals((await assertRejects(refusal, QueueError)).code as string, "wrong_state");
      await end(other, id, "succeeded");
      await other.remove(id, removableOnceEnded);
    }
    assertEquals(await Array.fromAsync(other.list({})), []);
    await other.close();
  });

  test("a blocked job is told of an end also after it was changed", async (store) => {
    await store.add([aJob(), aJob({ id: "b", sequence: 1, after: ["a"] })]);
    await store.change("b", (job) => updated(job, { priority: 3, queue: "other" }));
    await claimed(store);
    await end(store, "a", "succeeded");
    await store.recover();
    const b = await store.get("b");
    assertEquals([b?.status.state, b?.priority, b?.queue], ["pending", 3, "other"]);
    assertEquals(await claimed(store), "b");
  });

  test(
    "change() adds the job that the end of another makes, with it and once",
    async (store, again) => {
      await store.add([aJob({ id: "a", maxRetries: 0 })]);
      await claimed(store);
      const added = aJob({ id: "added", queue: "hooks", createdAt: now + 5, env: { A: "b" } });
      const failing = (job: Job) => ended(job, anEnding("failed"), BACKOFF, now);
      const change = (claim?: Claim) => store.change("a", failing, claim, () => added);
      for (const claim of [lostClaim("w-2"), undefined]) {
        await assertRejects(() => change(claim), QueueError);
        assertEquals(await store.get("added"), undefined);
      }
      const [running] = await store.claimedBy(W1.worker);
      assertEquals((await change(claimOf(running!))).status.state, "dead");
      const other = await again();
      assertEquals(await other.get("added"), added);
      assertEquals((await other.count()).pending, 1);
      assertEquals(await claimed(other), "added");
      // One whose id is taken counts as added, whatever became of it.
      await end(other, "added", "succeeded");
      await other.change("a", (job) => retriedOnceEnded(job, now));
      now += 1;
      await claimed(other);
      const ending = (job: Job) => ended(job, anEnding("succeeded"), BACKOFF, now);
      await changeAs(other, W1.worker, "a", ending, () => added);
      assertEquals((await other.get("added"))?.status.state, "completed");
      await other.remove("added", removableOnceEnded);
      await other.recover();
      assertEquals(await other.get("added"), undefined);
      assertEquals(await claimed(other), undefined);
      await other.close();
    },
  );

  test(
    "idsEndedBefore() and countEndedSince() know what has ended when, and how",
    async (store, again) => {
      const ids = Array.from({ length: 9 }, (_, i) => `j${i}`);
      await store.add(ids.map((id, sequence) => aJob({ id, sequence, maxRetries: 0 })));
      await store.add([aJob({ id: "off", sequence: 9 })]);
      for (const [i, id] of ids.entries()) {
        now = EPOCH + i * 1000;
        assertEquals(await claimed(store), id);
        if (i < 8) await end(store, id, i % 4 === 3 ? "failed" : "succeeded");
      }
      await store.change("off", (job) => cancelled(job, now));
      const other = await again();
      const found = async (states: Parameters<JobStore["idsEndedBefore"]>[0], before: number) =>
        (await other.idsEndedBefore(states, before, 100)).sort();
      assertEquals(await found(["completed"], EPOCH + 5000), ["j0", "j1", "j2", "j4"]);
      assertEquals(await found(["dead"], EPOCH + 1e9), ["j3", "j7"]);
      assertEquals(await found(["completed", "cancelled"], EPOCH), []);
      assertEquals(await found(["cancelled"], now), []);
      assertEquals(await found(["cancelled"], now + 1), ["off"]);
      assertEquals((await other.idsEndedBefore(["completed", "dead"], now, 3)).length, 3);
      assertEquals(await other.idsEndedBefore(["completed"], now, 0), []);
      const since = (ms: number) => other.countEndedSince(EPOCH + ms);
      assertEquals(await since(0), { completed: 6, dead: 2, cancelled: 1 });
      assertEquals(await since(7000), { completed: 0, dead: 1, cancelled: 1 });
      assertEquals(await since(8001), { completed: 0, dead: 0, cancelled: 0 });
      await other.close();
    },
  );

  test("lastFailures() goes by when a job failed, dead or not", async (store, again) => {
    const ids = Array.from({ length: 10 }, (_, i) => `j${i}`);
    // The later they came, the earlier they run.
    await store.add(ids.map((id, i) => aJob({ id, sequence: i, priority: i, maxRetries: i % 2 })));
    for (const [i, id] of ids.toReversed().entries()) {
      now = EPOCH + i;
      assertEquals(await claimed(store), id);
      await end(store, id, id === "j5" ? "succeeded" : "failed");
    }
    await store.change("j2", retriedOnceEnded);
    const other = await again();
    const last = async (limit: number) => (await other.lastFailures(limit)).map(({ id }) => id);
    assertEquals(await last(100), ["j0", "j1", "j3", "j4", "j6", "j7", "j8", "j9"]);
    const states = (await other.lastFailures(3)).map(({ status }) => status.state);
    assertEquals(states, ["dead", "failed", "failed"]);
    assertEquals(await last(0), []);
    await other.close();
  });

  test(
    "waitingEnds() knows which job is due for the longest, and which falls due next",
    async (store, again) => {
      const other = await again();
      const ends = async () => {
        const { oldest, next } = await other.waitingEnds(now);
        return [oldest?.id, next?.id];
      };
      assertEquals(await ends(), [undefined, undefined]);
      const at = (id: string, seconds: number, runAt: number | null = null) =>
        aJob({ id, createdAt: EPOCH + seconds * 1000, runAt, priority: seconds % 3 });
      for (const job of [at("b", 20), at("a", 10), at("c", 90)]) await store.add([job]);
      await store.add([aJob({ id: "blocked", createdAt: EPOCH - 1, after: ["x"] })]);
      const later = [at("z", 1, EPOCH + 900_000), at("y", 2, EPOCH + 300_000)];
      for (const job of later) await store.add([job]);
      now = EPOCH + 100_000;
      assertEquals(await ends(), ["a", "y"]);
      now = EPOCH + 300_000;
      assertEquals(await ends(), ["a", "z"]);
      for (const id of ["a", "b", "c"]) await store.change(id, (job) => cancelled(job, now));
      assertEquals(await ends(), ["y", "z"]);
      assertEquals(await claimed(store), "y");
      assertEquals(await ends(), [undefined, "z"]);
      await other.close();
    },
  );
}
