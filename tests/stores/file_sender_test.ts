// What becomes of the output of an attempt that has ended, where the store is away or full.
import { assertEquals } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { FileSender, type OutputTable } from "../../src/stores/shared/file_sender.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { withTempDir } from "../support/temp_dir.ts";

/** Finishes; the store refuses with these errors first. @returns what it has, whether a file is left */
async function finished(
  dir: string,
  errors: readonly Error[],
  signal: AbortSignal,
): Promise<[sent: string, isLeft: boolean]> {
  const path = `${dir}/output`;
  Deno.writeTextFileSync(path, "what it said");
  const [left, sent] = [[...errors], [] as string[]];
  const outputs: OutputTable = {
    size: () => Promise.resolve(undefined),
    read: () => Promise.resolve(undefined),
    put: (_id, _attempt, _from, bytes) => {
      const error = left.shift();
      if (error !== undefined) return Promise.reject(error);
      sent.push(new TextDecoder().decode(bytes));
      return Promise.resolve();
    },
  };
  const sender = new FileSender({ outputs, files: diskFiles, path, id: "a", attempt: 1, limit: 0 });
  await sender.finish(signal);
  return [sent.join(""), diskFiles.info(path) !== undefined];
}

Deno.test("FileSender sends the rest once also where nobody waits for it", () =>
  withTempDir(async (dir) => {
    const over = AbortSignal.abort();
    assertEquals(await finished(dir, [], over), ["what it said", false]);
    // The next worker of this host finds the file, or the next start.
    const away = new QueueError("unavailable", "away");
    assertEquals(await finished(dir, [away], over), ["", true]);
  }));

Deno.test("FileSender waits for a store that is away or full, not for a job that is gone", () =>
  withTempDir(async (dir) => {
    const { signal } = new AbortController();
    const [away, full] = [new QueueError("unavailable", "away"), new QueueError("io", "full")];
    assertEquals(await finished(dir, [away, full], signal), ["what it said", false]);
    assertEquals(await finished(dir, [new Error("no such job")], signal), ["", false]);
  }));
