// What is remembered of buckets that do not change: it saves reading, and is never out of date.
import { assert, assertEquals } from "@std/assert";
import { retriedOnceEnded } from "../../src/queue/revise.ts";
import { claimOf } from "../../src/queue/job.ts";
import { ended } from "../../src/queue/transitions.ts";
import { setBucketSize } from "../../src/stores/file/bucketed_index.ts";
import { FileQueues } from "../../src/stores/file/queues.ts";
import { openReader } from "../../src/stores/file/reader.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles, type FileSystem } from "../../src/system/file_system.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

const W1 = { worker: "w-1", pid: 11, host: "box" };
const BACKOFF = { base: 2, max: 3600 };

interface Folder {
  readonly dir: string;
  readonly store: FileStore;
  readonly queues: FileQueues;
  /** Makes all buckets look as if they had last changed then; an hour ago if left out. */
  settle(time?: number): void;
  /** How many buckets `look` reads. */
  reads(look: () => Promise<unknown>): Promise<number>;
  readonly files: FileSystem;
}

/** A folder with 40 waiting jobs of two queues, each in a bucket of its own or of a batch of four. */
function withFolder(test: (folder: Folder) => Promise<void>): Promise<void> {
  return withTempDir(async (dir) => {
    setBucketSize(4);
    let count = 0;
    const files: FileSystem = {
      ...diskFiles,
      names(path) {
        if (/\/(?:ready|later|blocked|held\/.+|dead|completed)\/[^/]+$/.test(path)) count++;
        return diskFiles.names(path);
      },
    };
    const store = await openFileStore(dir, { files: diskFiles });
    const now = Date.now();
    await store.add(
      Array.from({ length: 20 }, (_, sequence) =>
        aJob({
          id: `batch-${sequence}`,
          sequence,
          queue: sequence % 2 ? "a" : "b",
          createdAt: now,
        })),
    );
    for (let i = 0; i < 20; i++) {
      const createdAt = now - (i + 1) * 3600_000;
      await store.add([aJob({ id: `one-${i}`, queue: "a", createdAt, maxRetries: i % 2 })]);
    }
    const settle = (time = Date.now() - 3600_000) => {
      const past = new Date(time);
      for (const index of ["ready", "later", "blocked", "dead", "completed"]) {
        for (const { name } of Deno.readDirSync(`${dir}/queue/${index}`)) {
          Deno.utimeSync(`${dir}/queue/${index}/${name}`, past, past);
        }
      }
    };
    const reads = async (look: () => Promise<unknown>) => {
      count = 0;
      await look();
      return count;
    };
    try {
      await test({ dir, store, files, queues: new FileQueues(dir, { files }), settle, reads });
    } finally {
      setBucketSize(1000);
      await store.close();
    }
  });
}

const figures = async (queues: FileQueues) =>
  (await queues.list()).map((
    { name, waiting, failed, running },
  ) => [name, waiting, failed, running]);

Deno.test("list() of queues reads the buckets that have not changed only once", () =>
  withFolder(async ({ store, queues, settle, reads }) => {
    const expected = [["a", 30, 0, 0], ["b", 10, 0, 0], ["default", 0, 0, 0]];
    settle(Date.now() + 3600_000); // later than a moment ago
    assert(await reads(() => queues.list()) >= 25);
    assert(await reads(() => queues.list()) >= 25);
    settle();
    assert(await reads(() => queues.list()) >= 25);
    assertEquals(await reads(() => queues.list()), 0);
    assertEquals(await figures(queues), expected);
    await store.add([aJob({ id: "new", queue: "b", sequence: 7 })]);
    const job = (await store.claim(W1, Date.now()))!;
    const after = await figures(queues);
    const isA = job.queue === "a";
    assertEquals(after, [
      ["a", isA ? 29 : 30, 0, isA ? 1 : 0],
      ["b", isA ? 11 : 10, 0, isA ? 0 : 1],
      ["default", 0, 0, 0],
    ]);
    assert(await reads(() => queues.list()) <= 4, "only what has changed is read");
  }));

Deno.test("count() reads them only once, too, and lastFailures() those that have failed jobs", () =>
  withFolder(async ({ dir, files, store, settle, reads }) => {
    const reader = await openReader(dir, files, () => {});
    assertEquals((await reader.count()).pending, 40);
    settle();
    assertEquals((await reader.count()).pending, 40);
    assertEquals(await reads(() => reader.count()), 0);
    assertEquals(await reads(() => reader.lastFailures(5)), 0);
    assertEquals(await reads(() => Array.fromAsync(reader.list({ states: ["failed"] }))), 0);
    const failed: string[] = [];
    for (let i = 0; i < 6; i++) {
      const { id, ...job } = (await store.claim(W1, Date.now()))!;
      const claim = claimOf({ id, ...job });
      await store.change(id, (one) => ended(one, anEnding("failed"), BACKOFF, Date.now()), claim);
      failed.unshift(id);
    }
    const { pending, failed: retrying, dead } = await reader.count();
    assertEquals([pending, retrying + dead], [34, 6]);
    const last = await reader.lastFailures(10);
    assertEquals(last.map(({ id }) => id).sort(), failed.toSorted());
    const times = last.map(({ status }) => "since" in status ? status.since : 0);
    assertEquals(times, times.toSorted((a, b) => b - a));
    settle();
    await reader.count();
    assertEquals((await reader.lastFailures(10)).length, 6);
    const one = last.find(({ status }) => status.state === "dead");
    if (one !== undefined) await store.change(one.id, retriedOnceEnded);
    assertEquals((await reader.lastFailures(10)).length, one === undefined ? 6 : 5);
  }));

Deno.test("countEndedSince() reads a sealed bucket at most once, also after a restore", () =>
  withFolder(async ({ dir, files, store, settle, reads }) => {
    const begin = Date.now();
    for (let i = 0; i < 17; i++) {
      const job = (await store.claim(W1, Date.now()))!;
      const end = begin + i * 60_000;
      const ending = anEnding("succeeded");
      await store.change(job.id, (one) => ended(one, ending, BACKOFF, end), claimOf(job));
    }
    const reader = await openReader(dir, files, () => {});
    const later = () => reader.countEndedSince(begin + 16 * 60_000);
    // All folders were changed after that time, so their names have to be read.
    settle(begin + 3600_000);
    assert(await reads(later) >= 5);
    assert(await reads(later) <= 1, "the one that is not sealed");
    assertEquals((await later()).completed, 1);
    assertEquals((await reader.countEndedSince(begin + 10 * 60_000)).completed, 7);
  }));
