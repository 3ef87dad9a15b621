import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { addSchedule } from "../../src/queue/schedule_firing.ts";
import { backup } from "../../src/stores/file/backup.ts";
import { check } from "../../src/stores/file/check.ts";
import { restore } from "../../src/stores/file/restore.ts";
import { FileSchedules } from "../../src/stores/file/schedules.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { MemorySchedules } from "../../src/stores/memory/schedules.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { aSchedule, fire, MINUTE, START, testScheduleStore } from "./schedule_conformance.ts";

testScheduleStore("MemorySchedules", async (test) => {
  const jobs = new MemoryStore(() => START);
  const store = new MemorySchedules(jobs);
  await test(jobs, store, () => store);
  jobs.close();
});

testScheduleStore("FileSchedules", (test) =>
  withTempDir(async (dir) => {
    const jobs = await openFileStore(dir, { files: diskFiles, now: () => START });
    const open = () => new FileSchedules(dir, { files: diskFiles, jobs });
    await test(jobs, open(), open);
    assertEquals(await check(dir, diskFiles, { repair: false }), []);
    jobs.close();
  }));

Deno.test("FileSchedules leaves a damaged file alone, names it, and goes on with the others", () =>
  withTempDir(async (dir) => {
    const warnings: string[] = [];
    const jobs = await openFileStore(dir, { files: diskFiles, now: () => START });
    const store = new FileSchedules(dir, {
      files: diskFiles,
      jobs,
      warn: (message) => warnings.push(message),
    });
    await addSchedule(store, aSchedule({ name: "good" }), false);
    const whole = Deno.readTextFileSync(`${dir}/schedules/good.json`);
    const broken = {
      empty: "",
      torn: whole.slice(0, 100),
      garbage: "\x00\xff",
      array: "[]",
      later: whole.replace('"schema": 1', '"schema": 99').replace('"good"', '"later"'),
      renamed: whole,
      hand: whole.replace('"good"', '"hand"').replace('"last"', '"first"'),
      time: whole.replace('"good"', '"time"').replace(/"since": "[^"]*"/, '"since": "noon"'),
    };
    for (const [name, text] of Object.entries(broken)) {
      Deno.writeTextFileSync(`${dir}/schedules/${name}.json`, text, { mode: 0o600 });
    }
    assertEquals((await store.list()).map(({ schedule }) => schedule.name), ["good"]);
    assertEquals(warnings.length, Object.keys(broken).length);
    for (const [name, text] of Object.entries(broken)) {
      assert(warnings.some((warning) => warning.includes(`${name}.json`)), name);
      const error = await assertRejects(
        () => addSchedule(store, aSchedule({ name }), true),
        QueueError,
      );
      assertEquals(error.code, "damaged");
      assertEquals(Deno.readTextFileSync(`${dir}/schedules/${name}.json`), text);
    }
    assertStringIncludes(warnings.join("\n"), "later version");
    assertEquals(await fire(store, START + MINUTE, { name: "good" }), ["fire 12:01"]);

    const found = await check(dir, diskFiles, { repair: true });
    assertEquals(found.length, Object.keys(broken).length);
    assertEquals(await check(dir, diskFiles, { repair: false }), []);
    assertEquals((await store.list()).length, 1);
    assert(Deno.readTextFileSync(`${dir}/damaged/torn.json`) === broken.torn);
    jobs.close();
  }));

Deno.test("storage check finds strangers among the schedules, and none where there are none", () =>
  withTempDir(async (dir) => {
    const jobs = await openFileStore(dir, { files: diskFiles, now: () => START });
    assertEquals(await check(dir, diskFiles, { repair: false }), []);
    await addSchedule(new FileSchedules(dir, { files: diskFiles }), aSchedule(), false);
    for (const end of ["lock", "json"]) Deno.writeTextFileSync(`${dir}/tmp/schedule-s.${end}`, "");
    assertEquals(await check(dir, diskFiles, { repair: false }), []);
    Deno.writeTextFileSync(`${dir}/schedules/x`, "");
    Deno.symlinkSync("/etc/passwd", `${dir}/schedules/link.json`);
    Deno.mkdirSync(`${dir}/schedules/folder.json`);
    const found = await check(dir, diskFiles, { repair: false });
    assertEquals(found.map(({ path }) => path.slice(dir.length + 11)).sort(), [
      "folder.json",
      "link.json",
      "x",
    ]);
    jobs.close();
  }));

Deno.test("a backup takes schedules along, and a restore puts them in the place of others", () =>
  withTempDir(async (dir) => {
    const data = `${dir}/data`;
    Deno.mkdirSync(data, { mode: 0o700 });
    const jobs = await openFileStore(data, { files: diskFiles, now: () => START });
    const store = new FileSchedules(data, { files: diskFiles, jobs });
    await addSchedule(store, aSchedule({ name: "kept" }), false);
    await fire(store, START + MINUTE, { name: "kept" });
    const before = await store.list();
    backup(data, `${dir}/backup`, diskFiles);
    await addSchedule(store, aSchedule({ name: "later" }), false);
    await fire(store, START + 2 * MINUTE, { name: "kept" });
    jobs.close();

    restore(data, `${dir}/backup`, diskFiles);
    assertEquals(await store.list(), before);
    assertEquals(await check(data, diskFiles, { repair: false }), []);
    // An older backup has none.
    Deno.removeSync(`${dir}/backup/schedules`, { recursive: true });
    restore(data, `${dir}/backup`, diskFiles);
    assertEquals(await store.list(), []);
    // A damaged one is refused, and changes nothing.
    Deno.mkdirSync(`${dir}/backup/schedules`);
    Deno.writeTextFileSync(`${dir}/backup/schedules/x.json`, "{");
    await addSchedule(store, aSchedule({ name: "mine" }), false);
    const error = await assertRejects(
      () => Promise.resolve().then(() => restore(data, `${dir}/backup`, diskFiles)),
      QueueError,
    );
    assertEquals(error.code, "damaged");
    assertEquals((await store.list()).map(({ schedule }) => schedule.name), ["mine"]);
  }));
