// The configuration of a data folder: what is special to its file. What every store must do stands
// in ports_test.ts.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { parseConfig } from "../../src/queue/settings.ts";
import { configPath, FileSettings } from "../../src/stores/file/settings.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { replaceFile } from "../../src/system/replace_file.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { MemoryFiles } from "../support/memory_files.ts";

const PATH = configPath("/data");

function filesWith(text?: string): MemoryFiles {
  const files = new MemoryFiles("/data");
  if (text !== undefined) files.write(PATH, text);
  return files;
}

Deno.test("FileSettings keeps only what was set, with the version of its form", async () => {
  const files = filesWith();
  const settings = new FileSettings("/data", files);
  await settings.set("max_retries", 5);
  await settings.set("log_level", "DEBUG");
  assertEquals(JSON.parse(files.readText(PATH)), {
    schema_version: 1,
    max_retries: 5,
    log_level: "DEBUG",
  });
  assertEquals(files.names("/data").sort(), ["config.json", "config.lock"]);
});

Deno.test("FileSettings leaves the file as it was when it cannot write, at any step", async () => {
  for (const operation of ["create", "rename"] as const) {
    const files = filesWith('{"max_retries": 9}');
    const settings = new FileSettings("/data", files);
    files.lock("/data/config.lock")?.release();
    files.failNext = { operation, error: new Error("disk full") };
    await assertRejects(() => settings.set("max_retries", 1), Error, "disk full");
    assertEquals(await settings.setValues(), { max_retries: 9 });
    assertEquals(files.names("/data").sort(), ["config.json", "config.lock"]);
    await settings.set("max_retries", 2);
  }
});

Deno.test("FileSettings refuses while another process changes the configuration", async () => {
  const files = filesWith();
  const settings = new FileSettings("/data", files);
  const lock = files.lock("/data/config.lock");
  await assertRejects(() => settings.set("max_retries", 1), QueueError, "Another process");
  lock?.release();
  await settings.set("max_retries", 1);
});

Deno.test("FileSettings names the file, the key and the reason, and never overwrites such a file", async () => {
  const wrong: [string, string][] = [
    ["{", "it is not JSON"],
    ["", "it is not JSON"],
    ["[1]", "it is not a JSON object"],
    ["null", "it is not a JSON object"],
    ['{"max_retrys": 1}', 'unknown key "max_retrys"'],
    ['{"max_retries": 5000}', "max_retries is 5000, and takes a whole number from 0 to 1000"],
    ['{"max_retries": null}', "max_retries is null"],
    ['{"schema_version": 2}', "written by a later version"],
    ['{"schema_version": "1"}', 'schema_version is "1", not 1'],
  ];
  for (const [text, reason] of wrong) {
    const files = filesWith(text);
    const settings = new FileSettings("/data", files);
    const error = await assertRejects(() => settings.setValues(), QueueError, reason);
    assertEquals(error.code, "damaged");
    assert(error.message.startsWith(`Cannot use ${PATH}: `));
    await assertRejects(() => settings.load(), QueueError, reason);
    await assertRejects(() => settings.set("max_retries", 1), QueueError);
    await assertRejects(() => settings.merge({ max_retries: 1 }), QueueError);
    assertEquals(files.readText(PATH), text);
  }
});

Deno.test("parseConfig() takes durations and sizes as people write them", () => {
  assertEquals(parseConfig('{"job_timeout": "5m", "log_max": "1K"}'), {
    job_timeout: 300,
    log_max: 1024,
  });
});

Deno.test("FileSettings.reset() removes what was set, and sets a damaged file aside under a free name", async () => {
  const files = filesWith('{"max_retries": 9}');
  const settings = new FileSettings("/data", files);
  assertEquals(await settings.reset(), undefined);
  assertEquals(await settings.reset(), undefined);
  assertEquals(files.info(PATH), undefined);
  files.write(PATH, "first");
  assertEquals(await settings.reset(), `${PATH}.damaged`);
  files.write(PATH, "second");
  assertEquals(await settings.reset(), `${PATH}.damaged.2`);
  assertEquals(files.readText(`${PATH}.damaged`), "first");
});

Deno.test("replaceFile() works on a disk, and makes the file readable by its owner alone", async () => {
  await withTempDir((folder) => {
    replaceFile(diskFiles, `${folder}/a`, "one");
    replaceFile(diskFiles, `${folder}/a`, "two");
    assertEquals(diskFiles.readText(`${folder}/a`), "two");
    assertEquals(diskFiles.info(`${folder}/a`)!.mode & 0o777, 0o600);
    assertEquals(diskFiles.names(folder), ["a"]);
  });
});
