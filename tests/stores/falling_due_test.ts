// Lateness and order: while a worker is free, no job that is due waits longer than a second,
// whatever lies before it, and however busy the worker is.
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ended } from "../../src/queue/transitions.ts";
import { BUCKET_SIZE } from "../../src/stores/file/bucketed_index.ts";
import {
  arrivalOf,
  bucketName,
  laterSlice,
  parseTicket,
  timedName,
} from "../../src/stores/file/layout.ts";
import { waitingTicket } from "../../src/stores/file/staging.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import type { Job, Waiting } from "../../src/queue/job.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

const BY = { worker: "w", pid: 1, host: "box" };

function withStore(
  test: (store: FileStore, at: (ms: number) => number, dir: string) => Promise<void>,
): Promise<void> {
  return withTempDir(async (dir) => {
    let now = EPOCH;
    const store = await openFileStore(dir, { files: diskFiles, now: () => now });
    await test(store, (ms) => now = EPOCH + ms, dir);
    await store.close();
  });
}

/** All that can be claimed at once, in order. */
async function claimAll(store: FileStore, now: number): Promise<string[]> {
  const ids: string[] = [];
  for (let job; (job = await store.claim(BY, now)) !== undefined;) ids.push(job.id);
  return ids;
}

/** Adds jobs as one sealed bucket, whatever their times: as a restore or an older version does. */
async function layInWide(store: FileStore, dir: string, jobs: readonly Job[]): Promise<void> {
  const later = `${dir}/queue/later`;
  const names = jobs.map((job) =>
    timedName(waitingTicket(job, job.status as Waiting, EPOCH).ticket)
  );
  const lower = names.toSorted()[0]!.slice(0, 43);
  const newest = names.map(arrivalOf).toSorted().at(-1);
  const wide = bucketName({ lower, newest, count: names.length, unique: "wide" });
  diskFiles.makeFolder(`${later}/${wide}`);
  for (const [n, job] of jobs.entries()) {
    await store.add([job]);
    const bucket = laterSlice(parseTicket(names[n]!)!);
    diskFiles.rename(`${later}/${bucket}/${names[n]}`, `${later}/${wide}/${names[n]}`);
    diskFiles.removeFolder(`${later}/${bucket}`);
  }
}

Deno.test("a job that is due is claimed though one in an earlier bucket is not due yet", () =>
  withStore(async (store, at) => {
    // A batch of which one is due after a second, the others after two minutes.
    await store.add(
      Array.from(
        { length: 40 },
        (_, n) => aJob({ id: `m${n}`, sequence: n, runAt: EPOCH + (n === 0 ? 1000 : 120_000) }),
      ),
    );
    await store.add([aJob({ id: "soon", sequence: 50, runAt: EPOCH + 12_000 })]);
    assertEquals(await store.nextDue(), EPOCH + 1000);
    assertEquals(await claimAll(store, at(1000)), ["m0"]);
    assertEquals(await store.nextDue(), EPOCH + 12_000);
    assertEquals(await claimAll(store, at(11_999)), []);
    assertEquals(await claimAll(store, at(12_000)), ["soon"]);
    assertEquals((await claimAll(store, at(120_000))).length, 39);
  }));

Deno.test("a bucket whose times overlap others' is split when its first job is due, and only once", () =>
  withStore(async (store, at, dir) => {
    const jobs = Array.from(
      { length: 150 },
      (_, n) => aJob({ id: `m${n}`, sequence: n, runAt: EPOCH + 1000 + n * 1000 }),
    );
    await layInWide(store, dir, jobs);
    await store.add([aJob({ id: "soon", sequence: 999, runAt: EPOCH + 60_500 })]);
    assertEquals(await store.nextDue(), EPOCH + 1000);
    assertEquals((await store.count()).pending, 151);
    for (let second = 1; second <= 62; second++) {
      const expected = [`m${second - 1}`];
      if (second === 61) expected.unshift("soon");
      assertEquals(await claimAll(store, at(second * 1000)), expected, `after ${second} s`);
    }
    const lowers = diskFiles.names(`${dir}/queue/later`);
    assert(lowers.every((name) => /^\d{13}$/.test(name)), lowers.join(" "));
    assertEquals((await store.count()).pending, 88);
    const listed = await Array.fromAsync(store.list({ states: ["pending"] }));
    assertEquals(listed.length, 88);
    assertEquals((await claimAll(store, at(301_000))).length, 88);
  }));

Deno.test("more jobs fall due at once than a claim makes ready: all are claimed, none twice", () =>
  withStore(async (store, at) => {
    const runAt = EPOCH + 5000;
    const total = BUCKET_SIZE + 300;
    await store.add(
      Array.from(
        { length: total },
        (_, n) => aJob({ id: `m${n}`, sequence: n, runAt: runAt + n % 3 * 60_000 }),
      ),
    );
    const ids = await claimAll(store, at(500_000));
    assertEquals(new Set(ids).size, total);
    assertEquals(ids.length, total);
  }));

Deno.test("a worker that is never idle sees what falls due, also what others lay in", () =>
  withTempDir(async (dir) => {
    let now = EPOCH;
    const options = { files: diskFiles, now: () => now };
    const busy = await openFileStore(dir, options);
    const other = await openFileStore(dir, options);
    await busy.add(
      Array.from({ length: 1500 }, (_, n) => aJob({ id: `m${n}`, priority: -1, sequence: n })),
    );
    assertEquals((await busy.claim(BY, now))?.id, "m0"); // knows now that nothing falls due
    await other.add([aJob({ id: "soon", sequence: 5000, runAt: EPOCH + 12_000 })]);
    now += 12_000;
    const begin = performance.now();
    await waitUntil(async () => (await busy.claim(BY, now))?.id === "soon", "it is claimed");
    const took = performance.now() - begin;
    assert(took < 10_000, `${took} ms`); // a second, and some for a slow machine
    await busy.close();
    await other.close();
  }));

Deno.test("a retry is claimed when it is due by a worker that is busy all the time", () =>
  withStore(async (store, at) => {
    await store.add([aJob({ id: "first" }), aJob({ id: "x", sequence: 1 })]);
    const end = (id: string, outcome: "failed" | "succeeded", now: number) =>
      changeAs(
        store,
        BY.worker,
        id,
        (job) => ended(job, anEnding(outcome), { base: 2, max: 60 }, now),
      );
    assertEquals((await store.claim(BY, at(0)))?.id, "first");
    await end("first", "failed", EPOCH);
    assertEquals((await store.claim(BY, at(1)))?.id, "x");
    assertEquals(await store.claim(BY, at(1999)), undefined);
    assertEquals((await store.claim(BY, at(2000)))?.id, "first");
  }));

Deno.test("claims go by priority, time due and arrival, whenever jobs came and in which buckets", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ delay: fc.nat(200), priority: fc.nat(1) }), {
        minLength: 40,
        maxLength: 50,
      }),
      fc.array(fc.nat(200), { maxLength: 6 }),
      (specs, looks) =>
        withStore(async (store, at, dir) => {
          const jobs = specs.map(({ delay, priority }, n) =>
            aJob({ id: `m${n}`, sequence: n, priority, runAt: EPOCH + delay * 1000 + 1 })
          );
          const half = Math.floor(jobs.length / 2);
          await layInWide(store, dir, jobs.slice(0, half));
          await store.add(jobs.slice(half));
          const waiting = new Map(jobs.map((job) => [job.id, job]));
          for (const second of [...looks.sort((a, b) => a - b), 201]) {
            const now = at(second * 1000);
            const due = [...waiting.values()].filter(({ runAt }) => runAt! <= now).sort((a, b) =>
              b.priority - a.priority || a.runAt! - b.runAt! || a.sequence - b.sequence
            );
            assertEquals(await claimAll(store, now), due.map(({ id }) => id), `at ${second} s`);
            for (const { id } of due) waiting.delete(id);
            const next = Math.min(...[...waiting.values()].map(({ runAt }) => runAt!));
            assertEquals(await store.nextDue(), next === Infinity ? undefined : next);
          }
        }),
    ),
    { numRuns: 8 },
  ));
