// Every possible job has a ticket with a valid name.
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { enqueueAll } from "../../src/queue/enqueue.ts";
import type { Job } from "../../src/queue/job.ts";
import { cancelled } from "../../src/queue/transitions.ts";
import { check } from "../../src/stores/file/check.ts";
import {
  laterSlice,
  parseBucket,
  parseTicket,
  readyName,
  readySlice,
  type Ticket,
  timedName,
} from "../../src/stores/file/layout.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

const FAR = Date.UTC(9999, 11, 31);

Deno.test("a ticket's name can be read whatever it stands for, and sorts as it", () => {
  const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true }));
  const ticket = fc.record({
    at: number,
    priority: number,
    createdAt: number,
    sequence: number,
    tag: fc.constantFrom("p", "f", "r123" as const),
    id: fc.constantFrom("a", "a.b-c"),
  }) as fc.Arbitrary<Ticket>;
  fc.assert(fc.property(ticket, (one) => {
    for (const name of [readyName(one), timedName(one)]) {
      const parsed = parseTicket(name);
      assertEquals([parsed?.tag, parsed?.id], [one.tag, one.id], name);
      assertEquals(name === readyName(one) ? readyName(parsed!) : timedName(parsed!), name);
    }
    for (const bucket of [readySlice(one), laterSlice(one)]) assert(parseBucket(bucket), bucket);
    assert(readySlice(one) <= readyName(one));
    assert(laterSlice(one) <= timedName(one));
  }));
});

Deno.test("a job for the year 9999 is counted, listed and cancelled as any other, and keeps its time", () =>
  withTempDir(async (dir) => {
    const store = await openFileStore(dir, { files: diskFiles, now: () => EPOCH });
    await store.add([aJob({ id: "far", runAt: FAR })]);
    await store.add(
      Array.from({ length: 40 }, (_, n) => aJob({ id: `m${n}`, sequence: n, runAt: FAR })),
    );
    assertEquals((await store.count()).pending, 41);
    assertEquals((await Array.fromAsync(store.list({}))).length, 41);
    assertEquals(await store.claim({ worker: "w", pid: 1, host: "box" }, EPOCH), undefined);
    assertEquals((await store.get("far"))?.runAt, FAR);
    for (const id of ["far", "m7"]) await store.change(id, (job) => cancelled(job, EPOCH));
    assertEquals(await store.count(), {
      pending: 39,
      blocked: 0,
      processing: 0,
      completed: 0,
      failed: 0,
      dead: 0,
      cancelled: 2,
    });
    await store.close();
    assertEquals(await check(dir, diskFiles, { repair: false }), []);
  }));

Deno.test("a batch of more than ten million jobs keeps its order", async () => {
  const total = 10_000_002;
  const kept: Job[] = [];
  const store = {
    add(jobs: Iterable<Job>) {
      for (const _ of jobs);
      return Promise.resolve(total);
    },
  };
  const newJob = { command: "true", cwd: "/" };
  let made = 0;
  await enqueueAll(
    store,
    (function* () {
      for (let n = 0; n < total; n++) yield newJob;
    })(),
    { settings: { max_retries: 3, job_timeout: 0 }, now: EPOCH, newId: () => "x" },
    (job) => {
      if (++made === 1 || made > 9_999_999) kept.push(job);
    },
  );
  const names = kept.map((job) => timedName({ ...job, at: EPOCH, tag: "p" }));
  assertEquals(names, names.toSorted());
  assertEquals(new Set(names).size, 4);
});
