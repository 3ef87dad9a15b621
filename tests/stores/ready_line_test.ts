import { assertEquals } from "@std/assert";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

const NOW = EPOCH + 60_000;
const id = (n: number) => `job-${String(n).padStart(2, "0")}`;

Deno.test("a worker does not pass over a bucket that another has just opened", () =>
  withTempDir(async (dir) => {
    const open = (files = diskFiles) => openFileStore(dir, { files, now: () => NOW });
    const first = await open();
    await first.add(Array.from({ length: 40 }, (_, n) => aJob({ id: id(n), sequence: n })));
    await first.add([aJob({ id: "later", sequence: 99, priority: -1 })]);
    let meanwhile = () => {};
    const second = await open({
      ...diskFiles,
      names(path) {
        const names = diskFiles.names(path);
        if (path.endsWith("/queue/ready")) meanwhile();
        return names;
      },
    });
    let claimed: ReturnType<typeof first.claim> | undefined;
    meanwhile = () => {
      meanwhile = () => {};
      claimed = first.claim({ worker: "w-1", pid: 1 }, NOW);
    };
    assertEquals((await second.claim({ worker: "w-2", pid: 2 }, NOW))?.id, id(1));
    assertEquals((await claimed)?.id, id(0));
    first.close();
    second.close();
  }));
