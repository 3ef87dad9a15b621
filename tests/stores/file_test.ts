import { assertEquals } from "@std/assert";
import type { JobReader } from "../../src/queue/store.ts";
import { openReader } from "../../src/stores/file/reader.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { testJobStore } from "./conformance.ts";
import type { WithStore } from "./with_store.ts";
import { testDependencies } from "./dependency_conformance.ts";
import { testStartBy } from "./start_by_conformance.ts";
import { testUniqueKeys } from "./unique_conformance.ts";

/** The records of the workers that the tests have, which say where they are. */
function announceWorkers(dir: string): void {
  for (const worker of ["w-1", "w-2"]) {
    const path = `${dir}/workers/${worker}.json`;
    if (diskFiles.info(path) === undefined) diskFiles.create(path, '{"host":"box"}');
  }
}

const withFileStore: WithStore = (test, now) =>
  withTempDir(async (dir) => {
    const open = () => openFileStore(dir, { files: diskFiles, now });
    const store = await open();
    announceWorkers(dir);
    try {
      await test(store, open);
    } finally {
      await store.close();
    }
  });

testJobStore("FileStore", withFileStore);
testDependencies("FileStore", withFileStore);
testUniqueKeys("FileStore", withFileStore);
testStartBy("FileStore", withFileStore);

// What commands see that only show something: all that is asked of the store is looked up by a
// reader.
testJobStore("Reader", (test, now) =>
  withTempDir(async (dir) => {
    const opened: FileStore[] = [];
    const open = async () => {
      const store = await openFileStore(dir, { files: diskFiles, now });
      opened.push(store);
      announceWorkers(dir);
      const reader: JobReader = await openReader(dir, diskFiles, () => {});
      return new Proxy(store, {
        get(_, name: keyof FileStore) {
          const from = name in reader && name !== "close" ? reader : store;
          return (from as FileStore)[name]?.bind(from);
        },
      });
    };
    try {
      await test(await open(), open);
    } finally {
      for (const store of opened) store.close();
    }
  }));

Deno.test("FileStore: a job whose worker has no record, or a damaged one, runs on no known host", async () => {
  await withTempDir(async (dir) => {
    const store = await openFileStore(dir, { files: diskFiles });
    await store.add([aJob()]);
    await store.claim({ worker: "w", pid: 1, host: "box" }, EPOCH);
    const reader = await openReader(dir, diskFiles, () => {});
    const hostNow = async () => {
      const job = await reader.get("a");
      return job?.status.state === "processing" ? job.status.running.host : undefined;
    };
    assertEquals(await hostNow(), null);
    for (const text of ["", "null", '{"host":7}']) {
      const path = `${dir}/workers/w.json`;
      diskFiles.create(path, text);
      assertEquals(await hostNow(), null);
      diskFiles.remove(path);
    }
    await store.close();
  });
});
