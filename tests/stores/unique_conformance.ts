// What every store must do with the keys of jobs. See conformance.ts.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import type { Job } from "../../src/queue/job.ts";
import type { Outcome } from "../../src/queue/outcome.ts";
import { retriedOnceEnded } from "../../src/queue/revise.ts";
import type { JobStore } from "../../src/queue/store.ts";
import { cancelled, ended, removableFromDlq, retried } from "../../src/queue/transitions.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { testsOf, type WithStore } from "./with_store.ts";

const BY = { worker: "w-1", pid: 11, host: "box" };

export function testUniqueKeys(name: string, withStore: WithStore): void {
  let now = EPOCH;
  const test = testsOf(name, withStore, { now: () => now, begin: () => now = EPOCH });
  const end = (store: JobStore, id: string, outcome: Outcome) =>
    changeAs(
      store,
      BY.worker,
      id,
      (job) => ended(job, anEnding(outcome), { base: 1, max: 1 }, now),
    );
  /** Adds jobs with a key. @returns for each that was left out, who has its key */
  const add = async (store: JobStore, ...jobs: Partial<Job>[]) => {
    const left: string[] = [];
    await store.add(
      jobs.map((values, sequence) => aJob({ unique: "key", sequence, ...values })),
      (job, holder) => left.push(`${job.id} ${holder}`),
    );
    return left;
  };

  test("a key keeps others out until its job has ended, however it stands", async (store) => {
    await store.add([aJob({ id: "x", runAt: EPOCH + 1e9 })]);
    assertEquals(await add(store, { id: "a", after: ["x"] }), []);
    assertEquals(await add(store, { id: "b" }), ["b a"]);
    assertEquals(await store.get("b"), undefined);
    assertEquals(await add(store, { id: "other", unique: "Key" }), []);
    await store.change("a", (job) => cancelled(job, now));
    await store.change("other", (job) => cancelled(job, now));
    assertEquals(await add(store, { id: "c", maxRetries: 1 }), []);
    assertEquals(await add(store, { id: "d" }), ["d c"]);
    assertEquals((await store.claim(BY, now))?.id, "c");
    assertEquals(await add(store, { id: "d" }), ["d c"]);
    await end(store, "c", "failed");
    assertEquals(await add(store, { id: "d" }), ["d c"]);
    assertEquals((await store.claim(BY, now + 1000))?.id, "c");
    await end(store, "c", "failed");
    assertEquals(await add(store, { id: "d" }), []);
    assertEquals((await store.get("d"))?.unique, "key");
    await store.remove("c", removableFromDlq);
    assertEquals(await add(store, { id: "e" }), ["e d"]);
  });

  test("one that has not begun in time keeps nobody out, nor does what waits for it", async (store) => {
    await add(store, { id: "late", startBy: EPOCH + 5 });
    await store.add([aJob({ id: "after", after: ["late"] })]);
    now = EPOCH + 5;
    assertEquals(await add(store, { id: "a" }), ["a late"]);
    now = EPOCH + 6;
    const wanted = ["a", "b", "c"].map((id) => ({ id, ...(id === "c" && { unique: "other" }) }));
    assertEquals(await add(store, ...wanted), ["b a"]);
    const status = { state: "cancelled", since: now, reason: "expired" } as const;
    assertEquals((await store.get("late"))?.status, status);
    assertEquals((await store.get("after"))?.status.state, "cancelled");
    assertEquals((await store.count()).pending, 2);
    // What has begun is no longer too late.
    assertEquals((await store.claim(BY, now))?.id, "a");
    now += 1000;
    assertEquals(await add(store, { id: "d" }), ["d a"]);
  });

  test("of a batch the first with a key comes, and the others are told of it", async (store) => {
    const jobs = Array.from({ length: 70 }, (_, i) => ({ id: `n${i}`, unique: `key ${i % 35}` }));
    const left = await add(store, ...jobs, { id: "plain", unique: null });
    assertEquals(left, Array.from({ length: 35 }, (_, i) => `n${35 + i} n${i}`));
    assertEquals((await store.count()).pending, 36);
    function* lazily() {
      for (const { id, unique } of jobs) yield aJob({ id, unique });
    }
    assertEquals(await store.add(lazily(), () => {}), 0);
  });

  test("a batch that is refused takes no key", async (store) => {
    await store.add([aJob({ id: "taken" })]);
    await assertRejects(() => add(store, { id: "a" }, { id: "taken", unique: null }), QueueError);
    assertEquals(await add(store, { id: "b" }), []);
  });

  test("a job that has ended is retried only while its key is free", async (store) => {
    await add(store, { id: "a", maxRetries: 0 });
    await store.claim(BY, now);
    await end(store, "a", "failed");
    assertEquals(await add(store, { id: "b" }), []);
    const retry = () => store.change("a", (job) => retried(job, now));
    const error = await assertRejects(retry, QueueError, 'job "b" has its unique key now');
    assertEquals([error.code as string, (await store.get("a"))?.status.state], [
      "wrong_state",
      "dead",
    ]);
    await store.change("b", (job) => cancelled(job, now));
    await retry();
    assertEquals(await add(store, { id: "c" }), ["c a"]);
  });

  test("a job is retried although one with its key waits that has not begun in time", async (store) => {
    await add(store, { id: "a" });
    await store.change("a", (job) => cancelled(job, now));
    await add(store, { id: "late", startBy: EPOCH + 5 });
    await store.add([aJob({ id: "after", after: ["late"] })]);
    now = EPOCH + 6;
    await store.change("a", (job) => retriedOnceEnded(job, now));
    for (const id of ["late", "after"]) {
      assertEquals((await store.get(id))?.status.state, "cancelled");
    }
    assertEquals(await add(store, { id: "b" }), ["b a"]);
  });

  test("of many that come at once with one key, one is added", async (store, again) => {
    const stores = [store, await again(), await again()];
    const left = await Promise.all(
      stores.flatMap((one, i) =>
        Array.from({ length: 5 }, (_, n) => add(one, { id: `s${i}-${n}` }))
      ),
    );
    const { pending } = await store.count();
    const [holder] = await Array.fromAsync(store.list({}));
    assertEquals([pending, left.flat().length], [1, 14]);
    assertEquals(left.flat().filter((text) => !text.endsWith(` ${holder!.id}`)), []);
    for (const one of stores.slice(1)) one.close();
  });
}
