// The token as a file: whose it is, and how long it lasts.
import { assertEquals, assertThrows } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { keepToken, keptToken, tokenPath } from "../../src/serve/token_file.ts";
import { diskFiles } from "../../src/system/file_system.ts";

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
