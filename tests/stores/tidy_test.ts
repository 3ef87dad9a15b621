// Buckets do not pile up: empty ones are removed, and opened ones are sealed again.
import { assert, assertEquals } from "@std/assert";
import { claimOf, type Job } from "../../src/queue/job.ts";
import { cleanUp } from "../../src/queue/operations.ts";
import { cancelled, ended, removableFromDlq, retried } from "../../src/queue/transitions.ts";
import { BUCKET_SIZE } from "../../src/stores/file/bucketed_index.ts";
import { parseBucket } from "../../src/stores/file/layout.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, anEnding, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

const BY = { worker: "w", pid: 1, host: "box" };
const open = (dir: string) => openFileStore(dir, { files: diskFiles, now: () => EPOCH });

async function withStore(dir: string, action: (store: FileStore) => Promise<unknown>) {
  const store = await open(dir);
  try {
    await action(store);
  } finally {
    await store.close();
  }
}

/** Claims and ends so many jobs, a millisecond after the other. */
async function run(store: FileStore, outcome: "succeeded" | "failed"): Promise<void> {
  let n = 0;
  for (let job: Job | undefined; (job = await store.claim(BY, EPOCH + n)); n++) {
    const end = (job: Job) => ended(job, anEnding(outcome), { base: 1, max: 1 }, EPOCH + n);
    await store.change(job.id, end, claimOf(job));
  }
}

const jobs = (count: number, front = "m") =>
  Array.from({ length: count }, (_, n) => aJob({ id: `${front}${n}`, sequence: n, maxRetries: 0 }));
const buckets = (dir: string, state: string) => diskFiles.names(`${dir}/queue/${state}`);

Deno.test("dlq retry and remove, one command after the other, leave no empty buckets", () =>
  withTempDir(async (dir) => {
    for (let n = 0; n < 20; n++) {
      await withStore(dir, async (store) => {
        await store.add([aJob({ id: `m${n}`, sequence: n, maxRetries: 0 })]);
        await run(store, "failed");
      });
      await withStore(
        dir,
        (store) =>
          n % 2
            ? store.remove(`m${n}`, removableFromDlq)
            : store.change(`m${n}`, (job) => retried(job, EPOCH)),
      );
      for (const bucket of buckets(dir, "dead")) {
        assert(buckets(dir, `dead/${bucket}`).length > 0, `${bucket} is empty`);
      }
    }
    assert(buckets(dir, "dead").length < 12);
  }));

Deno.test("cancelling jobs that wait for a time leaves no empty buckets", () =>
  withTempDir(async (dir) => {
    const times = Array.from({ length: 20 }, (_, n) => EPOCH + (n + 1) * 60_000);
    await withStore(dir, async (store) => {
      for (const runAt of times) await store.add([aJob({ id: `j${runAt}`, runAt })]);
      await store.add(jobs(40, "now"));
      for (const runAt of times) await store.change(`j${runAt}`, (job) => cancelled(job, EPOCH));
    });
    assertEquals(buckets(dir, "later"), []);
    assertEquals(buckets(dir, "ready").length, 1);
  }));

Deno.test("a cleanup removes the buckets that it empties, and seals again those that it opened", () =>
  withTempDir(async (dir) => {
    await withStore(dir, async (store) => {
      await store.add(jobs(2 * BUCKET_SIZE));
      await run(store, "succeeded");
    });
    assertEquals(buckets(dir, "completed").length, 2);
    await withStore(dir, async (store) => {
      await cleanUp(store, EPOCH + BUCKET_SIZE + 100, () => {});
    });
    const left = buckets(dir, "completed").map((name) => parseBucket(name)!);
    assertEquals(left.map(({ count }) => count).sort(), [BUCKET_SIZE - 100]);
    await withStore(dir, async (store) => {
      assertEquals((await store.count()).completed, BUCKET_SIZE - 100);
      assertEquals((await Array.fromAsync(store.list({}))).length, BUCKET_SIZE - 100);
    });
  }));

Deno.test("what a command that was killed has left open or empty is tidied up by the next worker", () =>
  withTempDir(async (dir) => {
    await withStore(dir, async (store) => {
      await store.add(jobs(BUCKET_SIZE + 10));
      await run(store, "succeeded");
    });
    const killed = await open(dir);
    for (let n = 0; n < 10; n++) await killed.remove(`m${n}`, () => undefined);
    assert(buckets(dir, "completed").some((name) => parseBucket(name)!.count === undefined));
    await withStore(dir, (store) => store.recover());
    const left = buckets(dir, "completed").map((name) => parseBucket(name)!.count);
    assertEquals(left.sort(), [BUCKET_SIZE - 10, undefined]); // and the one that is being filled
    await killed.close();
  }));

Deno.test("a bucket is never sealed with a wrong count while tickets are taken out of it", () =>
  withTempDir(async (dir) => {
    await withStore(dir, async (store) => {
      await store.add(jobs(BUCKET_SIZE));
      await run(store, "succeeded");
    });
    const other = await open(dir);
    let meanwhile = () => {};
    const files = {
      ...diskFiles,
      names(path: string) {
        const names = diskFiles.names(path);
        if (path.includes("!")) meanwhile();
        return names;
      },
    };
    const sealing = await openFileStore(dir, { files, now: () => EPOCH });
    await sealing.remove("m0", () => undefined);
    const removed: Promise<void>[] = [];
    meanwhile = () => {
      meanwhile = () => {};
      removed.push(other.remove("m1", () => undefined)); // at once: its files are synchronous
    };
    await sealing.close();
    await Promise.all(removed);
    await other.close();
    assertEquals(removed.length, 1);
    const [bucket] = buckets(dir, "completed").map((name) => parseBucket(name)!);
    assertEquals(bucket?.count, BUCKET_SIZE - 2);
    assertEquals(buckets(dir, `completed/${bucket!.name}`).length, BUCKET_SIZE - 2);
  }));
