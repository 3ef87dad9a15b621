import { assertEquals } from "@std/assert";
import { diskFiles } from "../../src/system/file_system.ts";
import { checkAll } from "../../src/stores/file/check.ts";
import { Findings } from "../../src/stores/file/findings.ts";
import { prepareFolder } from "../../src/stores/file/prepare_folder.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import { FileWorkers, knownNames } from "../../src/stores/file/workers.ts";
import { MemoryFiles } from "../support/memory_files.ts";
import { withTempDir } from "../support/temp_dir.ts";

for (
  const [how, damage] of [["missing", undefined], ["empty", ""], ["garbage", '{"pid": 1']] as const
) {
  Deno.test(`heartbeat() writes a record anew that is ${how}`, () =>
    withTempDir(async (folder) => {
      Deno.mkdirSync(`${folder}/workers`);
      const lock = FileWorkerLock.join(diskFiles, folder, undefined);
      lock.announce({ pid: 123, host: "here", startedAt: 5000 });
      const record = `${folder}/workers/worker-1.json`;
      Deno.removeSync(record);
      if (damage !== undefined) Deno.writeTextFileSync(record, damage);
      lock.heartbeat();
      assertEquals(
        (await new FileWorkers(folder, diskFiles).live()).map((
          { name, pid, startedAt },
        ) => [name, pid, startedAt]),
        [
          ["worker-1", 123, 5000],
        ],
      );
      lock.leave();
    }));
}

Deno.test("names are in the order in which people count", () =>
  withTempDir((folder) => {
    Deno.mkdirSync(`${folder}/workers`);
    for (
      const name of [
        "worker-10",
        "worker-2",
        "cli-1",
        "supervisor-7",
        "w",
        "worker-1",
        "a9b10",
        "a10b9",
      ]
    ) {
      Deno.writeTextFileSync(`${folder}/workers/${name}.lock`, "");
    }
    assertEquals(knownNames(diskFiles, folder), [
      "a9b10",
      "a10b9",
      "supervisor-7",
      "w",
      "worker-1",
      "worker-2",
      "worker-10",
    ]);
  }));

Deno.test("knownNames() finds workers by what they had at hand and by their journals, and no other files", () =>
  withTempDir((folder) => {
    for (const path of ["workers", "queue/running/a", "queue/running/empty", "queue/running/.x"]) {
      Deno.mkdirSync(`${folder}/${path}`, { recursive: true });
    }
    for (
      const path of [
        "queue/running/a/ticket",
        "queue/running/empty/.DS_Store",
        "queue/running/.DS_Store",
        "queue/running/Thumbs.db",
        "workers/b.runs",
        "workers/c.lock",
        "workers/cli-9.lock",
        "workers/.hidden.lock",
        "workers/x y.lock",
        "workers/note.txt",
      ]
    ) Deno.writeTextFileSync(`${folder}/${path}`, "");
    assertEquals(knownNames(diskFiles, folder), ["a", "b", "c"]);
  }));

Deno.test("a check reports nothing while a worker takes over from a dead one", async () => {
  const files = new MemoryFiles("/data");
  await prepareFolder("/data", files);
  const dead = FileWorkerLock.join(files, "/data", undefined);
  dead.announce({ pid: 123, host: "here", startedAt: 5000 });
  dead.abandon();
  const lock = FileWorkerLock.takeOver(files, "/data", "worker-1")!;
  const findings = new Findings(files, "/data", false);
  const look = () => {
    files.failure = () => undefined;
    checkAll({ dataDir: "/data", files, findings }, () => {});
    files.failure = look;
    return undefined;
  };
  files.failure = look;
  lock.noteRescue();
  files.failure = () => undefined;
  assertEquals((await new FileWorkers("/data", files).find("worker-1"))?.rescued, true);
  assertEquals(findings.all, []);
});

Deno.test("a look at a worker that leaves at this moment makes no file anew", () =>
  withTempDir(async (folder) => {
    await prepareFolder(folder, diskFiles);
    const worker = FileWorkerLock.join(diskFiles, folder, undefined);
    const leaving = {
      ...diskFiles,
      lock(path: string, create?: boolean) {
        worker.leave();
        return diskFiles.lock(path, create);
      },
    };
    assertEquals(await new FileWorkers(folder, leaving).live(), []);
    assertEquals(knownNames(diskFiles, folder), []);
  }));
