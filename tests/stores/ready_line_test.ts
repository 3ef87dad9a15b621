import { assert, assertEquals } from "@std/assert";
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

Deno.test("a worker finds the head again however far others have come, in order and with few lost claims", () =>
  withTempDir(async (dir) => {
    let lost = 0;
    const open = (name: string) => {
      const rename = (from: string, to: string) => {
        try {
          diskFiles.rename(from, to);
        } catch (error) {
          // Not where the folder of what it runs was missing.
          if (name === "w-2" && diskFiles.info(`${dir}/queue/running/${name}`)) lost++;
          throw error;
        }
      };
      return openFileStore(dir, { files: { ...diskFiles, rename }, now: () => NOW });
    };
    const [first, second] = [await open("w-1"), await open("w-2")];
    await first.add(Array.from({ length: 60 }, (_, n) => aJob({ id: id(n), sequence: n })));
    const order: (string | undefined)[] = [];
    const claim = async (store: typeof first, worker: string) => {
      order.push((await store.claim({ worker, pid: 1, host: "box" }, NOW))?.id);
    };
    await claim(second, "w-2");
    // So many claims of the first before each of the second, which has to guess: too few, as many,
    // too many, far too few.
    for (const times of [3, 3, 3, 5, 5, 1, 0, 0, 2, 9]) {
      for (let n = 0; n < times; n++) await claim(first, "w-1");
      await claim(second, "w-2");
    }
    assertEquals(order, order.map((_, n) => id(n)));
    // 31 if it tried them one after the other; 5 are before it has an idea, some more if the
    // machine is so slow that it reads anew.
    assert(lost <= 12, `${lost} lost claims`);
    await first.close();
    await second.close();
  }));
