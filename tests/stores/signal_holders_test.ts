import { assertEquals } from "@std/assert";
import { lockPath } from "../../src/stores/file/layout.ts";
import { signalHolders } from "../../src/stores/file/signal_holders.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { withTempDir } from "../support/temp_dir.ts";

Deno.test({
  name: "signalHolders() finds the holder also while other locks are taken and released",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withTempDir(async (dir) => {
      const path = lockPath(dir, "worker-1");
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      const lock = diskFiles.lock(path)!;
      const thread = await lockAndRelease(`${dir}/other`);
      try {
        for (let turn = 0; turn < 100; turn++) {
          const names = ["worker-1", "worker-2"];
          assertEquals(await signalHolders(diskFiles, dir, names, "SIGCONT"), ["worker-1"]);
        }
      } finally {
        thread.terminate();
        lock.release();
      }
    }),
});

async function lockAndRelease(path: string): Promise<Worker> {
  const source = `
    const files = ["a", "b", "c", "d", "e"].map((name) =>
      Deno.openSync(${JSON.stringify(path)} + name, { create: true, write: true })
    );
    postMessage("begun");
    for (;;) {
      for (const file of files) file.lockSync(true);
      for (const file of files) file.unlockSync();
    }`;
  const url = `data:text/javascript,${encodeURIComponent(source)}`;
  const thread = new Worker(url, { type: "module" });
  await new Promise((begun) => thread.onmessage = begun);
  return thread;
}
