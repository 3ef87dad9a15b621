// Removing a job, and using its id again at once: each has its own file, logs and ticket.
import { assert, assertEquals } from "@std/assert";
import { cancelled, ended, removableByCleanup } from "../../src/queue/transitions.ts";
import { check } from "../../src/stores/file/check.ts";
import { logPath } from "../../src/stores/file/layout.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles, type FileSystem } from "../../src/system/file_system.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { SimDisk } from "../support/sim_disk.ts";
import { withTempDir } from "../support/temp_dir.ts";

const BY = { worker: "w", pid: 1, host: "box" };
const DATA = "/data";
const removable = (job: Parameters<typeof removableByCleanup>[0]) =>
  removableByCleanup(job, EPOCH + 1);

Deno.test("a job that is removed leaves no log, also of attempts that its damaged file has forgotten", () =>
  withTempDir(async (dir) => {
    const store = await openFileStore(dir, { files: diskFiles, now: () => EPOCH });
    await store.add([aJob({ id: "a" })]);
    await store.change("a", (job) => cancelled(job, EPOCH));
    for (const n of [1, 2, 3]) diskFiles.create(logPath(dir, "a", n), "printed\n");
    await store.remove("a", removable);
    assertEquals(diskFiles.names(`${dir}/jobs/a`), []);
    await store.close();
  }));

/** A disk with a cancelled job "a" that has a log. */
async function withCancelled(): Promise<SimDisk> {
  const disk = new SimDisk();
  disk.makeFolder(DATA);
  const store = await openFileStore(DATA, { files: disk, now: () => EPOCH });
  await store.add([aJob({ id: "a" })]);
  await store.change("a", (job) => cancelled(job, EPOCH));
  disk.create(logPath(DATA, "a", 1), "of the first\n");
  await store.close();
  return disk;
}

/** Adds "a" once more, and runs it to its end; false if the id is still taken. */
async function useAgain(disk: SimDisk, createdAt: number): Promise<boolean> {
  const store = await openFileStore(DATA, { files: disk, now: () => createdAt });
  try {
    await store.add([aJob({ id: "a", createdAt, command: "again" })]);
  } catch {
    return false;
  }
  disk.create(logPath(DATA, "a", 1), "of the second\n");
  return true;
}

async function verify(disk: SimDisk, says: string): Promise<void> {
  const store = await openFileStore(DATA, { files: disk, now: () => EPOCH });
  await store.recover();
  assertEquals(Object.values(await store.count()).reduce((a, b) => a + b), 1, says);
  assertEquals(await check(DATA, disk, { repair: false }), [], says);
  assertEquals(disk.readText(logPath(DATA, "a", 1)), "of the second\n", says);
  assertEquals((await store.claim(BY, EPOCH))?.command, "again", says);
  assertEquals(
    await store.claim({ worker: "v", pid: 2, host: "box" }, EPOCH),
    undefined,
    `${says}: once`,
  );
  await store.recover();
  await changeAs(
    store,
    BY.worker,
    "a",
    (job) => ended(job, anEnding("succeeded"), { base: 1, max: 1 }, EPOCH),
  );
  assertEquals((await store.get("a"))?.status.state, "completed", says);
  assertEquals(await check(DATA, disk, { repair: false }), [], says);
  await store.close();
}

// Also with the same time of arrival, which two jobs of one id can't have in practice.
for (const createdAt of [EPOCH, EPOCH + 5]) {
  Deno.test(`an id is used again while its removal is at any step, or was killed there (${createdAt - EPOCH} ms later)`, async () => {
    const start = await withCancelled();
    let used = 0;
    let steps = 1;
    for (let at = 0; at < steps; at++) {
      for (const killed of [true, false]) {
        const disk = start.copyOf();
        const store = await openFileStore(DATA, { files: disk, now: () => EPOCH });
        const first = disk.steps;
        let again: Promise<boolean> | undefined;
        disk.failure = (_, __, index) => {
          if (index - first !== at) return undefined;
          disk.failure = () => undefined;
          if (killed) {
            disk.failure = () => new Error("killed");
            return new Error("killed");
          }
          again = useAgain(disk, createdAt);
          return undefined;
        };
        await store.remove("a", removable).catch(() => {});
        steps = Math.max(steps, disk.steps - first);
        disk.failure = () => undefined;
        // What was killed has no locks any more.
        const left = killed ? disk.copyOf() : disk;
        const isUsed = killed ? await useAgain(left, createdAt) : await again;
        if (!isUsed) continue;
        used++;
        await verify(left, `${killed ? "killed" : "interrupted"} at step ${at}`);
      }
    }
    assert(used > 4, `${used}`);
  });
}

Deno.test("a removal that is killed before the job's file is gone leaves the job", async () => {
  const disk = await withCancelled();
  const store = await openFileStore(DATA, { files: disk, now: () => EPOCH });
  disk.failure = (operation, path) =>
    operation === "remove" && path.endsWith("a.jsonl") ? new Error("killed") : undefined;
  await store.remove("a", removable).catch(() => {});
  disk.failure = () => undefined;
  const left = disk.copyOf();
  const next = await openFileStore(DATA, { files: left, now: () => EPOCH });
  await next.recover();
  assertEquals((await next.count()).cancelled, 1);
  assertEquals(await check(DATA, left, { repair: false }), []);
});

Deno.test("in a folder that was copied without hard links nothing counts as a leftover", () =>
  withTempDir(async (dir) => {
    const store = await openFileStore(`${dir}`, { files: diskFiles, now: () => EPOCH });
    await store.add([aJob({ id: "a" }), aJob({ id: "b", sequence: 1 })]);
    await store.claim(BY, EPOCH);
    await store.close();
    for (const folder of ["running/w", "ready"]) copyTickets(`${dir}/queue/${folder}`, diskFiles);
    const copied = await openFileStore(dir, { files: diskFiles, now: () => EPOCH });
    const end = (id: string) =>
      changeAs(
        copied,
        BY.worker,
        id,
        (job) => ended(job, anEnding("succeeded"), { base: 1, max: 1 }, EPOCH),
      );
    await end("a");
    assertEquals((await copied.claim(BY, EPOCH))?.id, "b");
    await end("b");
    assertEquals((await copied.count()).completed, 2);
    await copied.close();
  }));

/** Makes files of their own of all tickets below a folder. */
function copyTickets(folder: string, files: FileSystem): void {
  for (const name of files.names(folder)) {
    const path = `${folder}/${name}`;
    if (files.info(path)?.kind === "folder") {
      copyTickets(path, files);
      continue;
    }
    const text = files.readText(path);
    files.remove(path);
    files.create(path, text);
  }
}
