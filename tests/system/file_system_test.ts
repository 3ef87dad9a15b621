import { assert, assertEquals, assertThrows } from "@std/assert";
import { diskFiles } from "../../src/system/file_system.ts";
import { measureFolder } from "../../src/system/measure_folder.ts";
import { isAbsolute, join, resolve } from "../../src/system/paths.ts";
import { MemoryFiles } from "../support/memory_files.ts";
import { SimDisk } from "../support/sim_disk.ts";
import { withTempDir } from "../support/temp_dir.ts";

Deno.test("diskFiles.info() tells files, folders and links apart, and knows when there is nothing", async () => {
  await withTempDir((folder) => {
    const path = join(folder, "a");
    diskFiles.create(path, "text");
    diskFiles.makeFolder(`${folder}/b`);
    Deno.symlinkSync(`${folder}/b`, `${folder}/c`);
    assertEquals(["a", "b", "c", "c/."].map((name) => diskFiles.info(`${folder}/${name}`)?.kind), [
      "file",
      "folder",
      "link",
      "folder",
    ]);
    assertEquals(["d", "d/e", "a/.", "a/b"].map((name) => diskFiles.info(`${folder}/${name}`)), [
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    assertThrows(() => diskFiles.create(path, ""), Deno.errors.AlreadyExists);
    assertEquals(diskFiles.info(path)!.mode & 0o777, 0o600);
    assertEquals(diskFiles.info(`${folder}/b`)!.mode & 0o777, 0o700);
  });
});

Deno.test("info() says how many names a file has, on a disk and on both that stand in for one", async () => {
  await withTempDir((folder) => {
    for (const files of [diskFiles, new SimDisk(), new MemoryFiles()]) {
      const dir = files === diskFiles ? folder : "";
      const links = (name: string) => files.info(`${dir}/${name}`)?.links;
      files.create(`${dir}/a`, "text");
      assertEquals(links("a"), 1);
      files.link(`${dir}/a`, `${dir}/b`);
      assertEquals([links("a"), links("b")], [2, 2]);
      files.create(`${dir}/c`, "other");
      files.rename(`${dir}/c`, `${dir}/b`); // takes a name away from the first file
      assertEquals([links("a"), links("b")], [1, 1]);
      files.remove(`${dir}/b`);
      assertEquals([links("a"), links("b")], [1, undefined]);
    }
  });
});

Deno.test("readBytes() reads parts of a file, to its end, and nothing of one that is not there", async () => {
  await withTempDir((folder) => {
    diskFiles.create(`${folder}/a`, "0123456789");
    const text = (offset: number, length: number) => {
      const bytes = diskFiles.readBytes(`${folder}/a`, offset, length);
      return bytes && new TextDecoder().decode(bytes);
    };
    assertEquals([text(0, 4), text(4, 100), text(10, 4), text(99, 4)], ["0123", "456789", "", ""]);
    assertEquals(diskFiles.readBytes(`${folder}/b`, 0, 1), undefined);
    assertThrows(() => diskFiles.readBytes(folder, 0, 1));
  });
});

Deno.test("measureFolder() counts all that lies below, a file with two names once", async () => {
  await withTempDir((folder) => {
    diskFiles.makeFolder(`${folder}/x`);
    diskFiles.create(`${folder}/x/1.log`, "12345");
    diskFiles.create(`${folder}/a.json`, "{}");
    diskFiles.link(`${folder}/a.json`, `${folder}/x/b`);
    assertEquals(measureFolder(diskFiles, folder), { files: 2, bytes: 7, logBytes: 5 });
    assertEquals(measureFolder(diskFiles, `${folder}/none`), { files: 0, bytes: 0, logBytes: 0 });
  });
});

Deno.test("resolve() makes paths absolute and plain", () => {
  assertEquals(resolve("/a/b", "c"), "/a/b/c");
  assertEquals(resolve("/a/b", "../c/./d//e/"), "/a/c/d/e");
  assertEquals(resolve("/a", "/x"), "/x");
  assertEquals(resolve("/", "../.."), "/");
  assertEquals(isAbsolute("a/b"), false);
});

Deno.test("a lock that was released is free at once, also while another thread begins processes", async () => {
  const begun = Promise.withResolvers<void>();
  const source = `for (let begun = 0; ; begun++) {
    new Deno.Command("true").outputSync();
    if (begun === 2) postMessage("begun");
  }`;
  const thread = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
  });
  thread.onmessage = () => begun.resolve();
  try {
    await begun.promise;
    await withTempDir((folder) => {
      for (let turn = 0; turn < 5000; turn++) {
        const lock = diskFiles.lock(`${folder}/lock`);
        assert(lock !== undefined, `still locked at turn ${turn}`);
        lock.release();
      }
    });
  } finally {
    thread.terminate();
  }
});
