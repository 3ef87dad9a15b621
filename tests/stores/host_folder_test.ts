// The folder of a host: when those of earlier starts of the machine go.
import { assertEquals } from "@std/assert";
import { removeOldFolders, tidyOutput } from "../../src/stores/shared/host_folder.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, anAttempt, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

const DAY = 24 * 3600 * 1000;

Deno.test("removeOldFolders() removes what gave no sign of life for a week, and nothing else", () =>
  withTempDir((dir) => {
    const make = (name: string) => {
      Deno.mkdirSync(`${dir}/${name}/workers`, { recursive: true });
      Deno.mkdirSync(`${dir}/${name}/output`);
      Deno.writeTextFileSync(`${dir}/${name}/host`, "id\n");
      Deno.writeTextFileSync(`${dir}/${name}/output/a.1.log`, "what it said");
      Deno.writeTextFileSync(`${dir}/${name}/workers/worker-1.lock`, "");
    };
    const [own, gone, living, locked] = ["aa-1_1", "aa-2_1", "aa-3_1", "aa-4_7"];
    for (const name of [own, gone, living, locked]) make(name);
    make("not-a-host");
    Deno.writeTextFileSync(`${dir}/start.log`, "");
    Deno.symlinkSync(`${dir}/not-a-host`, `${dir}/aa-5_1`);
    const in8Days = Date.now() + 8 * DAY;
    Deno.writeTextFileSync(`${dir}/${living}/deadline`, "1 60 7 1\n");
    Deno.utimeSync(`${dir}/${living}/deadline`, new Date(in8Days), new Date(in8Days - DAY));
    const lock = diskFiles.lock(`${dir}/${locked}/workers/worker-1.lock`)!;
    const left = (now: number) => {
      removeOldFolders(diskFiles, `${dir}/${own}`, now);
      return Array.from(Deno.readDirSync(dir), ({ name }) => name).sort().join();
    };
    const all = "aa-1_1,aa-2_1,aa-3_1,aa-4_7,aa-5_1,not-a-host,start.log";
    assertEquals(left(Date.now()), all);
    assertEquals(left(in8Days), all.replace("aa-2_1,", ""));
    lock.release();
    assertEquals(left(in8Days), "aa-1_1,aa-3_1,aa-5_1,not-a-host,start.log");
    // What a link points at is left alone, and what is gone does not come back.
    assertEquals(Array.from(Deno.readDirSync(`${dir}/not-a-host`)).length, 3);
  }));

Deno.test("tidyOutput() sends what jobs have left that do not run any more", () =>
  withTempDir(async (dir) => {
    Deno.mkdirSync(`${dir}/output`);
    const said = {
      "a.b.1.log": "one",
      "a.b.12.log": "two",
      "runs.1.log": "on",
      "none.1.log": "",
      "again.1.log": "by an earlier job of that id",
      "begun.1.log": "since the ids were read",
      "gone.1.log": "by a job that was removed",
    };
    const [begun, ended] = anAttempt("default", "failed", EPOCH, EPOCH);
    const [attempt] = ended.history;
    const jobs = [
      { ...ended, id: "a.b", history: [attempt!, { ...attempt!, attempt: 12 }] },
      { ...begun, id: "begun" },
      aJob({ id: "again" }),
    ];
    for (const [name, text] of Object.entries(said)) {
      Deno.writeTextFileSync(`${dir}/output/${name}`, text);
    }
    const sent: string[] = [];
    await tidyOutput(
      diskFiles,
      dir,
      () => Promise.resolve(new Set(["runs"])),
      (id) => Promise.resolve(jobs.find((job) => job.id === id)),
      (id, attempt) => Promise.resolve(void sent.push(`${id} ${attempt}`)),
    );
    assertEquals(sent.sort(), ["a.b 1", "a.b 12"]);
    const left = Array.from(Deno.readDirSync(`${dir}/output`), ({ name }) => name);
    assertEquals(left.sort(), ["a.b.1.log", "a.b.12.log", "begun.1.log", "runs.1.log"]);
  }));
