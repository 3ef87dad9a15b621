// What becomes of the output of an attempt that has ended, where the store is away or full.
import { assertEquals } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import type { OutputTable } from "../../src/stores/shared/file_sender.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { senderOf } from "../support/file_sender.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

/** Finishes; the store refuses with these errors first. @returns what it has, whether a file is left */
async function finished(
  dir: string,
  errors: readonly Error[],
  signal: AbortSignal,
  warn: (message: string) => void = () => {},
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
  const sender = senderOf(path, outputs, { warn });
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

Deno.test("FileSender keeps the first bytes of a file, says that it dropped the rest, and cuts it off", () =>
  withTempDir(async (dir) => {
    const path = `${dir}/output`;
    const said = "\n[queuectl: log capped at 4 bytes; the rest was dropped]\n";
    let stored: string | undefined;
    const outputs: OutputTable = {
      size: () => Promise.resolve(stored?.length),
      read: () => Promise.resolve(undefined),
      put: (_id, _attempt, from, bytes) => {
        stored = (stored ?? "").slice(0, from) + new TextDecoder().decode(bytes);
        return Promise.resolve();
      },
    };
    const start = () => senderOf(path, outputs, { limit: 4 });
    const print = (text: string) => diskFiles.append(path, text);
    const { signal } = new AbortController();

    const sender = start();
    diskFiles.create(path, "");
    print("123");
    await waitUntil(() => stored === "123");
    print("4567890");
    await waitUntil(() => diskFiles.info(path)?.size === 5 && stored === `1234${said}`);
    print("and more");
    await waitUntil(() => diskFiles.info(path)?.size === 5);
    await sender.finish(signal);
    assertEquals([stored, diskFiles.info(path)], [`1234${said}`, undefined]);

    // The worker has died after it had cut the file off: whoever adopts the attempt says so.
    diskFiles.create(path, "12345");
    for (const before of [undefined, "12", "1234", `1234${said.slice(0, 7)}`, `1234${said}`]) {
      stored = before;
      if (diskFiles.info(path) === undefined) diskFiles.create(path, "12345");
      await start().finish(signal);
      assertEquals(stored, `1234${said}`, before);
    }
    // No more than the limit is no reason to say anything.
    stored = undefined;
    diskFiles.create(path, "1234");
    await start().finish(signal);
    assertEquals(stored, "1234");
  }));

Deno.test("FileSender waits for a store that is away or full, not for a job that is gone", () =>
  withTempDir(async (dir) => {
    const { signal } = new AbortController();
    const [away, full] = [new QueueError("unavailable", "away"), new QueueError("io", "full")];
    assertEquals(await finished(dir, [away, full], signal), ["what it said", false]);
    assertEquals(await finished(dir, [new Error("no such job")], signal), ["", false]);
  }));

Deno.test("FileSender waits for a store that refuses its password, and says so once", () =>
  withTempDir(async (dir) => {
    const refused = new QueueError("refused", "the password is wrong");
    const away = new QueueError("unavailable", "away");
    const said: string[] = [];
    const { signal } = new AbortController();
    const errors = [away, refused, refused];
    const result = await finished(dir, errors, signal, (message) => said.push(message));
    assertEquals(result, ["what it said", false]);
    assertEquals(said, [
      'Cannot keep what job "a" has printed, trying until it works: the password is wrong',
    ]);
  }));
