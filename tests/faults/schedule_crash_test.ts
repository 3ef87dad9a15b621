// Firing, with a crash before and after each of its file operations, with unsynced data lost, and
// with each operation failing: no time is lost, and none fires twice.
import { assert, assertEquals } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { addSchedule } from "../../src/queue/schedule_firing.ts";
import { check } from "../../src/stores/file/check.ts";
import { FileSchedules } from "../../src/stores/file/schedules.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { crashes, SimDisk } from "../support/sim_disk.ts";
import { aSchedule, fire, MINUTE, START } from "../stores/schedule_conformance.ts";

const DATA = "/data";

async function open(disk: SimDisk): Promise<{ jobs: FileStore; store: FileSchedules }> {
  const jobs = await openFileStore(DATA, { files: disk, now: () => START + 2 * MINUTE });
  return { jobs, store: new FileSchedules(DATA, { files: disk, jobs }) };
}

/** A disk with a schedule that has fired at 12:01. */
async function prepared(): Promise<SimDisk> {
  const disk = new SimDisk();
  disk.makeFolder(DATA);
  const { jobs, store } = await open(disk);
  await addSchedule(store, aSchedule({ overlap: "allow", job: { command: "x", cwd: "/" } }), false);
  await fire(store, START + MINUTE);
  await jobs.close();
  return disk;
}

async function ids(jobs: FileStore): Promise<string[]> {
  return (await Array.fromAsync(jobs.list({}))).map(({ id }) => id).sort();
}

const ONE = "s-20261124T120100Z";
const TWO = "s-20261124T120200Z";

/** Whoever comes next finds 12:02 fired, or fires it; once, and with nothing damaged. */
async function verify(disk: SimDisk, says: string, powerCut: boolean): Promise<void> {
  const { jobs, store } = await open(disk);
  await fire(store, START + 2 * MINUTE + 1);
  await fire(store, START + 2 * MINUTE + 2);
  await jobs.recover();
  assertEquals(await ids(jobs), [ONE, TWO], says);
  assertEquals((await store.get("s"))?.state.lastJobId, TWO, says);
  const taken: string[] = [];
  for (
    let job;
    (job = await jobs.claim({ worker: "w", pid: 9, host: "box" }, START + 3 * MINUTE));
  ) {
    taken.push(job.id);
  }
  assertEquals(taken.sort(), [ONE, TWO], says);
  if (powerCut) await check(DATA, disk, { repair: true });
  const found = await check(DATA, disk, { repair: false });
  assertEquals(found.map(({ path, problem }) => `${path} ${problem}`), [], says);
  await jobs.close();
}

Deno.test("a crash after any file operation of a firing neither loses the time nor fires it twice", async () => {
  const disk = (await prepared()).copyOf();
  const base = disk.copyOf();
  const { jobs, store } = await open(disk);
  disk.log.length = 0;
  assertEquals(await fire(store, START + 2 * MINUTE), ["fire 12:02"]);
  const { log } = disk;
  assert(log.length > 8);
  for (const { disk, says, powerCut } of crashes(base, log)) await verify(disk, says, powerCut);
  await verify(base.afterStrict(log, log.length), "only what was synced", true);
  await jobs.close();
});

Deno.test("a firing goes on where it was when any of its file operations has failed", async () => {
  for (let at = 0;; at++) {
    const disk = (await prepared()).copyOf();
    const { jobs, store } = await open(disk);
    const first = disk.steps;
    let failed = false;
    disk.failure = (_operation, _path, index) => {
      if (index - first !== at) return undefined;
      failed = true;
      return new Error("No space left on device (os error 28)");
    };
    const error = await fire(store, START + 2 * MINUTE).then(() => undefined, (error) => error);
    disk.failure = () => undefined;
    assert(error === undefined || /No space/.test(error.message), `operation ${at}: ${error}`);
    // The same process tries again; or another, when this one is no more.
    const left = disk.copyOf();
    await jobs.close();
    await verify(disk, `operation ${at} failed, tried again`, true);
    await verify(left, `operation ${at} failed, another tries`, true);
    if (!failed) break;
  }
});

Deno.test("a crash while a schedule is changed leaves it as it was, or as it shall be", async () => {
  const replaced = aSchedule({ missed: "skip", createdAt: START + 2 * MINUTE });
  for (const change of ["replace", "add", "remove"] as const) {
    const disk = (await prepared()).copyOf();
    const base = disk.copyOf();
    const { jobs, store } = await open(disk);
    disk.log.length = 0;
    if (change === "replace") await addSchedule(store, replaced, true);
    if (change === "add") await addSchedule(store, { ...replaced, name: "t" }, false);
    if (change === "remove") await store.remove("s");
    await jobs.close();
    const { log } = disk;
    for (const { disk: left, until, names } of crashes(base, log)) {
      const after = await open(left);
      const all = await after.store.list();
      const shown = all.map(({ schedule: { name, missed } }) => `${name} ${missed}`).join();
      const may = { replace: "s skip", add: "s last,t skip", remove: "" }[change];
      if (names === log.length) assertEquals(shown, may);
      else assert([may, "s last"].includes(shown), `${change} after ${until}: ${shown}`);
      assertEquals(await check(DATA, left, { repair: false }), []);
      after.jobs.close();
    }
  }
});

Deno.test("two that fire at one moment, one of them stopped at any operation, fire once", async () => {
  // The one that is stopped holds its lock; the other must not do anything then.
  const disk = (await prepared()).copyOf();
  const one = await open(disk);
  const other = await open(disk);
  const first = disk.steps;
  let isNested = false;
  const others: Promise<string[]>[] = [];
  disk.failure = (_operation, _path, index) => {
    if (isNested || index - first < 2) return undefined;
    isNested = true;
    others.push(fire(other.store, START + 2 * MINUTE));
    isNested = false;
    return undefined;
  };
  const did = await fire(one.store, START + 2 * MINUTE);
  disk.failure = () => undefined;
  const all = [...did, ...(await Promise.all(others)).flat()];
  assertEquals(all, ["fire 12:02"]);
  assert(others.length > 10);
  assertEquals(await ids(one.jobs), [ONE, TWO]);
  one.jobs.close();
  other.jobs.close();
});

Deno.test("a schedule whose last job is damaged is told of, and fires when that is put aside", async () => {
  const disk = (await prepared()).copyOf();
  const { jobs, store } = await open(disk);
  const path = `${DATA}/jobs/s-/${ONE}.jsonl`;
  disk.remove(path);
  disk.create(path, "garbage");
  const error = await fire(store, START + 2 * MINUTE).then(() => undefined, (error) => error);
  assert(error instanceof QueueError);
  await check(DATA, disk, { repair: true });
  assertEquals(await fire(store, START + 2 * MINUTE), ["fire 12:02"]);
  await jobs.close();
});
