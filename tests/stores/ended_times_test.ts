// Which jobs ended when, over many small buckets, some of them sealed, compared with the memory
// store.
import { claimOf } from "../../src/queue/job.ts";
import { assert, assertEquals } from "@std/assert";
import { ended } from "../../src/queue/transitions.ts";
import { setBucketSize } from "../../src/stores/file/bucketed_index.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

Deno.test("countEndedSince() and idsEndedBefore() of a folder read buckets by their times", () =>
  withTempDir(async (dir) => {
    setBucketSize(4);
    try {
      const now = Date.now();
      const start = now - 30 * 60_000;
      const [model, store] = [new MemoryStore(), await openFileStore(dir, { files: diskFiles })];
      const jobs = Array.from(
        { length: 30 },
        (_, i) => aJob({ id: `j${i}`, sequence: i, createdAt: start - 1, maxRetries: 0 }),
      );
      for (const one of [model, store]) {
        await one.add(jobs);
        for (let i = 0; i < jobs.length; i++) {
          const at = start + i * 60_000;
          const job = (await one.claim({ worker: "w", pid: 1, host: "box" }, at))!;
          const ending = anEnding(i % 5 === 0 ? "failed" : "succeeded");
          const backoff = { base: 1, max: 1 };
          await one.change(job.id, (job) => ended(job, ending, backoff, at), claimOf(job));
        }
      }
      const sealed = [...Deno.readDirSync(`${dir}/queue/completed`)].filter(({ name }) =>
        name.includes("+")
      );
      assert(sealed.length > 3, "some buckets are sealed");
      for (let minute = -1; minute <= 31; minute++) {
        for (const time of [start + minute * 60_000, start + minute * 60_000 + 1]) {
          assertEquals(await store.countEndedSince(time), await model.countEndedSince(time));
          for (const limit of [3, 100]) {
            const states = ["completed", "dead"] as const;
            const found = await store.idsEndedBefore(states, time, limit);
            const expected = await model.idsEndedBefore(states, time, 100);
            assertEquals(found.length, Math.min(limit, expected.length));
            assert(found.every((id) => expected.includes(id)));
          }
        }
      }
      await store.close();
    } finally {
      setBucketSize(1000);
    }
  }));
