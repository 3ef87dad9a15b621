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
  await jobs.close();
});

testScheduleStore("FileSchedules", (test) =>
  withTempDir(async (dir) => {
    const jobs = await openFileStore(dir, { files: diskFiles, now: () => START });
    const open = () => new FileSchedules(dir, { files: diskFiles, jobs });
    await test(jobs, open(), open);
    assertEquals(await check(dir, diskFiles, { repair: false }), []);
    await jobs.close();
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
    await jobs.close();
  }));

Deno.test("storage check finds unexpected files among the schedules, and none where there are none", () =>
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
    await jobs.close();
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
    await jobs.close();

    await restore(data, `${dir}/backup`, diskFiles);
    assertEquals(await store.list(), before);
    assertEquals(await check(data, diskFiles, { repair: false }), []);
    // An older backup has none.
    Deno.removeSync(`${dir}/backup/schedules`, { recursive: true });
    await restore(data, `${dir}/backup`, diskFiles);
    assertEquals(await store.list(), []);
    // A damaged one is refused, and changes nothing.
    Deno.mkdirSync(`${dir}/backup/schedules`);
    Deno.writeTextFileSync(`${dir}/backup/schedules/x.json`, "{");
    await addSchedule(store, aSchedule({ name: "mine" }), false);
    const error = await assertRejects(
      () => restore(data, `${dir}/backup`, diskFiles),
      QueueError,
    );
    assertEquals(error.code, "damaged");
    assertEquals((await store.list()).map(({ schedule }) => schedule.name), ["mine"]);
  }));

Deno.test("a backup leaves out a damaged schedule, names it, and takes all else", () =>
  withTempDir(async (dir) => {
    const data = `${dir}/data`;
    Deno.mkdirSync(data, { mode: 0o700 });
    const jobs = await openFileStore(data, { files: diskFiles, now: () => START });
    const store = new FileSchedules(data, { files: diskFiles, jobs });
    await addSchedule(store, aSchedule({ name: "good" }), false);
    await fire(store, START + MINUTE, { name: "good" });
    await jobs.close();
    const torn = `${data}/schedules/torn.json`;
    Deno.writeTextFileSync(torn, "{");
    const link = `${data}/schedules/link.json`;
    Deno.symlinkSync(`${data}/schedules/good.json`, link);
    const { jobs: count, leftOut } = backup(data, `${dir}/backup`, diskFiles);
    assertEquals(count, 1);
    assertEquals(leftOut.toSorted((a, b) => a.path < b.path ? -1 : 1), [
      { path: link, why: "is a link" },
      { path: torn, why: "is damaged" },
    ]);
    // What does not belong there is passed over.
    Deno.writeTextFileSync(`${dir}/backup/schedules/.DS_Store`, "");
    const restored = await restore(data, `${dir}/backup`, diskFiles);
    assertEquals(restored.leftOut.length, 1);
    assertEquals((await store.list()).map(({ schedule }) => schedule.name), ["good"]);
    assertEquals(await check(data, diskFiles, { repair: false }), []);
  }));

Deno.test("a backup has the job of each time that a schedule in it has on record", () =>
  withTempDir(async (dir) => {
    const data = `${dir}/data`;
    const fired = `${dir}/fired`;
    Deno.mkdirSync(data, { mode: 0o700 });
    const jobs = await openFileStore(data, { files: diskFiles, now: () => START });
    const store = new FileSchedules(data, { files: diskFiles, jobs });
    await addSchedule(store, aSchedule({ name: "s" }), false);
    const before = Deno.readTextFileSync(`${data}/schedules/s.json`);
    await fire(store, START + MINUTE, { name: "s" });
    const id = (await Array.fromAsync(jobs.list({})))[0]!.id;
    // As if it fired between any two reads of the backup.
    const job = `${data}/jobs/${id.slice(0, 2)}`;
    const after = Deno.readTextFileSync(`${data}/schedules/s.json`);
    let reads = 1;
    for (let at = 0; at < reads; at++) {
      Deno.writeTextFileSync(`${data}/schedules/s.json`, before);
      Deno.renameSync(job, fired);
      reads = 0;
      const files = new Proxy(diskFiles, {
        get(target, key: keyof typeof diskFiles) {
          const value = target[key] as (...args: unknown[]) => unknown;
          if (key !== "names" && key !== "readText" && key !== "info") return value.bind(target);
          return (...args: unknown[]) => {
            if (reads++ === at) {
              Deno.renameSync(fired, job);
              Deno.writeTextFileSync(`${data}/schedules/s.json`, after);
            }
            return value.apply(target, args);
          };
        },
      });
      const target = `${dir}/backup-${at}`;
      const { jobs: count } = backup(data, target, files);
      const isOnRecord = Deno.readTextFileSync(`${target}/schedules/s.json`) === after;
      assert(count === 1 || !isOnRecord, `before read ${at}`);
    }
    await jobs.close();
  }));
