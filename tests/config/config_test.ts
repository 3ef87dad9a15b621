import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  configText,
  importConfig,
  replaceFile,
  resetConfig,
  setValue,
} from "../../src/config/change.ts";
import { configPath, loadSettings, loadSetValues } from "../../src/config/load.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { DEFAULT_SETTINGS, parseConfig } from "../../src/queue/settings.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { MemoryFiles } from "../support/memory_files.ts";

const PATH = configPath("/data");

function filesWith(text?: string): MemoryFiles {
  const files = new MemoryFiles("/data");
  if (text !== undefined) files.write(PATH, text);
  return files;
}

Deno.test("loadSettings() gives the defaults where nothing was set", () => {
  assertEquals(loadSettings("/data", filesWith()), DEFAULT_SETTINGS);
  assertEquals(loadSettings("/data", filesWith('{"max_retries": 9}')), {
    ...DEFAULT_SETTINGS,
    max_retries: 9,
  });
});

Deno.test("setValue() keeps only what was set, with the version of its form", () => {
  const files = filesWith();
  setValue("/data", files, "max_retries", 5);
  setValue("/data", files, "log_level", "DEBUG");
  assertEquals(JSON.parse(files.readText(PATH)), {
    schema_version: 1,
    max_retries: 5,
    log_level: "DEBUG",
  });
  assertEquals(files.names("/data").sort(), ["config.json", "config.lock"]);
});

Deno.test("setValue() leaves the file as it was when it cannot write, at any step", () => {
  for (const operation of ["create", "rename"] as const) {
    const files = filesWith('{"max_retries": 9}');
    files.lock("/data/config.lock")?.release();
    files.failNext = { operation, error: new Error("disk full") };
    assertThrows(() => setValue("/data", files, "max_retries", 1), Error, "disk full");
    assertEquals(loadSetValues("/data", files), { max_retries: 9 });
    assertEquals(files.names("/data").sort(), ["config.json", "config.lock"]);
    setValue("/data", files, "max_retries", 2);
  }
});

Deno.test("setValue() refuses while another process changes the configuration", () => {
  const files = filesWith();
  const lock = files.lock("/data/config.lock");
  assertThrows(() => setValue("/data", files, "max_retries", 1), QueueError, "Another process");
  lock?.release();
  setValue("/data", files, "max_retries", 1);
});

Deno.test("loadSetValues() names the file, the key and the reason, and setValue() never overwrites such a file", () => {
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
    const error = assertThrows(() => loadSetValues("/data", files), QueueError, reason);
    assertEquals(error.code, "damaged");
    assert(error.message.startsWith(`Cannot use ${PATH}: `));
    assertThrows(() => setValue("/data", files, "max_retries", 1), QueueError);
    assertThrows(() => importConfig("/data", files, '{"max_retries": 1}', "x"), QueueError);
    assertEquals(files.readText(PATH), text);
  }
});

Deno.test("parseConfig() takes durations and sizes as people write them", () => {
  assertEquals(parseConfig('{"job_timeout": "5m", "log_max": "1K"}'), {
    job_timeout: 300,
    log_max: 1024,
  });
});

Deno.test("importConfig() takes all of a file or nothing", () => {
  const files = filesWith('{"max_retries": 9}');
  const wrong = '{"max_retries": 1, "worker_count": 0}';
  assertThrows(
    () => importConfig("/data", files, wrong, "in.json"),
    QueueError,
    "Cannot import in.json: worker_count is 0",
  );
  assertEquals(loadSetValues("/data", files), { max_retries: 9 });
  importConfig("/data", files, configText({ worker_count: 4 }), "in.json");
  assertEquals(loadSetValues("/data", files), { max_retries: 9, worker_count: 4 });
});

Deno.test("resetConfig() removes what was set, and sets a damaged file aside under a free name", () => {
  const files = filesWith('{"max_retries": 9}');
  assertEquals(resetConfig("/data", files), undefined);
  assertEquals(resetConfig("/data", files), undefined);
  assertEquals(files.info(PATH), undefined);
  files.write(PATH, "first");
  assertEquals(resetConfig("/data", files), `${PATH}.damaged`);
  files.write(PATH, "second");
  assertEquals(resetConfig("/data", files), `${PATH}.damaged.2`);
  assertEquals(files.readText(`${PATH}.damaged`), "first");
});

Deno.test("replaceFile() works on a disk, and makes the file readable by its owner alone", async () => {
  await withTempDir((folder) => {
    replaceFile(diskFiles, folder, `${folder}/a`, "one");
    replaceFile(diskFiles, folder, `${folder}/a`, "two");
    assertEquals(diskFiles.readText(`${folder}/a`), "two");
    assertEquals(diskFiles.info(`${folder}/a`)!.mode & 0o777, 0o600);
    assertEquals(diskFiles.names(folder), ["a"]);
  });
});
