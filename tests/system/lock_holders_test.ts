import { assertEquals } from "@std/assert";
import { diskFiles } from "../../src/system/file_system.ts";
import { lockHolders, parseLocks } from "../../src/system/lock_holders.ts";
import { withVariables } from "../exec/work_bench.ts";
import { withTempDir } from "../support/temp_dir.ts";

Deno.test({
  name: "lockHolders() names the process that holds a file's lock, and nobody when it is free",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withTempDir(async (dir) => {
      const lock = diskFiles.lock(`${dir}/lock`)!;
      const { inode } = diskFiles.info(`${dir}/lock`)!;
      assertEquals((await lockHolders())?.get(inode), Deno.pid);
      lock.release();
      assertEquals((await lockHolders())?.get(inode), undefined);
    }),
});

Deno.test({
  name: "lockHolders() needs no program on the PATH",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withTempDir(async (dir) => {
      const lock = diskFiles.lock(`${dir}/lock`)!;
      const { inode } = diskFiles.info(`${dir}/lock`)!;
      await withVariables({ PATH: dir }, async () => {
        assertEquals((await lockHolders())?.get(inode), Deno.pid);
      });
      lock.release();
    }),
});

Deno.test("parseLocks() passes over other locks, those who wait, and processes of other namespaces", () => {
  const text = `1: FLOCK  ADVISORY  WRITE 4133 fe:00:2155870 0 EOF
1: -> FLOCK  ADVISORY  WRITE 5000 fe:00:2155871 0 EOF
2: POSIX  ADVISORY  READ 4133 fe:00:16042199 128 128
3: FLOCK  ADVISORY  WRITE 0 fe:00:2155872 0 EOF
4: FLOCK  ADVISORY  READ  12 00:2f:7 0 EOF
5: FLOCK  ADVISORY  WRITE 12 00:2f:9 0 EOF
`;
  assertEquals([...parseLocks(text)], [[2155870, 4133], [9, 12]]);
});
