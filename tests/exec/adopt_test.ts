// What happens to a job whose worker is killed, as seen by the process that adopts it.

import { assert, assertEquals } from "@std/assert";
import { adopt } from "../../src/exec/adopt.ts";
import { functionsScript, jobScript } from "../../src/exec/job_script.ts";
import { noteKill, readJournal, shellLine } from "../../src/exec/journal.ts";
import type { Run } from "../../src/exec/run.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { needing } from "../support/has_program.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { end, isStopped, lives, numberIn } from "../support/processes.ts";
import { waitUntil } from "../support/wait_until.ts";
import { readLog, runsIn } from "./work_bench.ts";

const WORKER = new URL("./worker_fixture.ts", import.meta.url).pathname;

interface Scene {
  readonly folder: string;
  readonly journal: string;
  /**
   * Runs it in a worker, and kills that when the job has written its pid to the file `pid`, and
   * `when` says so.
   */
  orphan(command: string, more?: Partial<Run>, when?: () => boolean): Promise<Run>;
  /** The id of the shell that runs the orphan. */
  shell(): number;
}

function withWorker(test: (scene: Scene) => Promise<void>): () => Promise<void> {
  return () =>
    withTempDir(async (folder) => {
      const journal = `${folder}/worker.runs`;
      const newRun = runsIn(folder);
      const shell = () => Number(Deno.readTextFileSync(journal).split(" ")[1]);
      try {
        await test({
          folder,
          journal,
          shell,
          async orphan(command, more, when = () => true) {
            const run = newRun(`echo $$ >${folder}/pid; ${command}`, more);
            const worker = new Deno.Command(Deno.execPath(), {
              args: ["run", "-A", WORKER, journal, JSON.stringify(run)],
              stdin: "null",
              stdout: "null",
            }).spawn();
            try {
              await waitUntil(() => numberIn(`${folder}/pid`) > 0 && when());
            } finally {
              worker.kill("SIGKILL");
              await worker.status;
            }
            return run;
          },
        });
      } finally {
        end(numberIn(`${folder}/pid`));
      }
    });
}

Deno.test(
  "adopt() waits for a job that goes on without its worker, and reports its exit code",
  withWorker(async ({ folder, journal, orphan, shell }) => {
    const run = await orphan(
      "echo before; until [ -e go ]; do sleep 0.02; done; echo after; exit 7",
    );
    const adopted = adopt(journal, run);
    assert(lives(numberIn(`${folder}/pid`)));
    await Deno.writeTextFile(`${folder}/go`, "");
    assertEquals(await adopted, {
      outcome: "failed",
      exitCode: 7,
      signal: null,
      error: "exit code 7",
    });
    assertEquals(readLog(run.log), "before\nafter\n");
    await waitUntil(() => !lives(shell()));
    assertEquals(await adopt(journal, run), await adopted);
  }),
);

Deno.test(
  "adopt() waits for a job whose number was another one before its file was damaged",
  withWorker(async ({ folder, journal, orphan }) => {
    const run = await orphan("until [ -e go ]; do sleep 0.02; done; exit 7", { attempt: 4 });
    const adopted = adopt(journal, { ...run, attempt: 2 });
    assert(lives(numberIn(`${folder}/pid`)));
    await Deno.writeTextFile(`${folder}/go`, "");
    const ending = await adopted;
    assert(ending !== "not_begun");
    assertEquals(ending.exitCode, 7);
  }),
);

Deno.test(
  "adopt() ends a job whose number was another one before its file was damaged",
  withWorker(async ({ folder, journal, orphan }) => {
    const command = "sleep 60 & echo $! >child; trap '' TERM; while :; do sleep 0.02; done";
    const run = await orphan(command, { attempt: 4, killGrace: 0.1 });
    await waitUntil(() => numberIn(`${folder}/child`) > 0);
    await adopt(journal, { ...run, attempt: 2 }, AbortSignal.abort("cancelled"));
    for (const name of ["pid", "child"]) assert(!lives(numberIn(`${folder}/${name}`)), name);
  }),
);

Deno.test(
  "adopt() keeps the timeout, which counts from the begin of the attempt",
  withWorker(async ({ folder, journal, orphan }) => {
    const run = await orphan("sleep 60 & echo $! >child; sleep 60", {
      timeout: 1000,
      startedAt: Date.now() - 999_500,
    });
    await waitUntil(() => numberIn(`${folder}/child`) > 0);
    const { outcome, error, exitCode } = await adopt(journal, run) as Exclude<
      Awaited<ReturnType<typeof adopt>>,
      string
    >;
    assertEquals([outcome, error, exitCode], ["timed_out", "timed out after 1000s", 143]);
    for (const name of ["pid", "child"]) assert(!lives(numberIn(`${folder}/${name}`)), name);
  }),
);

Deno.test(
  "adopt() ends the attempt when it is told to stop, also one that ignores SIGTERM",
  withWorker(async ({ folder, journal, orphan }) => {
    const run = await orphan("trap '' TERM; while :; do sleep 0.02; done", { killGrace: 0.1 });
    const stop = new AbortController();
    const adopted = adopt(journal, run, stop.signal);
    stop.abort("cancelled");
    assertEquals(await adopted, {
      outcome: "cancelled",
      exitCode: 137,
      signal: "SIGKILL",
      error: "cancelled while it ran",
    });
    assert(!lives(numberIn(`${folder}/pid`)));
  }),
);

Deno.test(
  "adopt() goes on ending an attempt whose worker was killed while it did, for the same reason",
  withWorker(async ({ folder, journal, orphan }) => {
    const run = await orphan("trap '' TERM; while :; do sleep 0.02; done", { killGrace: 0.1 });
    noteKill(diskFiles, journal, run, "released");
    assertEquals(await adopt(journal, run), {
      outcome: "released",
      exitCode: 137,
      signal: "SIGKILL",
      error: "stopped before its end and handed back",
    });
    assert(!lives(numberIn(`${folder}/pid`)));
    // And also whoever comes when it has ended.
    const ending = await adopt(journal, run, AbortSignal.abort("cancelled"));
    assert(ending !== "not_begun");
    assertEquals(ending.outcome, "released");
  }),
);

Deno.test(
  "ShellExecutor notes why it ends an attempt, so that a worker may be killed at any moment of that",
  withWorker(async ({ folder, journal, orphan, shell }) => {
    // The job goes on after SIGTERM, so that the worker is killed between that and the end.
    const run = await orphan(
      `trap 'echo told >${folder}/told' TERM; while :; do sleep 0.02; done`,
      { timeout: 0.1, killGrace: 60 },
      () => exists(`${folder}/told`),
    );
    Deno.kill(numberIn(`${folder}/pid`), "SIGKILL");
    const ending = await adopt(journal, { ...run, timeout: 60 });
    assert(ending !== "not_begun");
    assertEquals([ending.outcome, ending.exitCode], ["timed_out", 137]);
    await waitUntil(() => !lives(shell()));
  }),
);

Deno.test(
  "adopt() calls an attempt lost whose shell is gone too, and leaves nothing of it running",
  withWorker(async ({ folder, journal, orphan, shell }) => {
    const run = await orphan("trap '' TERM; while :; do sleep 0.02; done", { killGrace: 0.1 });
    Deno.kill(shell(), "SIGKILL");
    const ending = await adopt(journal, run);
    assert(ending !== "not_begun");
    assertEquals([ending.outcome, ending.exitCode], ["lost", null]);
    assert(!lives(numberIn(`${folder}/pid`)));
    assertEquals(await adopt(journal, { ...run, id: "another" }), "not_begun");
    assertEquals(await adopt(journal, { ...run, startedAt: run.startedAt + 1 }), "not_begun");
  }),
);

Deno.test({
  name: "adopt() waits for an attempt whose journal is gone or damaged, and can end it",
  ignore: Deno.build.os !== "linux",
  fn: withWorker(async ({ folder, journal, orphan, shell }) => {
    // What the shell writes after that tells how it ended, where it can be read.
    const damages: [string | undefined, "lost" | "succeeded"][] = [
      [undefined, "lost"],
      ["", "succeeded"],
      ["shell 1", "lost"],
      ["\0\xff rubbish\n", "succeeded"],
    ];
    for (const [damage, outcome] of damages) {
      const run = await orphan("until [ -e go ]; do sleep 0.02; done; echo to the end");
      const pids = [shell(), numberIn(`${folder}/pid`)];
      if (damage === undefined) await Deno.remove(journal);
      else await Deno.writeTextFile(journal, damage);
      let looks = 0;
      const files = {
        ...diskFiles,
        readText: (path: string) => (looks++, diskFiles.readText(path)),
      };
      const adopted = adopt(journal, run, undefined, files).finally(() => looks = Infinity);
      await waitUntil(() => looks > 2); // it has found the job by then
      await Deno.writeTextFile(`${folder}/go`, "");
      const ending = await adopted;
      assert(ending !== "not_begun");
      assertEquals([ending.outcome, readLog(run.log)], [outcome, "to the end\n"]);
      // The shell writes how the job ended, and ends a moment later.
      await waitUntil(() => pids.every((pid) => !lives(pid)), "the job and its shell have ended");
      const again = await adopt(journal, run);
      const expected = outcome === "lost" ? "not_begun" : outcome;
      assertEquals(again === "not_begun" ? again : again.outcome, expected);
      for (const name of ["go", "pid"]) await Deno.remove(`${folder}/${name}`);
    }
    const run = await orphan("trap '' TERM; while :; do sleep 0.02; done", { killGrace: 0.1 });
    await Deno.remove(journal);
    const ending = await adopt(journal, run, AbortSignal.abort("released"));
    assert(ending !== "not_begun");
    assertEquals(ending.outcome, "released");
    assert(!lives(numberIn(`${folder}/pid`)));
  }),
});

Deno.test({
  ...needing(
    // Where there is no setsid, as on macOS, sessions can't be seen.
    ["bash", "setsid"],
    "adopt() ends a job that has cleared its environment and whose shell is dead",
  ),
  fn: withWorker(async ({ folder, journal, orphan, shell }) => {
    const run = await orphan("exec env -i sleep 60");
    await waitUntil(
      () => Deno.readTextFileSync(journal).includes("\n= "),
      "its group is on record",
    );
    end(shell());
    const ending = await adopt(journal, run);
    assertEquals(ending !== "not_begun" && ending.outcome, "lost");
    assert(!lives(numberIn(`${folder}/pid`)));
  }),
});

Deno.test("adopt() neither waits for nor signals another process that has the shell's id now", () =>
  withTempDir(async (folder) => {
    const journal = `${folder}/w.runs`;
    const run = runsIn(folder)("true");
    const stranger = new Deno.Command("setsid", { args: ["sleep", "60"], stdin: "null" }).spawn();
    const boot = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
    const begun = `+ ${run.id} 1 ${run.startedAt}\n`;
    try {
      for (
        const identity of [`${boot} 1`, `${crypto.randomUUID()} ${startOf(stranger.pid)}`, `- 1`]
      ) {
        await Deno.writeTextFile(journal, `shell ${stranger.pid} ${identity}\n${begun}`);
        const ending = await adopt(journal, { ...run, killGrace: 0 });
        assert(ending !== "not_begun");
        assertEquals(ending.outcome, "lost", identity);
        assert(lives(stranger.pid));
      }
    } finally {
      stranger.kill("SIGKILL");
      await stranger.status;
    }
  }));

Deno.test({
  ...needing(
    ["bash", "setsid"],
    "a job that has cleared its environment is on record before it begins, whenever its shell dies",
  ),
  fn: () =>
    withTempDir(async (folder) => {
      const journal = `${folder}/w.runs`;
      const run = runsIn(folder)(`exec env -i /bin/sh -c 'echo $$ >pid; exec sleep 60'`);
      const shell = new Deno.Command("setsid", { args: ["bash", "-p", "-s"], stdin: "piped" })
        .spawn();
      const input = shell.stdin.getWriter();
      try {
        const identity = { ...NOWHERE, pid: shell.pid, start: startOf(shell.pid) };
        await Deno.writeTextFile(journal, shellLine(identity) + "\n");
        // The shell dies as soon as anybody is about to record the group.
        const script = `exec 3>&1 >>${journal}\n` +
          `echo() { case $1 in =*) kill -9 $$;;esac;builtin echo "$@";}\n` +
          functionsScript("bash", { identity, umask: "0022", setsid: "" }, journal) +
          jobScript(run, journal, "bash");
        await input.write(new TextEncoder().encode(script));
        await shell.status;
        await waitUntil(() => numberIn(`${folder}/pid`) > 0, "the job goes on");
        assertEquals(readJournal(diskFiles, journal, run).group, numberIn(`${folder}/pid`));
      } finally {
        end(numberIn(`${folder}/pid`));
        end(shell.pid);
        await input.abort().catch(() => {});
      }
    }),
});

const NOWHERE = { pid: 0, boot: "-", start: "-", namespace: "-", host: "-" };

/** Runs a test with a process that stands for the shell of a dead worker, and its run. */
function withShellLike(
  script: string,
  test: (scene: { pid: number; journal: string; run: Run; begun: string }) => Promise<void>,
): () => Promise<void> {
  return () =>
    withTempDir(async (folder) => {
      const journal = `${folder}/w.runs`;
      const run = runsIn(folder)("true", { killGrace: 0 });
      const shell = new Deno.Command("setsid", { args: ["/bin/sh", "-c", script], stdin: "null" })
        .spawn();
      try {
        const boot = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
        const line = `shell ${shell.pid} ${boot} ${startOf(shell.pid)} - -\n`;
        await Deno.writeTextFile(journal, line);
        const begun = `+ ${run.id} 1 ${run.startedAt}\n`;
        await test({ pid: shell.pid, journal, run, begun });
      } finally {
        end(shell.pid);
        await shell.status;
      }
    });
}

const onLinux = { ignore: Deno.build.os !== "linux" };

Deno.test({
  ...onLinux,
  name: "adopt() resumes a suspended shell that has not begun the attempt, so that it ends",
  fn: withShellLike("kill -STOP $$", async ({ pid, journal, run }) => {
    await waitUntil(() => isStopped(pid));
    assertEquals(await adopt(journal, run), "not_begun");
    assert(!lives(pid));
  }),
});

Deno.test({
  ...onLinux,
  name: "adopt() ends a shell that hangs before it has begun the attempt when it is told to stop",
  fn: withShellLike("exec sleep 600", async ({ pid, journal, run }) => {
    assertEquals(await adopt(journal, run, AbortSignal.abort("cancelled")), "not_begun");
    assert(!lives(pid));
  }),
});

Deno.test({
  ...onLinux,
  name: "adopt() leaves no shell that hangs after it has ended what that ran",
  fn: withShellLike("exec sleep 600", async ({ pid, journal, run, begun }) => {
    await Deno.writeTextFile(journal, begun, { append: true });
    // It gives up after ten seconds, by a clock that is set forward here.
    const now = performance.now;
    const ahead = performance.now() + 200;
    performance.now = () => now.call(performance) + (now.call(performance) > ahead ? 60_000 : 0);
    try {
      const ending = await adopt(journal, run, AbortSignal.abort("cancelled"));
      assertEquals(ending !== "not_begun" && ending.outcome, "cancelled");
    } finally {
      performance.now = now;
    }
    await waitUntil(() => !lives(pid), "the shell has ended");
  }),
});

Deno.test("adopt() uses the journal, and ignores a line that is cut off", () =>
  withTempDir(async (folder) => {
    const journal = `${folder}/w.runs`;
    const run = runsIn(folder)("true", { startedAt: 1700000000000 });
    const gone = "shell 4000000 - 1\n";
    const begun = `${gone}+ ${run.id} 1 1700000000000\n`;
    const table: [string | undefined, string][] = [
      [undefined, "not_begun"],
      ["", "not_begun"],
      ["shell 1 ", "not_begun"],
      [gone, "not_begun"],
      [`${gone}+ ${run.id} 1 17000`, "not_begun"],
      [`${gone}+ ${run.id}x 1 1700000000000\n`, "not_begun"],
      [begun, "lost"],
      [`${begun}- ${run.id} 1 0`, "lost"],
      [`${begun}- ${run.id} 1 0\n`, "succeeded"],
      [`${begun}- ${run.id} 1 9\n+ next 1 1700000000000\n`, "failed"],
      [`${begun}! ${run.id} 1 folder\n`, "failed"],
      // Those of a job that had the id before.
      [`${gone}+ ${run.id} 1 1600000000000\n- ${run.id} 1 0\n`, "not_begun"],
      [`${gone}+ ${run.id} 1 1600000000000\n- ${run.id} 1 0\n${begun.slice(gone.length)}`, "lost"],
      [`${begun}- ${run.id} 1 3\n+ ${run.id} 1 1800000000000\n- ${run.id} 1 0\n`, "failed"],
      [`${begun}+ next 1 1700000000000\n- ${run.id} 1 0\n`, "lost"],
      [`${begun}x ${run.id} 1 1700000000000 released\n`, "released"],
      [`${begun}x ${run.id} 1 1700000000000 timed_out\n- ${run.id} 1 143\n`, "timed_out"],
      [`${begun}x ${run.id} 1 1700000000000 released\n! ${run.id} 1 late\n`, "not_begun"],
      [`${gone}\0\xff rubbish\n\n+\n${begun}`, "lost"],
    ];
    for (const [text, expected] of table) {
      if (text !== undefined) await Deno.writeTextFile(journal, text);
      const ending = await adopt(journal, run);
      assertEquals(ending === "not_begun" ? ending : ending.outcome, expected, text);
    }
  }));

Deno.test("ShellExecutor leaves an end to each run that began, whenever its worker is killed", () =>
  withTempDir(async (folder) => {
    const newRun = runsIn(folder);
    for (const last of [1, 5, 23]) {
      const journal = `${folder}/${last}.runs`;
      const runs = Array.from({ length: 300 }, () => newRun("exit 3"));
      const worker = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", WORKER, journal, ...runs.map((run) => JSON.stringify(run))],
        stdin: "null",
        stdout: "null",
      }).spawn();
      await waitUntil(() => exists(runs[last]!.log));
      worker.kill("SIGKILL");
      await worker.status;
      const outcomes = await Promise.all(runs.map((run) => adopt(journal, run)));
      const ended = outcomes.findIndex((outcome) => outcome === "not_begun");
      assert(ended > last && ended < runs.length, String(ended));
      for (const outcome of outcomes.slice(0, ended)) {
        assert(outcome !== "not_begun" && outcome.exitCode === 3);
      }
      for (const outcome of outcomes.slice(ended)) assertEquals(outcome, "not_begun");
      for (const run of runs.slice(ended)) assertEquals(readLog(run.log), "");
    }
  }));

/** Field 22 of the process's record. */
function startOf(pid: number): string {
  return Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ")[19]!;
}

function exists(path: string): boolean {
  return Array.from(Deno.readDirSync(path.slice(0, path.lastIndexOf("/")))).some(({ name }) =>
    path.endsWith(`/${name}`)
  );
}
