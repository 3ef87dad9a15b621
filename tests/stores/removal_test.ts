import { assertEquals } from "@std/assert";
import { cancelled, removableByCleanup } from "../../src/queue/transitions.ts";
import { logPath } from "../../src/stores/file/layout.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

Deno.test("a job that is removed leaves no log, also of attempts that its damaged file has forgotten", () =>
  withTempDir(async (dir) => {
    const store = await openFileStore(dir, { files: diskFiles, now: () => EPOCH });
    await store.add([aJob({ id: "a" })]);
    await store.change("a", (job) => cancelled(job, EPOCH));
    for (const n of [1, 2, 3]) diskFiles.create(logPath(dir, "a", n), "printed\n");
    await store.remove("a", (job) => removableByCleanup(job, EPOCH + 1));
    assertEquals(diskFiles.names(`${dir}/jobs/a`), []);
    store.close();
  }));
