// Lists that go on where an earlier one ended, and those that are read beside other work: what every
// store must do. Part of `testJobStore`.
import { assert, assertEquals } from "@std/assert";
import type { Job } from "../../src/queue/job.ts";
import { compareArrival } from "../../src/queue/order.ts";
import { cancelled } from "../../src/queue/transitions.ts";
import type { Arrival, JobStore, Query } from "../../src/queue/store.ts";
import { aJob, EPOCH } from "../support/jobs.ts";
import { testsOf, type WithStore } from "./with_store.ts";

/** All jobs, by lists of at most `limit`. */
async function inPages(store: JobStore, query: Query, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let before: Arrival | undefined;
  for (;;) {
    const page: Job[] = await Array.fromAsync(
      store.list({ ...query, limit, ...(before && { before }) }),
    );
    ids.push(...page.map(({ id }) => id));
    before = page.at(-1);
    if (page.length < limit) return ids;
  }
}

export function testPages(name: string, withStore: WithStore): void {
  const now = EPOCH + 60_000;
  const test = testsOf(name, withStore, { now: () => now });

  test("list() goes on before a job, page by page, and meets each job once", async (store) => {
    // Some arrive at one moment, some at one place of it; ids such as "a" and "a-b" stand side by
    // side.
    const jobs = Array.from({ length: 40 }, (_, i) =>
      aJob({
        id: ["a", "a-b", "a.b", "b"][i % 4] + (i < 4 ? "" : String(i)),
        createdAt: EPOCH + Math.floor(i / 8),
        sequence: Math.floor(i / 4) % 2,
        queue: i % 3 === 0 ? "other" : "default",
        command: i % 2 === 0 ? "even" : "odd",
      }));
    await store.add(jobs);
    for (const { id } of jobs.slice(5, 25)) {
      await store.change(id, (job) => cancelled(job, now));
    }
    const expected = jobs.toSorted((a, b) => compareArrival(b, a));
    const idsOf = (fits: (job: Job) => boolean) => expected.filter(fits).map(({ id }) => id);
    for (const limit of [1, 3, 7, 40]) {
      assertEquals(await inPages(store, {}, limit), idsOf(() => true));
      assertEquals(
        await inPages(store, { command: "ev*", queue: "default" }, limit),
        idsOf(({ command, queue }) => command === "even" && queue === "default"),
      );
    }
    const after = jobs.slice(5, 25);
    assertEquals(
      await inPages(store, { states: ["cancelled"] }, 3),
      idsOf(({ id }) => after.some((job) => job.id === id)),
    );
  });

  test("list() goes on where it was although jobs come and go meanwhile", async (store) => {
    const job = (n: number) => aJob({ id: `j${n}`, createdAt: EPOCH + n });
    await store.add([0, 1, 2, 3, 4, 5].map(job));
    const first = await Array.fromAsync(store.list({ limit: 3 }));
    await store.add([job(6), job(7)]);
    await store.change("j3", (one) => cancelled(one, now));
    await store.remove("j3", () => undefined);
    const rest = await Array.fromAsync(store.list({ before: first.at(-1)! }));
    assertEquals(rest.map(({ id }) => id), ["j2", "j1", "j0"]);
  });

  test("list() ends when nobody waits for it any more, and tells how far it came", async (store) => {
    await store.add([0, 1, 2, 3].map((n) => aJob({ id: `j${n}`, createdAt: EPOCH + n })));
    const end = new AbortController();
    const passed: Arrival[] = [];
    const found: Job[] = [];
    const watching = { signal: end.signal, passed: (at: Arrival) => void passed.push(at) };
    for await (const job of store.list({}, watching)) {
      found.push(job);
      if (found.length === 2) end.abort();
    }
    assertEquals(found.map(({ id }) => id), ["j3", "j2"]);
    const last = passed.at(-1);
    assert(last !== undefined && compareArrival(last, found[0]!) <= 0);
  });
}
