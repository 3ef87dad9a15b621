import { assertEquals } from "@std/assert";
import { diskFiles } from "../../src/system/file_system.ts";
import { deviceText, lockHolders, parseLocks } from "../../src/system/lock_holders.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

Deno.test({
  name: "lockHolders() names the process that holds a file's lock, and nobody when it is free",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withTempDir(async (dir) => {
      const lock = diskFiles.lock(`${dir}/lock`)!;
      const { inode, device } = diskFiles.info(`${dir}/lock`)!;
      const mine = async () =>
        (await lockHolders())?.get(inode)?.filter((holder) => holder.device === deviceText(device));
      // Not at the first look where this machine holds many locks.
      await waitUntil(async () => (await mine())?.[0]?.pid === Deno.pid);
      lock.release();
      assertEquals(await mine() ?? [], []);
    }),
});

Deno.test("parseLocks() passes over other locks, those who wait, and processes of other namespaces", () => {
  const text = `1: FLOCK  ADVISORY  WRITE 4133 fe:00:2155870 0 EOF
1: -> FLOCK  ADVISORY  WRITE 5000 fe:00:2155871 0 EOF
2: POSIX  ADVISORY  READ 4133 fe:00:16042199 128 128
3: FLOCK  ADVISORY  WRITE 0 fe:00:2155872 0 EOF
4: FLOCK  ADVISORY  READ  12 00:2f:7 0 EOF
5: FLOCK  ADVISORY  WRITE 12 00:2f:9 0 EOF
6: FLOCK  ADVISORY  WRITE 13 fe:00:9 0 EOF
`;
  assertEquals([...parseLocks(text)], [
    [2155870, [{ pid: 4133, device: "fe:00" }]],
    [9, [{ pid: 12, device: "00:2f" }, { pid: 13, device: "fe:00" }]],
  ]);
});

Deno.test("deviceText() writes a device as the kernel does", () => {
  assertEquals([deviceText(0xfe00), deviceText(0x2f), deviceText(0x10305)], [
    "fe:00",
    "00:2f",
    "103:05",
  ]);
});
