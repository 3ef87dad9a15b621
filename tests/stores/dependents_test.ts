// What is special to the folder store about jobs that wait for others: where things are, what is
// found and repaired, and that backups include it.
import { assert, assertEquals } from "@std/assert";
import type { Job } from "../../src/queue/job.ts";
import { ended, retried } from "../../src/queue/transitions.ts";
import { restoreLostLines } from "../../src/stores/file/after_reboot.ts";
import { backup } from "../../src/stores/file/backup.ts";
import { check } from "../../src/stores/file/check.ts";
import { setPortion } from "../../src/stores/file/release.ts";
import { restore } from "../../src/stores/file/restore.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { hashOf } from "../../src/stores/file/unique_keys.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { SimDisk } from "../support/sim_disk.ts";

const DATA = "/data";
const BY = { worker: "w", pid: 1, host: "box" };

async function opened(disk = new SimDisk()): Promise<{ disk: SimDisk; store: FileStore }> {
  if (disk.info(DATA) === undefined) disk.makeFolder(DATA);
  return { disk, store: await openFileStore(DATA, { files: disk, now: () => EPOCH }) };
}

async function run(
  store: FileStore,
  outcome: "succeeded" | "failed" = "succeeded",
  by = BY,
): Promise<Job> {
  const job = (await store.claim(by, EPOCH))!;
  const end = (job: Job) => ended(job, anEnding(outcome), { base: 1, max: 1 }, EPOCH);
  const after = await changeAs(store, by.worker, job.id, end);
  await store.recover(); // those that wait for it are told
  return after;
}

const state = async (store: FileStore, id: string) => (await store.get(id))?.status.state;
const below = (disk: SimDisk, folder: string) =>
  disk.tree(`${DATA}/queue/${folder}`).filter((path) => !path.endsWith("/"));

Deno.test("a queue in which nobody waits any more has no traces of it", async () => {
  const { disk, store } = await opened();
  await store.add([aJob({ id: "a" })]);
  await store.add([
    aJob({ id: "b", sequence: 1, after: ["a"] }),
    aJob({ id: "c", sequence: 2, after: ["a"] }),
  ]);
  assertEquals(below(disk, "dependents").length, 1);
  for (const _ of "abc") await run(store);
  assertEquals([...below(disk, "dependents"), ...below(disk, "settling")], []);
  await store.close();
  assertEquals(disk.tree(`${DATA}/tmp`), []);
});

Deno.test("who waits is found however a file system counts the links of folders, and not looked for where nobody waits", async () => {
  for (const counted of ["folders", 1, 2] as const) {
    const disk = new SimDisk();
    const looks: string[] = [];
    const info = disk.info.bind(disk);
    disk.info = (path) => {
      looks.push(path);
      const found = info(path);
      return found?.kind !== "folder" || counted === "folders"
        ? found
        : { ...found, links: counted };
    };
    const { store } = await opened(disk);
    await store.add([aJob({ id: "a" }), aJob({ id: "b", sequence: 1 })]);
    await run(store);
    const looked = looks.some((path) => path === `${DATA}/queue/dependents/a`);
    assertEquals(looked, counted !== "folders", `${counted}`);
    await store.add([aJob({ id: "c", sequence: 2, after: ["b"] })]);
    assertEquals(await state(store, "c"), "blocked");
    await run(store);
    assertEquals(await state(store, "c"), "pending", `${counted}`);
    await store.close();
  }
});

/** Ten jobs wait for one that has ended; they have yet to be told, one in each portion. */
async function owing(): Promise<{ disk: SimDisk; store: FileStore }> {
  const { disk, store } = await opened();
  const waiting = Array.from("0123456789", (digit) => aJob({ id: `w${digit}`, after: ["a"] }));
  await store.add([aJob({ id: "a" }), ...waiting]);
  const job = (await store.claim(BY, EPOCH))!;
  const end = (job: Job) => ended(job, anEnding("succeeded"), { base: 1, max: 1 }, EPOCH);
  await changeAs(store, BY.worker, job.id, end);
  return { disk, store };
}

Deno.test("recovering with little patience leaves jobs to be told to the next claims", async () => {
  setPortion(1);
  try {
    const { disk } = await owing();
    disk.die(0);
    const { store: other } = await opened(disk);
    await other.recover(0);
    const { blocked } = await other.count();
    assert(blocked > 5, `${blocked} still wait`);
    await other.claim(BY, EPOCH);
    assertEquals((await other.count()).blocked, blocked - 1);
    await other.recover();
    assertEquals((await other.count()).blocked, 0);
    await other.close();
  } finally {
    setPortion(100);
  }
});

Deno.test("a process that ends does not tell jobs for long", async () => {
  setPortion(1);
  const { now } = performance;
  try {
    const { disk, store } = await owing();
    let time = 0;
    performance.now = () => time += 1000; // each job takes a second
    await store.close();
    performance.now = now;
    const { store: other } = await opened(disk);
    const { blocked } = await other.count();
    assert(blocked > 5, `${blocked} still wait`);
    await other.claim(BY, EPOCH);
    await other.recover();
    assertEquals((await other.count()).blocked, 0);
    await other.close();
  } finally {
    performance.now = now;
    setPortion(100);
  }
});

Deno.test("a check finds a job that nobody would tell, and a repair has it told", async () => {
  const { disk, store } = await opened();
  await store.add([aJob({ id: "a" }), aJob({ id: "b", sequence: 1, after: ["a"] })]);
  const [lines] = below(disk, "dependents");
  disk.remove(lines!);
  await run(store);
  assertEquals(await state(store, "b"), "blocked");
  const found = await check(DATA, disk, { repair: false });
  assertEquals(found.map(({ problem }) => problem), ["waits for job a, which does not know of it"]);
  const mended = await check(DATA, disk, { repair: true });
  assertEquals(mended.map(({ repaired }) => repaired), ["it will be told"]);
  assertEquals(await state(store, "b"), "pending");
  assertEquals(await check(DATA, disk, { repair: false }), []);
});

Deno.test("a check finds a mark that is missing", async () => {
  const { disk, store } = await opened();
  await store.add([aJob({ id: "a" }), aJob({ id: "b", sequence: 1, after: ["a"] })]);
  const job = (await store.claim(BY, EPOCH))!;
  // The end, without all that comes of it.
  disk.failure = (operation, path) =>
    operation === "rename" && path.includes("/blocked/") ? new Error("full") : undefined;
  const end = (job: Job) => ended(job, anEnding("succeeded"), { base: 1, max: 1 }, EPOCH);
  await changeAs(store, BY.worker, job.id, end);
  disk.failure = () => undefined;
  for (const mark of below(disk, "settling")) disk.remove(mark);
  const found = await check(DATA, disk, { repair: false });
  assertEquals(found.map(({ problem }) => problem), ["waits for job a, which has ended"]);
  await check(DATA, disk, { repair: true });
  assertEquals(await state(store, "b"), "pending");
});

Deno.test("a restored backup keeps who waits for whom, what counts, keys and times to begin by", async () => {
  const { disk, store } = await opened();
  await store.add([
    aJob({ id: "done" }),
    aJob({ id: "a", sequence: 1, maxRetries: 0 }),
    aJob({ id: "waits", sequence: 2, after: ["done", "a"], unique: "key" }),
    aJob({ id: "any", sequence: 3, afterAny: ["waits"], startBy: EPOCH + 1000 }),
  ]);
  await run(store);
  await run(store, "failed");
  await store.remove("done", () => undefined);
  backup(DATA, "/copy", disk);
  await store.close();
  disk.makeFolder("/other");
  await restore("/other", "/copy", disk);
  let now = EPOCH;
  const other = await openFileStore("/other", { files: disk, now: () => now });
  assertEquals(await check("/other", disk, { repair: false }), []);
  assertEquals((await other.get("waits"))?.status, {
    state: "blocked",
    since: EPOCH,
    runAt: null,
    met: ["done"],
  });
  assertEquals(await other.add([aJob({ id: "again", unique: "key" })]), 0);
  await other.change("a", (job) => retried(job, EPOCH));
  // Another worker: a ticket of the same one and the same millisecond is that of the first attempt.
  const by = { ...BY, worker: "v" };
  for (const id of ["a", "waits"]) assertEquals((await run(other, "succeeded", by)).id, id);
  assertEquals(await state(other, "any"), "pending");
  now = EPOCH + 2500;
  await other.recover();
  assertEquals(await state(other, "any"), "cancelled");
});

Deno.test("a restore settles those that wait for what is not in the backup", async () => {
  const { disk, store } = await opened();
  await store.add([aJob({ id: "a" }), aJob({ id: "b", sequence: 1, after: ["a"] })]);
  backup(DATA, "/copy", disk);
  await store.close();
  disk.remove("/copy/jobs/a/a.jsonl");
  const manifest = disk.readText("/copy/backup.json").replace('"jobs":2', '"jobs":1');
  disk.remove("/copy/backup.json");
  disk.create("/copy/backup.json", manifest);
  disk.makeFolder("/other");
  await restore("/other", "/copy", disk);
  const other = await openFileStore("/other", { files: disk, now: () => EPOCH });
  await other.recover();
  assertEquals(await state(other, "b"), "cancelled");
});

Deno.test("the first start after a boot lays down again who waits for whom", async () => {
  const { disk, store } = await opened();
  await store.add([aJob({ id: "a" })]);
  await store.add([aJob({ id: "b", sequence: 1, after: ["a"], startBy: EPOCH + 1000 })]);
  await store.close();
  for (const path of [...below(disk, "dependents"), ...below(disk, "deadlines")]) disk.remove(path);
  restoreLostLines(DATA, disk, { id: "second", at: EPOCH + 1e6 });
  const { store: after } = await opened(disk);
  await run(after);
  assertEquals(await state(after, "b"), "pending");
});

Deno.test("a ticket that is ready, of a job that waits by its file, is looked at once more", async () => {
  const { disk, store } = await opened();
  await store.add([aJob({ id: "a" }), aJob({ id: "b", sequence: 1, after: ["a"] })]);
  const path = `${DATA}/jobs/b/b.jsonl`;
  const before = disk.readText(path).length;
  await run(store);
  disk.truncate(path, before); // as a power cut may leave it
  const { store: after } = await opened(disk);
  assertEquals((await after.get("b"))?.status.state, "blocked");
  assertEquals((await run(after)).id, "b");
});

Deno.test("a check finds a key that others could take, and one that two have", async () => {
  const { disk, store } = await opened();
  await store.add([aJob({ id: "a", unique: "k" })]);
  const path = `${DATA}/queue/unique/${hashOf("k")}`;
  assertEquals(disk.readText(path), "a\n");
  disk.remove(path);
  const found = async (repair: boolean) =>
    (await check(DATA, disk, { repair })).map(({ problem }) => problem);
  assertEquals(await found(false), ["has a key that others could take"]);
  await found(true);
  assertEquals(await found(false), []);
  disk.remove(path);
  await store.add([aJob({ id: "b", sequence: 1, unique: "k" })]);
  assertEquals(await found(false), ["has the same key as job b"]);
  await store.close();
});

Deno.test("hashOf() is FNV-1a of 128 bits", () => {
  assertEquals(hashOf("hello"), "e3e1efd54283d94f7081314b599d31b3");
  assert(hashOf("a") !== hashOf("A"));
});
