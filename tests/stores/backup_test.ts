// Every successful backup can be restored, whatever the queue looks like and whatever happens
// meanwhile: each backup that is made here is restored here.
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { FileSettings, loadSetValues } from "../../src/stores/file/settings.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { claimOf, type Job } from "../../src/queue/job.ts";
import { cancelled, ended, unblocked } from "../../src/queue/transitions.ts";
import { backup } from "../../src/stores/file/backup.ts";
import { check } from "../../src/stores/file/check.ts";
import { JobFiles } from "../../src/stores/file/job_files.ts";
import { restore } from "../../src/stores/file/restore.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import { AT_FIRST, DATA, NOW, openAt, prepared } from "../faults/scenarios.ts";
import { aJob, anEnding, EPOCH } from "../support/jobs.ts";
import type { SimDisk } from "../support/sim_disk.ts";
import { withTempDir } from "../support/temp_dir.ts";

const JOB_A = `${DATA}/jobs/a/a.jsonl`;

/** Restores a backup into a new folder. @returns the ids of the jobs, which can be worked with */
async function restored(disk: SimDisk, from = "/copy"): Promise<string[]> {
  const into = `/restored-${crypto.randomUUID()}`;
  disk.makeFolder(into);
  const { jobs } = await restore(into, from, disk);
  const store = await openFileStore(into, { files: disk, now: () => NOW });
  const ids = (await Array.fromAsync(store.list({}))).map(({ id }) => id).sort();
  assertEquals(ids.length, jobs);
  assertEquals(await check(into, disk, { repair: false }), []);
  loadSetValues(into, disk);
  await store.close();
  return ids;
}

Deno.test("backup() beside a cleanup takes no log without its job, at any step", async () => {
  const base = await prepared();
  const store = await openAt(base);
  const job = (await store.get("c"))!;
  await store.close();
  const counting = base.copyOf();
  backup(DATA, "/copy", counting);
  let without = 0;
  for (let at = 0; at <= counting.steps; at++) {
    const disk = base.copyOf();
    // What a cleanup does to the job's own files, here all at one moment.
    disk.failure = (_operation, _path, index) => {
      if (index < at) return undefined;
      disk.failure = () => undefined;
      new JobFiles(disk, DATA).remove(job);
      return undefined;
    };
    const { jobs, leftOut } = backup(DATA, "/copy", disk);
    disk.failure = () => undefined;
    assertEquals(leftOut, [], `before operation ${at}`);
    const ids = await restored(disk);
    assertEquals(ids.length, jobs, `before operation ${at}`);
    if (!ids.includes("c")) without++;
    const logs = disk.tree("/copy/jobs/c").filter((path) => path.endsWith(".log"));
    if (!ids.includes("c")) assertEquals(logs, [], `before operation ${at}`);
  }
  assert(without > 0 && without < counting.steps);
});

Deno.test("backup() takes a batch that is being enqueued completely or not at all, at any step", async () => {
  const base = await prepared();
  const batch = ["n1", "n2", "n3"].map((id, sequence) =>
    aJob({ id, sequence, createdAt: NOW, runAt: sequence === 1 ? NOW + 60_000 : null })
  );
  const numbers = new Set<number>();
  await backUpDuring(base, (store) => store.add(batch), (all, at) => {
    const ids = all.filter((id) => id.startsWith("n"));
    numbers.add(ids.length);
    assert(ids.length === 0 || ids.length === 3, `before operation ${at}: ${ids}`);
  });
  assertEquals(numbers, new Set([0, 3]));
});

Deno.test("backup() includes a job whose id somebody tries to use, at any step", async () => {
  const base = await prepared();
  for (const again of [["c"], ["n1", "c", "n2"]]) {
    const add = (store: FileStore) =>
      assertRejects(() => store.add(again.map((id) => aJob({ id }))), QueueError);
    await backUpDuring(base, add, (ids, at) => {
      assertEquals(ids, [...AT_FIRST], `before operation ${at}`);
    });
  }
});

/** Makes a backup before each file operation of `action`, and looks at the ids that it restores. */
async function backUpDuring(
  base: SimDisk,
  action: (store: FileStore) => Promise<unknown>,
  look: (ids: readonly string[], at: number) => void,
): Promise<void> {
  let isMade = true;
  for (let at = 1; isMade; at++) {
    const disk = base.copyOf();
    const store = await openAt(disk);
    const first = disk.steps;
    isMade = false;
    disk.failure = (_operation, _path, index) => {
      if (index - first < at) return undefined;
      disk.failure = () => undefined;
      isMade = true;
      backup(DATA, "/copy", disk);
      return undefined;
    };
    await action(store);
    if (isMade) look(await restored(disk), at);
    await store.close();
  }
}

Deno.test("backup() leaves torn lines out, at the end and in the middle", async () => {
  for (const torn of ['{"at":"20', '{"at":"20\n', "\0\0\0\n"]) {
    const disk = await prepared();
    disk.append(JOB_A, torn);
    assertEquals(backup(DATA, "/copy", disk).leftOut, []);
    assertEquals((await restored(disk)).length, 6);
  }
});

Deno.test("backup() names a damaged job and leaves it out, and backs up all others", async () => {
  for (const damage of ["garbage\n", ""]) {
    const disk = await prepared();
    disk.truncate(JOB_A, 0);
    disk.append(JOB_A, damage);
    const { jobs, leftOut } = backup(DATA, "/copy", disk);
    assertEquals([jobs, leftOut], [5, [{ path: JOB_A, why: "is damaged" }]]);
    assertEquals(await restored(disk), ["b", "c", "d", "e", "f"]);
  }
});

Deno.test("backup() leaves out a configuration that can't be used, also a later version's", async () => {
  for (const text of ['{"schema_version":99}', "{", '{"max_retries":-1}', "[]", '{"no":1}']) {
    const disk = await prepared();
    disk.create(`${DATA}/config.json`, text);
    const { leftOut: [left] } = backup(DATA, "/copy", disk);
    assertEquals(left?.path, `${DATA}/config.json`);
    assertEquals((await restored(disk)).length, 6);
    const [finding] = await check(DATA, disk, { repair: false });
    assertStringIncludes(finding!.problem, left!.why);
  }
});

Deno.test("restore() refuses a backup with a configuration of a later version, and says why", async () => {
  const disk = await prepared();
  backup(DATA, "/copy", disk);
  disk.create("/copy/config.json", '{"schema_version":99}');
  const error = await assertRejects(() => restore(DATA, "/copy", disk), QueueError);
  assertStringIncludes(error.message, "/copy/config.json can't be used: its schema_version is 99");
});

Deno.test("restore() tolerates what a live folder may have, and refuses what is damaged", async () => {
  const disk = await prepared();
  await new FileSettings(DATA, disk).merge({ max_retries: 7 });
  backup(DATA, "/copy", disk);
  disk.append("/copy/jobs/a/a.jsonl", '{"at":"20');
  disk.create("/copy/jobs/a/gone.1.log", "stranger");
  disk.create("/copy/jobs/c/cc.1.log", "no job");
  for (const folder of ["", "/jobs", "/jobs/a"]) disk.create(`/copy${folder}/.DS_Store`, "");
  const { jobs, leftOut } = await restore(DATA, "/copy", disk);
  assertEquals([jobs, leftOut.length], [6, 5]);
  assertEquals((await check(DATA, disk, { repair: false })).length, 0);
  disk.truncate("/copy/jobs/a/a.jsonl", 9);
  const error = await assertRejects(() => restore(DATA, "/copy", disk), QueueError);
  assertStringIncludes(error.message, "/copy/jobs/a/a.jsonl is damaged");
});

Deno.test("backup() makes the folders above its own, and says so where it can't", () =>
  withTempDir(async (dir) => {
    const data = `${dir}/data`;
    Deno.mkdirSync(data);
    await (await openFileStore(data, { files: diskFiles })).close();
    backup(data, `${dir}/a/b/c`, diskFiles);
    assert(diskFiles.info(`${dir}/a/b/c/backup.json`) !== undefined);
    diskFiles.create(`${dir}/file`, "");
    Deno.symlinkSync(`${dir}/nowhere`, `${dir}/link`);
    for (const above of ["file", "link"]) {
      const target = `${dir}/${above}/copy`;
      assertThrows(
        () => backup(data, target, diskFiles),
        QueueError,
        `Cannot back up to ${target}: ${dir}/${above} is not a folder`,
      );
    }
  }));

Deno.test("backup() and restore() follow no link", () =>
  withTempDir(async (dir) => {
    const data = `${dir}/data`;
    Deno.mkdirSync(data);
    const store = await openFileStore(data, { files: diskFiles });
    await store.add([aJob({ id: "a" }), aJob({ id: "b", sequence: 1 })]);
    await store.close();
    diskFiles.create(`${data}/jobs/a/a.1.log`, "printed\n");
    backup(data, `${dir}/first`, diskFiles);
    Deno.removeSync(`${dir}/first/jobs/a/a.1.log`);
    Deno.symlinkSync("/etc/passwd", `${dir}/first/jobs/a/a.1.log`);
    await assertRejects(
      () => restore(data, `${dir}/first`, diskFiles),
      QueueError,
      "is not a file",
    );
    Deno.removeSync(`${data}/jobs/a/a.jsonl`);
    Deno.symlinkSync(`${data}/jobs/b/b.jsonl`, `${data}/jobs/a/a.jsonl`);
    const { jobs, leftOut } = backup(data, `${dir}/second`, diskFiles);
    assertEquals([jobs, leftOut.map(({ why }) => why)], [1, ["is a link"]]);
    Deno.mkdirSync(`${dir}/other`);
    assertEquals((await restore(`${dir}/other`, `${dir}/second`, diskFiles)).jobs, 1);
  }));

Deno.test("restore() refuses while a dead worker's job may still run, and not when it has ended", async () => {
  const disk = await prepared();
  backup(DATA, "/copy", disk);
  const store = await openAt(disk);
  FileWorkerLock.join(disk, DATA, "worker-1").abandon(); // dies
  const job = await store.claim({ worker: "worker-1", pid: 7, host: "box" }, NOW);
  const error = await assertRejects(() => restore(DATA, "/copy", disk), QueueError);
  assertStringIncludes(error.message, `job "${job!.id}" may still run`);
  assertEquals(disk.tree("/data/tmp"), [], "nothing was changed");
  // The end is on record, only the ticket has not moved yet.
  disk.append(
    `${DATA}/jobs/b/b.jsonl`,
    `{"at":"${new Date(EPOCH).toISOString()}","state":"cancelled"}\n`,
  );
  await restore(DATA, "/copy", disk);
  await store.close();
});

Deno.test("restore() replaces nothing that has come while it read the backup, unless it may", async () => {
  for (const added of ["jobs/a/a.jsonl", "schedules/nightly.json", "config.json"]) {
    const disk = await prepared();
    backup(DATA, "/copy", disk);
    disk.makeFolder("/into");
    let isAdded = false;
    const meanwhile = () => {
      if (isAdded) return;
      isAdded = true;
      for (const folder of ["jobs", "jobs/a", "schedules"]) disk.makeFolder(`/into/${folder}`);
      disk.create(`/into/${added}`, "{}");
    };
    const careful = () => restore("/into", "/copy", disk, meanwhile, { over: false });
    await assertRejects(careful, QueueError, "something was added to the queue meanwhile");
    const files = disk.tree("/into").filter((path) => !path.endsWith("/"));
    assertEquals(files, [`/into/${added}`]);
    assert((await restore("/into", "/copy", disk)).jobs > 0);
  }
});

Deno.test("restore() and a worker that starts see each other, at any step of either", async () => {
  const base = await prepared();
  backup(DATA, "/copy", base);
  const counting = base.copyOf();
  await restore(DATA, "/copy", counting);
  let [refused, joined] = [0, 0];
  for (let at = 0; at <= counting.steps; at++) {
    const disk = base.copyOf();
    let worker: FileWorkerLock | undefined;
    disk.failure = (_operation, _path, index) => {
      if (index < at) return undefined;
      disk.failure = () => undefined;
      try {
        worker = FileWorkerLock.join(disk, DATA, undefined);
      } catch (error) {
        assert(error instanceof QueueError && error.code === "refused", String(error));
        refused++;
      }
      return undefined;
    };
    const replaced = await restore(DATA, "/copy", disk).then(() => true, () => false);
    disk.failure = () => undefined;
    if (worker !== undefined) joined++;
    // A worker that came before the end works on the queue that it has seen.
    const left = disk.tree("/data").filter((path) => path.includes("restor"));
    assertEquals(left, [], `before operation ${at}: nothing is left over`);
    if (worker !== undefined && replaced) assert(at >= counting.steps - 20, `operation ${at}`);
    worker?.leave();
  }
  assert(refused > 20 && joined > 0, `${refused} ${joined}`);
});

Deno.test("a restore that was broken off waits for no worker, and a worker does not begin before it", async () => {
  const disk = await prepared();
  disk.makeFolder(`${DATA}/restoring`);
  await assertRejects(
    // deno-lint-ignore require-await -- what it throws becomes a rejection
    async () => FileWorkerLock.join(disk, DATA, undefined),
    QueueError,
    "while a backup is restored",
  );
  disk.removeFolder(`${DATA}/restoring`);
  const worker = FileWorkerLock.join(disk, DATA, undefined);
  disk.makeFolder(`${DATA}/restoring`);
  await assertRejects(() => openAt(disk), QueueError, "until worker-1 has stopped");
  worker.leave();
  (await openAt(disk)).close();
  assertEquals(disk.info(`${DATA}/restoring`), undefined);
});

Deno.test("backup() beside an end that adds a job takes that along with the end, at any step", async () => {
  const before = await prepared();
  const first = await openAt(before);
  const claimed = await first.claim({ worker: "worker-1", pid: 7, host: "box" }, NOW);
  assertEquals(claimed?.id, "b");
  const claim = claimOf(claimed!);
  const base = before.copyOf();
  const counting = base.copyOf();
  backup(DATA, "/copy", counting);
  let ends = 0;
  for (let at = 0; at <= counting.steps; at++) {
    const disk = base.copyOf();
    const store = await openAt(disk);
    const begun = disk.steps;
    let end: Promise<unknown> | undefined;
    disk.failure = (_operation, _path, index) => {
      if (index - begun < at || end !== undefined) return undefined;
      disk.failure = () => undefined;
      const succeeded = (job: Job) => ended(job, anEnding("succeeded"), { base: 1, max: 1 }, NOW);
      const hook = () => aJob({ id: "hook", createdAt: NOW });
      end = store.change("b", succeeded, claim, hook);
      return undefined;
    };
    backup(DATA, "/copy", disk);
    await end;
    const copy = disk.readText("/copy/jobs/b/b.jsonl");
    const ids = await restored(disk);
    if (copy.includes("completed")) {
      assert(ids.includes("hook"), `before operation ${at}`);
      ends++;
    }
    await store.close();
  }
  assert(ends > 3);
});

Deno.test("restore() lays blocked jobs in as blocked, also many of them", async () => {
  const disk = await prepared();
  const store = await openAt(disk);
  const waits = (id: string, sequence: number) => aJob({ id, sequence, after: ["a"] });
  await store.add(Array.from({ length: 40 }, (_, i) => waits(`n${i}`, i)));
  await store.change("n3", (job) => unblocked(job, NOW));
  await store.change("n4", (job) => cancelled(job, NOW, "a was cancelled"));
  const counts = await store.count();
  assertEquals([counts.blocked, counts.pending, counts.cancelled], [38, 3, 2]);
  await store.close();
  backup(DATA, "/copy", disk);
  disk.makeFolder("/new");
  await restore("/new", "/copy", disk);
  assertEquals(await check("/new", disk, { repair: false }), []);
  const after = await openFileStore("/new", { files: disk, now: () => NOW });
  assertEquals(await after.count(), counts);
  assertEquals((await after.get("n5"))?.after, ["a"]);
  assertEquals((await after.change("n5", (job) => unblocked(job, NOW))).status.state, "pending");
  await after.close();
});

Deno.test("a check finds a blocked job's ticket that is missing or misplaced, and repairs it", async () => {
  for (const damage of ["missing", "misplaced"]) {
    const disk = await prepared();
    const store = await openAt(disk);
    await store.add([aJob({ id: "n", after: ["a"] })]);
    await store.close();
    const ticket = disk.tree(`${DATA}/queue/blocked`).find((path) => path.endsWith(".b.n"))!;
    if (damage === "misplaced") {
      disk.makeFolder(`${DATA}/queue/later/${EPOCH}`);
      disk.link(ticket, `${DATA}/queue/later/${EPOCH}/${ticket.split("/").at(-1)}`);
    }
    disk.remove(ticket);
    assertEquals((await check(DATA, disk, { repair: true })).length, 1, damage);
    assertEquals(await check(DATA, disk, { repair: false }), [], damage);
    const after = await openAt(disk);
    assertEquals((await after.count()).blocked, 1);
    await after.change("n", (job) => unblocked(job, NOW));
    await after.close();
  }
});
