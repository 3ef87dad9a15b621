import { FileQueues } from "../../src/stores/file/queues.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { testQueues } from "./queue_conformance.ts";

testQueues("MemoryQueues", async (test, now) => {
  const jobs = new MemoryStore(now);
  await test({ jobs, others: jobs, queues: jobs.queues });
});

testQueues("FileQueues", (test, now) =>
  withTempDir(async (dir) => {
    const jobs = await openFileStore(dir, { files: diskFiles, now });
    const others = await openFileStore(dir, { files: diskFiles, now });
    try {
      await test({ jobs, others, queues: new FileQueues(dir, { files: diskFiles, now }) });
    } finally {
      jobs.close();
      others.close();
    }
  }));
