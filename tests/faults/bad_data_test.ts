// Every file of a data folder damaged in every way, one at a time: the other jobs still work, the
// check finds and names the damage, the repair repairs it or sets it aside, and no other job is
// lost.
import { assert, assertEquals } from "@std/assert";
import { FileSettings } from "../../src/stores/file/settings.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { cancelled, ended, retried } from "../../src/queue/transitions.ts";
import { backup } from "../../src/stores/file/backup.ts";
import { check } from "../../src/stores/file/check.ts";
import { restore } from "../../src/stores/file/restore.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

const NOW = EPOCH + 100_000;
const IDS = ["pending", "later", "done", "failed", "dead", "off", "blocked"] as const;
const BY = { worker: "worker-1", pid: 7, host: "box" };

/** Makes a data folder that has a file of each kind. */
async function makeData(dir: string): Promise<void> {
  Deno.mkdirSync(dir, { mode: 0o700 });
  const store = await openFileStore(dir, { files: diskFiles, now: () => NOW });
  for (
    const [id, outcome] of [["done", "succeeded"], ["failed", "failed"], [
      "dead",
      "timed_out",
    ]] as const
  ) {
    await store.add([aJob({ id, maxRetries: id === "dead" ? 0 : 3 })]);
    await store.claim(BY, NOW - 900);
    await changeAs(
      store,
      BY.worker,
      id,
      (job) => ended(job, anEnding(outcome), { base: 2, max: 60 }, NOW - 800),
    );
    diskFiles.create(`${dir}/jobs/${id.slice(0, 2)}/${id}.1.log`, "printed\n");
  }
  await store.add([aJob({ id: "off" })]);
  await store.change("off", (job) => cancelled(job, NOW - 700));
  await store.add([
    aJob({ id: "pending" }),
    aJob({ id: "later", sequence: 1, runAt: NOW + 60_000 }),
    aJob({ id: "blocked", sequence: 2, after: ["later"] }),
  ]);
  await new FileSettings(dir, diskFiles).merge({ max_retries: 7 });
  for (const name of ["worker-1.json", "worker-1.lock", "worker-1.runs"]) {
    diskFiles.create(`${dir}/workers/${name}`, name.endsWith(".json") ? "{}\n" : "");
  }
  diskFiles.create(`${dir}/control/pending.cancel`, "cancel\n");
  await store.close();
}

/** All files below a folder, by their paths from it. */
function filesBelow(dir: string, path = ""): string[] {
  return [...Deno.readDirSync(`${dir}/${path}`)].flatMap((entry) => {
    const name = path === "" ? entry.name : `${path}/${entry.name}`;
    return entry.isDirectory ? filesBelow(dir, name) : [name];
  }).sort();
}

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  emptied: (path) => Deno.truncateSync(path, 0),
  "cut in half": (path) => Deno.truncateSync(path, Math.floor(Deno.statSync(path).size / 2)),
  garbage: (path) => Deno.writeFileSync(path, new Uint8Array([0, 255, 10, 13, 123, 200, 0, 34])),
  "replaced by garbage": (path) => {
    Deno.removeSync(path);
    Deno.writeTextFileSync(path, "not what it was\n");
  },
  "replaced by a folder": (path) => {
    Deno.removeSync(path);
    Deno.mkdirSync(path);
  },
  "replaced by a link to elsewhere": (path) => {
    Deno.removeSync(path);
    Deno.symlinkSync("/etc/passwd", path);
  },
  deleted: (path) => Deno.removeSync(path),
};

/** The job that a file belongs to, whose loss is the most that damage to it may cost. */
function ownerOf(path: string): string | undefined {
  return IDS.find((id) => path.includes(`/${id}.`) || path.endsWith(`.${id}`));
}

/**
 * What jobs there are, and whether all that can run does; damaged ones are left out, as `list`
 * does.
 */
async function useAll(dir: string): Promise<string[]> {
  const store = await openFileStore(dir, { files: diskFiles, now: () => NOW });
  try {
    const ids = (await Array.fromAsync(store.list({}))).map((job) => job.id);
    assertEquals(ids.length, new Set(ids).size, "no job is listed twice");
    await store.count();
    for (const id of IDS) {
      await store.get(id).catch((error) => assert(error instanceof QueueError, String(error)));
    }
    await store.add([aJob({ id: `new-${crypto.randomUUID()}` })]);
    await store.recover();
    let job;
    while ((job = await store.claim(BY, NOW + 1000)) !== undefined) {
      await changeAs(
        store,
        BY.worker,
        job.id,
        (job) => ended(job, anEnding("succeeded"), { base: 2, max: 60 }, NOW + 1000),
      );
    }
    return ids.filter((id) => !id.startsWith("new-")).sort();
  } finally {
    await store.close();
  }
}

for (const [damage, apply] of Object.entries(DAMAGES)) {
  Deno.test(`a file of the data folder that is ${damage} costs that file at most`, () =>
    withTempDir(async (dir) => {
      await makeData(`${dir}/original`);
      for (const path of filesBelow(`${dir}/original`)) {
        const data = `${dir}/data`;
        await copyFolder(`${dir}/original`, data);
        apply(`${data}/${path}`);
        const says = `${path} ${damage}`;
        const owner = ownerOf(path);
        const others = IDS.filter((id) => id !== owner);
        const before = await useAll(data).catch((error) => {
          throw new Error(`${says}: ${error.message}`, { cause: error });
        });
        assertEquals(
          others.filter((id) => !before.includes(id)),
          [],
          `${says}: the other jobs are there`,
        );

        const found = await check(data, diskFiles, { repair: false });
        if (mustBeFound(path, damage, data)) {
          assert(found.length > 0, `${says}: the check finds it`);
        }
        const mended = await check(data, diskFiles, { repair: true });
        assertEquals(
          mended.filter(({ repaired }) => repaired === null),
          [],
          `${says}: all is mended`,
        );
        const left = (await check(data, diskFiles, { repair: true })).length === 0
          ? []
          : await check(data, diskFiles, { repair: false });
        assertEquals(left, [], `${says}: clean after the repair`);
        const after = await useAll(data);
        assertEquals(
          before.filter((id) => !after.includes(id)),
          [],
          `${says}: the repair loses no job`,
        );
        Deno.removeSync(data, { recursive: true });
      }
    }));
}

/**
 * Damage that leaves a trace. A log may say anything; what is not there may never have been; what
 * ended well is used up.
 */
function mustBeFound(path: string, damage: string, data: string): boolean {
  const isJob = path.endsWith(".jsonl");
  if (diskFiles.info(`${data}/${path}`) === undefined && damage !== "deleted") return false; // used up meanwhile
  if (path.endsWith(".log")) return damage === "replaced by a folder" || damage.includes("link");
  if (isJob) {
    return ["emptied", "garbage", "replaced by garbage", "replaced by a folder"].includes(damage) ||
      damage.includes("link");
  }
  return path === "config.json" && damage !== "deleted" && damage !== "cut in half";
}

async function copyFolder(from: string, to: string): Promise<void> {
  // Keeps links between files, which tickets are.
  const { success } = await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  assert(success);
}

Deno.test("an unexpected file in each folder is found, set aside unchanged, and does no harm", () =>
  withTempDir(async (dir) => {
    await makeData(`${dir}/original`);
    const folders = [
      ...new Set(
        filesBelow(`${dir}/original`).map((path) =>
          path.slice(0, Math.max(0, path.lastIndexOf("/")))
        ),
      ),
    ];
    assert(folders.length > 12);
    const names = ["README", "a\nb", "..x", "-rf", ".hidden", "ünï cödé", "x.jsonl", "worker.tmp~"];
    for (const folder of folders) {
      for (const [index, name] of names.entries()) {
        const data = `${dir}/data-${folder.replaceAll("/", "_")}-${index}`;
        await copyFolder(`${dir}/original`, data);
        const path = `${data}/${folder}/${name}`;
        Deno.writeTextFileSync(path, "mine\n");
        assertEquals(await useAll(data), [...IDS].sort(), path);
        const found = await check(data, diskFiles, { repair: false });
        const isOurs = folder.startsWith("damaged");
        if (!isOurs && diskFiles.info(path)) {
          assert(found.some((one) => one.path === path.replace("//", "/")), `${path} is found`);
        }
        await check(data, diskFiles, { repair: true });
        assertEquals(await check(data, diskFiles, { repair: false }), [], `${path}: clean`);
        const aside = diskFiles.info(`${data}/damaged/${name}`) ?? diskFiles.info(path);
        assert(aside !== undefined, `${path} is still there`);
        assertEquals(await useAll(data), [...IDS].sort(), path);
      }
    }
  }));

Deno.test("a .DS_Store in every folder at once does no harm, and is found and set aside", () =>
  withTempDir(async (dir) => {
    const data = `${dir}/data`;
    await makeData(data);
    const holding = await openFileStore(data, { files: diskFiles, now: () => NOW });
    await holding.add([aJob({ id: "held", priority: 9 })]);
    assertEquals((await holding.claim(BY, NOW))?.id, "held");
    const folders = foldersBelow(data);
    assert(folders.includes("queue/running/worker-1") && folders.includes("jobs"));
    for (const folder of folders) Deno.writeTextFileSync(`${data}/${folder}/.DS_Store`, "Bud1");

    const store = await openFileStore(data, { files: diskFiles, now: () => NOW });
    await store.recover();
    assertEquals(await store.findIdsByPrefix("pend", 9), ["pending"]);
    assertEquals(await store.findIdsByPrefix("", 99).then((ids) => ids.length), IDS.length + 1);
    await store.change("dead", (job) => retried(job, NOW));
    await store.change("later", (job) => cancelled(job, NOW));
    assertEquals((await store.count()).processing, 1);
    await store.close();
    await changeAs(
      holding,
      BY.worker,
      "held",
      (job) => ended(job, anEnding("succeeded"), { base: 2, max: 60 }, NOW),
    );
    await holding.close();
    const { jobs, leftOut } = backup(data, `${dir}/copy`, diskFiles);
    assertEquals([jobs, leftOut], [IDS.length + 1, []]);
    Deno.mkdirSync(`${dir}/other`);
    assertEquals((await restore(`${dir}/other`, `${dir}/copy`, diskFiles)).jobs, jobs);

    // A sealed bucket that was opened meanwhile has lost the count in its name.
    const unsealed = (path: string) => path.replace("//", "/").replace(/\+\d+/, "");
    const found = (await check(data, diskFiles, { repair: false })).map(({ path }) =>
      unsealed(path)
    );
    for (const folder of folders.filter((folder) => folder !== "damaged")) {
      assert(found.includes(unsealed(`${data}/${folder}/.DS_Store`)), folder);
    }
    await check(data, diskFiles, { repair: true });
    assertEquals(await check(data, diskFiles, { repair: false }), []);
    await useAll(data);
  }));

/** All folders of a data folder, by their paths from it. */
function foldersBelow(dir: string, path = ""): string[] {
  const below = [...Deno.readDirSync(`${dir}/${path}`)].filter((entry) => entry.isDirectory)
    .flatMap((entry) => foldersBelow(dir, path === "" ? entry.name : `${path}/${entry.name}`));
  return [path, ...below];
}
