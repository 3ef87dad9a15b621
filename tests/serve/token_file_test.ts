// The token as a file: whose it is, and how long it lasts.
import { assertEquals, assertThrows } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { keepToken, keptToken, tokenPath } from "../../src/serve/token_file.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { withTempDir } from "../support/temp_dir.ts";

Deno.test("the token of a serve that runs is not replaced by one on another address", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = tokenPath(folder, 7878);
    const forget = keepToken(diskFiles, path, "first", 7878);
    assertThrows(
      () => keepToken(diskFiles, path, "second", 7878),
      QueueError,
      "Another queuectl serve on this store uses port 7878, at another address",
    );
    assertEquals(keptToken(diskFiles, path, 7878), "first");
    forget();
    assertThrows(() => keptToken(diskFiles, path, 7878), QueueError, "No queuectl serve runs");
    keepToken(diskFiles, path, "second", 7878)();
    // Left by one that was killed.
    diskFiles.create(path, "old\n");
    const end = keepToken(diskFiles, path, "third", 7878);
    assertEquals(keptToken(diskFiles, path, 7878), "third");
    end();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a link in the place of the token's file is removed, and what it names stays", async () => {
  await withTempDir((folder) => {
    const [path, target] = [tokenPath(folder, 7878), `${folder}/target`];
    Deno.writeTextFileSync(target, "kept");
    Deno.symlinkSync(target, path);
    assertThrows(() => diskFiles.lock(path), Error, "symbolic link");
    const forget = keepToken(diskFiles, path, "token", 7878);
    assertEquals(keptToken(diskFiles, path, 7878), "token");
    assertEquals(Deno.readTextFileSync(target), "kept");
    forget();
    return Promise.resolve();
  });
});
