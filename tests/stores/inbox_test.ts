import { assertEquals } from "@std/assert";
import { openInbox } from "../../src/stores/file/inbox.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles, type FileLock } from "../../src/system/file_system.ts";
import { aJob } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

Deno.test("a command whose new lock file a worker looks at takes another name", () =>
  withTempDir(async (dir) => {
    const tried: string[] = [];
    // A worker that looks for dead commands has the first one at hand.
    const lock = (path: string): FileLock | undefined =>
      tried.push(path) === 1 ? (diskFiles.create(path, ""), undefined) : diskFiles.lock(path);
    const inbox = await openInbox(dir, { ...diskFiles, lock });
    assertEquals(await inbox.add([aJob({ id: "a" })]), 1);
    await inbox.close();
    assertEquals(new Set(tried).size, 2);
    const store = await openFileStore(dir, { files: diskFiles });
    await store.recover();
    assertEquals((await store.count()).pending, 1);
    assertEquals(diskFiles.names(`${dir}/workers`), []);
    await store.close();
  }));
