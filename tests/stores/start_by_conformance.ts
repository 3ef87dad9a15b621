// What every store must do with jobs that have to begin by a certain time. See conformance.ts.
import { assertEquals } from "@std/assert";
import type { Job } from "../../src/queue/job.ts";
import type { Outcome } from "../../src/queue/outcome.ts";
import type { JobStore } from "../../src/queue/store.ts";
import { ended, retried } from "../../src/queue/transitions.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { testsOf, type WithStore } from "./with_store.ts";

const BY = { worker: "w-1", pid: 11, host: "box" };
const LIMIT = EPOCH + 5000;

export function testStartBy(name: string, withStore: WithStore): void {
  let now = EPOCH;
  const test = testsOf(name, withStore, { now: () => now, begin: () => now = EPOCH });
  const end = (store: JobStore, id: string, outcome: Outcome) =>
    changeAs(
      store,
      "w-1",
      id,
      (job: Job) => ended(job, anEnding(outcome), { base: 60, max: 60 }, now),
    );
  const expired = () => ({ state: "cancelled", since: now, reason: "expired" }) as const;

  test("claim() cancels a job whose turn comes too late, and takes the next", async (store) => {
    await store.add([
      aJob({ id: "late", startBy: LIMIT, priority: 1 }),
      aJob({ id: "other", sequence: 1 }),
      aJob({ id: "after-late", sequence: 2, after: ["late"] }),
      aJob({ id: "in-time", startBy: LIMIT + 1, sequence: 3 }),
    ]);
    now = LIMIT + 1;
    assertEquals((await store.claim(BY, now))?.id, "other");
    assertEquals((await store.get("late"))?.status, expired());
    await store.recover();
    assertEquals((await store.get("after-late"))?.status.state, "cancelled");
    assertEquals((await store.claim(BY, now))?.id, "in-time");
    assertEquals(await store.claim(BY, now), undefined);
  });

  test("recover() cancels all that have not begun in time, and nothing else", async (store) => {
    await store.add([
      aJob({ id: "begun", startBy: LIMIT, maxRetries: 1 }),
      aJob({ id: "runs", startBy: LIMIT, sequence: 1 }),
      aJob({ id: "waits", startBy: LIMIT, sequence: 2 }),
      aJob({ id: "blocked", startBy: LIMIT, sequence: 3, after: ["runs"] }),
      aJob({ id: "has-time", startBy: LIMIT + 60_000, sequence: 4 }),
      aJob({ id: "free", sequence: 5 }),
    ]);
    assertEquals((await store.claim(BY, now))?.id, "begun");
    await end(store, "begun", "failed");
    assertEquals((await store.claim(BY, now))?.id, "runs");
    now = LIMIT;
    await store.recover();
    assertEquals((await store.get("waits"))?.status.state, "pending");
    now = LIMIT + 1500;
    await store.recover();
    for (const id of ["waits", "blocked"]) assertEquals((await store.get(id))?.status, expired());
    const states = Object.entries(await store.count()).filter(([, count]) => count > 0);
    assertEquals(Object.fromEntries(states), {
      pending: 2,
      processing: 1,
      failed: 1,
      cancelled: 2,
    });
    await end(store, "runs", "succeeded");
    now += 60_000;
    await store.recover();
    assertEquals((await store.get("has-time"))?.status, expired());
    assertEquals((await store.claim(BY, now))?.id, "free");
    assertEquals((await store.claim(BY, now))?.id, "begun");
  });

  test("what is released too late is cancelled, what a person retries is not", async (store) => {
    await store.add([
      aJob({ id: "a", maxRetries: 0, startBy: LIMIT }),
      aJob({ id: "b", sequence: 1, startBy: LIMIT, after: ["a"] }),
    ]);
    await store.claim(BY, now);
    await end(store, "a", "failed");
    now = LIMIT + 10;
    await store.change("a", (job) => retried(job, now));
    assertEquals((await store.claim(BY, now))?.id, "a");
    await end(store, "a", "succeeded");
    await store.recover();
    assertEquals((await store.get("b"))?.status, expired());
  });

  test("many that expire at once are all cancelled", async (store) => {
    await store.add(
      Array.from(
        { length: 100 },
        (_, sequence) => aJob({ id: `n${sequence}`, sequence, startBy: LIMIT + sequence * 20 }),
      ),
    );
    now = LIMIT + 60_000;
    await store.recover();
    assertEquals((await store.count()).cancelled, 100);
  });
}
