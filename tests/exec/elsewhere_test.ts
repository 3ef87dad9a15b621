// Jobs that were started in another PID namespace, or on another machine that shares the folder.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { adopt, mustSee, UnseenError } from "../../src/exec/adopt.ts";
import { aliveOf } from "../../src/exec/journal.ts";
import { isHeld, sightOf } from "../../src/exec/processes.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";
import { readLog, runsIn } from "./work_bench.ts";

const WORKER = new URL("./worker_fixture.ts", import.meta.url).pathname;

const ENTER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

/** Whether a PID namespace may be made here: not in many containers, nor for all users. */
const isPermitted = Deno.build.os === "linux" && await succeeds([...ENTER, "true"]);

async function succeeds([program, ...args]: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program!, { args, stderr: "null" }).output();
    return success;
  } catch {
    return false;
  }
}

Deno.test("isHeld() finds who holds a pipe, also if opening it took too long", async () => {
  if (Deno.build.os !== "linux") return;
  await withTempDir(async (dir) => {
    const pipe = `${dir}/pipe`;
    // A child that another thread of this process has just begun shares what is open here until it
    // executes its program.
    const isLeft = () => waitUntil(async () => await isHeld(pipe) === false);
    assertEquals(await isHeld(pipe), undefined);
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    await isLeft();
    const holder = await Deno.open(pipe, { read: true, write: true });
    assertEquals(await isHeld(pipe), true);
    const { open } = Deno;
    const late = Promise.withResolvers<void>();
    Deno.open = async (path, options) => {
      if (options?.write) await late.promise;
      const file = await open(path, options?.write ? options : { read: true, write: true });
      late.resolve();
      return file;
    };
    try {
      assertEquals(await isHeld(pipe), true);
      holder.close();
      await isLeft();
    } finally {
      Deno.open = open;
    }
  });
});

Deno.test("sightOf() distinguishes what was started elsewhere from what is gone, and counts the unknown as near", async () => {
  if (Deno.build.os !== "linux") return;
  const boot = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  const namespace = Deno.readLinkSync("/proc/self/ns/pid");
  const host = Deno.hostname();
  const table: [string, string, string, string][] = [
    [boot, namespace, host, "near"],
    [boot, namespace, "renamed", "near"],
    [boot, "-", "-", "near"],
    [boot, "pid:[1]", host, "walled"],
    ["other", namespace, host, "gone"],
    ["other", "-", "-", "gone"],
    ["other", namespace, "another", "far"],
  ];
  for (const [boot, namespace, host, sight] of table) {
    assertEquals(await sightOf({ pid: 1, start: "1", boot, namespace, host }), sight);
  }
});

Deno.test("adopt() does not call lost what was started on another machine, and says what to do", () =>
  withTempDir(async (folder) => {
    const journal = `${folder}/w.runs`;
    const run = runsIn(folder)("true");
    const far = `shell 4000000 ${crypto.randomUUID()} 1 pid:[1] elsewhere\n`;
    const begun = `${far}+ ${run.id} 1 ${run.startedAt}\n`;
    // It may be about to begin.
    for (const text of [far, begun]) {
      await Deno.writeTextFile(journal, text);
      for (const look of [() => adopt(journal, run), () => mustSee(journal)]) {
        const error = await assertRejects(look, UnseenError);
        assertStringIncludes(error.message, "was started on elsewhere");
        assertStringIncludes(error.message, `remove ${journal}`);
      }
      const stop = AbortSignal.abort("cancelled");
      await assertRejects(() => adopt(journal, run, stop), UnseenError);
    }
    await Deno.writeTextFile(journal, `${begun}- ${run.id} 1 0\n`);
    await mustSee(journal);
    const ending = await adopt(journal, run);
    assert(ending !== "not_begun" && ending.outcome === "succeeded");
    await Deno.remove(journal);
    await mustSee(journal);
    assertEquals(await adopt(journal, run), "not_begun");
  }));

/** A worker in a PID namespace of its own, killed while its job runs on; `stop` ends all of it. */
async function orphanBehindWall(
  folder: string,
  test: (journal: string, run: ReturnType<ReturnType<typeof runsIn>>, stop: () => void) => unknown,
): Promise<void> {
  const journal = `${folder}/w.runs`;
  const command = `echo on; until [ -e ${folder}/go ]; do sleep 0.05; done; exit 7`;
  const run = runsIn(folder)(command, { timeout: 600 });
  const script = `"$0" run -A ${WORKER} "$1" "$2" & worker=$!;` +
    `until [ -e ${folder}/kill ];do sleep 0.05;done;kill -9 $worker;echo >${folder}/killed;sleep 600`;
  const [program, ...args] = ENTER;
  const inside = new Deno.Command(program!, {
    args: [...args, "sh", "-c", script, Deno.execPath(), journal, JSON.stringify(run)],
    stdin: "null",
    stdout: "null",
  }).spawn();
  try {
    await waitUntil(() => readLog(run.log) === "on\n");
    await Deno.writeTextFile(`${folder}/kill`, "");
    await waitUntil(() => readLog(`${folder}/killed`) !== "");
    await test(journal, run, () => inside.kill("SIGKILL"));
  } finally {
    try {
      inside.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await inside.status;
  }
}

Deno.test({
  name: "adopt() waits for a job in another PID namespace, and says that it cannot end it",
  ignore: !isPermitted,
  fn: () =>
    withTempDir((folder) =>
      orphanBehindWall(folder, async (journal, run) => {
        await mustSee(journal);
        const stop = AbortSignal.abort("cancelled");
        const error = await assertRejects(() => adopt(journal, run, stop), UnseenError);
        assertStringIncludes(error.message, "another container or PID namespace");
        // Its time is up, which can't end it either.
        const adopted = adopt(journal, { ...run, timeout: 0.001 });
        await Deno.writeTextFile(`${folder}/go`, "");
        const ending = await adopted;
        assertEquals(ending === "not_begun" ? ending : ending.exitCode, 7);
      })
    ),
});

Deno.test({
  name:
    "adopt() calls a job lost whose PID namespace is gone, and sees nothing where the pipe is missing",
  ignore: !isPermitted,
  fn: () =>
    withTempDir((folder) =>
      orphanBehindWall(folder, async (journal, run, stop) => {
        await Deno.rename(aliveOf(journal), `${folder}/away`);
        await assertRejects(() => adopt(journal, run), UnseenError, "cannot be seen from here");
        await Deno.rename(`${folder}/away`, aliveOf(journal));
        stop();
        const ending = await adopt(journal, run);
        assertEquals(ending === "not_begun" ? ending : ending.outcome, "lost");
      })
    ),
});
