import { claimOf } from "../../src/queue/job.ts";
import { assert, assertEquals } from "@std/assert";
import { cancelled, ended } from "../../src/queue/transitions.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { keepHouse } from "../../src/worker/housekeeper.ts";
import { aJob, anEnding, EPOCH } from "../support/jobs.ts";

/** A store in which jobs have ended in every way, `count` of them completed. */
async function storeWith(count: number): Promise<MemoryStore> {
  const store = new MemoryStore(() => EPOCH);
  await store.add(
    Array.from({ length: count + 2 }, (_, sequence) => aJob({ id: `j${sequence}`, sequence })),
  );
  for (let i = 0; i < count; i++) {
    const job = (await store.claim({ worker: "w", pid: 1, host: "box" }, EPOCH))!;
    await store.change(
      job.id,
      (job) => ended(job, anEnding("succeeded"), { base: 1, max: 1 }, EPOCH),
      claimOf(job),
    );
  }
  await store.change(`j${count}`, (job) => cancelled(job, EPOCH));
  return store;
}

/** Keeps house until `looks` pauses were made; the pauses. */
async function house(
  store: MemoryStore,
  { looks, keep = 60, now = EPOCH + 61_000, isFirst = true, fails = false }: {
    looks: number;
    keep?: number;
    now?: number;
    isFirst?: boolean;
    fails?: boolean;
  },
): Promise<{ pauses: number[]; told: string[]; left: number[] }> {
  const stopping = new AbortController();
  const [pauses, told, left]: [number[], string[], number[]] = [[], [], []];
  await keepHouse({
    keepCompleted: () => Promise.resolve(keep),
    isFirst: () => Promise.resolve(isFirst),
    openJobs: () => fails ? Promise.reject(new Error("no disk")) : Promise.resolve(store),
    now: () => now,
    sleep: async (ms) => {
      pauses.push(ms);
      const { completed, cancelled } = await store.count();
      left.push(completed + cancelled);
      if (pauses.length >= looks) stopping.abort();
    },
    report: (event) => void (event.kind === "warning" && told.push(event.message)),
  }, stopping.signal);
  return { pauses, told, left };
}

Deno.test("keepHouse() removes completed and cancelled jobs bit by bit, and no other", async () => {
  const store = await storeWith(250);
  const { pauses, left } = await house(store, { looks: 4 });
  assertEquals(left, [151, 51, 0, 0]);
  assert(pauses[0]! >= 100 && pauses[2] === 5000, `${pauses}`);
  assertEquals((await store.count()).pending, 1);
});

Deno.test("keepHouse() removes nothing before its time, where it is not wanted, or not the first", async () => {
  for (const options of [{ now: EPOCH + 59_999 }, { keep: 0 }, { isFirst: false }]) {
    assertEquals((await house(await storeWith(3), { looks: 2, ...options })).left, [4, 4]);
  }
});

Deno.test("keepHouse() tells once what keeps it from it, and goes on", async () => {
  const { told, pauses } = await house(await storeWith(1), { looks: 3, fails: true });
  assertEquals([told, pauses], [["Cannot remove old jobs: no disk"], [5000, 5000, 5000]]);
});
