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
      claimed = first.claim({ worker: "w-1", pid: 1, host: "box" }, NOW);
    };
    assertEquals((await second.claim({ worker: "w-2", pid: 2, host: "box" }, NOW))?.id, id(1));
    assertEquals((await claimed)?.id, id(0));
    await first.close();
    await second.close();
  }));

Deno.test("a claim where nothing waits reads the line once", () =>
  withTempDir(async (dir) => {
    let read = 0;
    const names = (path: string) => {
      if (path.endsWith("/queue/ready")) read++;
      return diskFiles.names(path);
    };
    const store = await openFileStore(dir, { files: { ...diskFiles, names }, now: () => NOW });
    assertEquals(await store.claim({ worker: "w", pid: 1, host: "box" }, NOW), undefined);
    assertEquals(read, 1);
    await store.close();
  }));

Deno.test("a worker finds the head again however far others have come, in order", () =>
  withTempDir(async (dir) => {
    const open = () => openFileStore(dir, { files: diskFiles, now: () => NOW });
    const [first, second] = [await open(), await open()];
    await first.add(Array.from({ length: 80 }, (_, n) => aJob({ id: id(n), sequence: n })));
    const order: (string | undefined)[] = [];
    const claim = async (store: typeof first, worker: string) => {
      order.push((await store.claim({ worker, pid: 1, host: "box" }, NOW))?.id);
    };
    await claim(second, "w-2");
    // So many claims of the first before each of the second, also more than it tries one by one.
    for (const times of [3, 5, 1, 0, 0, 2, 20]) {
      for (let n = 0; n < times; n++) await claim(first, "w-1");
      await claim(second, "w-2");
    }
    assertEquals(order, order.map((_, n) => id(n)));
    await first.close();
    await second.close();
  }));
