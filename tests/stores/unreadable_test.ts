import { assertEquals, assertStringIncludes } from "@std/assert";
import { check } from "../../src/stores/file/check.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

// By a file system that refuses, since nothing refuses a superuser, who may run the tests.
Deno.test("a job's file that may not be read does not stop other jobs, and loses nothing", () =>
  withTempDir(async (dir) => {
    let mayRead = false;
    const files = {
      ...diskFiles,
      readText(path: string) {
        if (!mayRead && path.endsWith("/a.jsonl")) {
          throw new Deno.errors.PermissionDenied(
            `Permission denied (os error 13): readfile '${path}'`,
          );
        }
        return diskFiles.readText(path);
      },
    };
    const warnings: string[] = [];
    const now = EPOCH + 1000;
    const store = await openFileStore(dir, {
      files,
      now: () => now,
      warn: (text) => warnings.push(text),
    });
    await store.add(["a", "b"].map((id, sequence) => aJob({ id, sequence })));
    assertEquals((await store.claim({ worker: "w", pid: 1, host: "box" }, now))?.id, "b");
    assertStringIncludes(warnings.join(), `${dir}/jobs/a/a.jsonl`);
    const [finding] = await check(dir, files, { repair: false }, () => {});
    assertStringIncludes(finding!.path, "a.jsonl");
    mayRead = true;
    await check(dir, files, { repair: true }, () => {});
    assertEquals((await store.claim({ worker: "w", pid: 1, host: "box" }, now))?.id, "a");
    await store.close();
  }));
