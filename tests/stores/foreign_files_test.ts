// Files that other programs leave in folders, such as file managers, are ignored by everything but
// the check.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { cancelled, ended } from "../../src/queue/transitions.ts";
import { check } from "../../src/stores/file/check.ts";
import { lockPath } from "../../src/stores/file/layout.ts";
import { RESTORE } from "../../src/stores/file/maintenance.ts";
import { openReader } from "../../src/stores/file/reader.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

/** Puts a file and a folder of a stranger into every folder. */
function litter(path: string): void {
  for (const entry of [...Deno.readDirSync(path)]) {
    if (entry.isDirectory && entry.name !== "Icon") litter(`${path}/${entry.name}`);
  }
  Deno.writeTextFileSync(`${path}/.DS_Store`, "x");
  Deno.mkdirSync(`${path}/Icon`, { recursive: true });
}

Deno.test("strange files and folders in any folder of the store do no harm", () =>
  withTempDir(async (dir) => {
    const now = EPOCH + 100_000;
    const options = { files: diskFiles, now: () => now };
    const store = await openFileStore(dir, options);
    await store.add([aJob({ id: "first" }), aJob({ id: "second", sequence: 1 })]);
    await store.add([aJob({ id: "later", runAt: now + 5000 })]);
    await store.add(Array.from({ length: 40 }, (_, n) => aJob({ id: `m${n}`, sequence: n + 2 })));
    assertEquals((await store.claim({ worker: "w", pid: 1, host: "box" }, now))?.id, "first");
    const dead = await openFileStore(dir, options);
    await dead.change("m1", (job) => cancelled(job, now));
    litter(dir);
    await changeAs(
      store,
      "w",
      "first",
      (job) => ended(job, anEnding("succeeded"), { base: 1, max: 1 }, now),
    );
    assertEquals((await store.claim({ worker: "w", pid: 1, host: "box" }, now))?.id, "second");
    await store.add([aJob({ id: "new", sequence: 99 })]);
    litter(dir);
    await dead.close();
    const next = await openFileStore(dir, options);
    await next.recover();
    const reader = await openReader(dir, diskFiles, () => {});
    for (const one of [next, reader]) {
      assertEquals(Object.values(await one.count()).reduce((a, b) => a + b), 44);
      assertEquals((await Array.fromAsync(one.list({}))).length, 44);
      assertEquals(await one.findIdsByPrefix("", 100).then((ids) => ids.length), 44);
      assertEquals((await one.claimedBy("w")).length, 1);
    }
    await next.remove("first", () => undefined);
    assertEquals(await next.hasWork(), true);
    assertEquals(await next.nextDue(), now + 5000);
    const ids = new Set<string>();
    for (let job; (job = await next.claim({ worker: "v", pid: 1, host: "box" }, now + 5000));) {
      ids.add(job.id);
    }
    assertEquals(ids.size, 41);
    await store.close();
    await next.close();
  }));

Deno.test("check() accepts the logs of start --detach", () =>
  withTempDir(async (dir) => {
    (await openReader(dir, diskFiles, () => {})).close();
    for (const name of ["start.log", "start.log.1"]) Deno.writeTextFileSync(`${dir}/${name}`, "x");
    assertEquals(await check(dir, diskFiles, { repair: false }), []);
  }));

Deno.test("a folder that is lost when it is empty is made again, and a restore is not disturbed", () =>
  withTempDir(async (dir) => {
    const jobs = [aJob({ id: "first" }), aJob({ id: "second", sequence: 1 })];
    const store = await openFileStore(dir, { files: diskFiles });
    await store.add(jobs);
    await store.close();
    // As by a copy that takes files alone, of a folder in which a job was on its way.
    Deno.writeTextFileSync(`${dir}/tmp/cli-1.job`, "");
    for (const folder of ["queue/later", "queue/dead", "queue/running", "control", "damaged"]) {
      Deno.removeSync(`${dir}/${folder}`);
    }
    const next = await openFileStore(dir, { files: diskFiles });
    assertEquals((await next.count()).pending, 2);
    assertEquals(
      (await next.claim({ worker: "w", pid: 1, host: "box" }, EPOCH + 1000))?.id,
      "first",
    );
    next.close();
    Deno.removeSync(`${dir}/queue/dead`);
    const restore = diskFiles.lock(lockPath(dir, RESTORE))!;
    const error = await assertRejects(() => openReader(dir, diskFiles, () => {}), QueueError);
    assertEquals(error.code, "refused");
    restore.release();
  }));

Deno.test("a failure with one command's leftovers does not stop the recovery of others", () =>
  withTempDir(async (dir) => {
    const store = await openFileStore(dir, { files: diskFiles, now: () => EPOCH });
    await store.add(["a", "b", "c"].map((id, sequence) => aJob({ id, sequence })));
    const ticketOf = (id: string) =>
      diskFiles.names(`${dir}/queue/ready`).flatMap((bucket) =>
        diskFiles.names(`${dir}/queue/ready/${bucket}`).filter((name) => name.endsWith(`.${id}`))
          .map((name) => [`${dir}/queue/ready/${bucket}/${name}`, name] as const)
      )[0]!;
    await store.close();
    // Three dead commands; the disk refuses to take the ticket of the first.
    for (const id of ["a", "b", "c"]) {
      const [path, name] = ticketOf(id);
      diskFiles.makeFolder(`${dir}/queue/running/cli-${id}`);
      diskFiles.rename(path, `${dir}/queue/running/cli-${id}/${name}`);
      diskFiles.create(`${dir}/workers/cli-${id}.lock`, "");
    }
    let isFull = true;
    const warnings: string[] = [];
    const files = {
      ...diskFiles,
      rename(from: string, to: string) {
        if (isFull && from.endsWith(".a")) throw new Error("No space left on device");
        diskFiles.rename(from, to);
      },
    };
    const next = await openFileStore(dir, {
      files,
      now: () => EPOCH,
      warn: (text) => warnings.push(text),
    });
    for (let n = 0; n < 3; n++) await next.recover();
    assertEquals(warnings.length, 1, warnings.join("\n"));
    assertEquals(diskFiles.names(`${dir}/workers`), ["cli-a.lock"]);
    isFull = false;
    await next.recover();
    const ids = [];
    for (let job; (job = await next.claim({ worker: "w", pid: 1, host: "box" }, EPOCH));) {
      ids.push(job.id);
    }
    assertEquals(ids, ["a", "b", "c"]);
    await next.close();
  }));
