// The executor for Windows, with fake processes.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { adopt } from "../../src/exec/adopt.ts";
import { openExecutor } from "../../src/exec/open_executor.ts";
import { ShellExecutor } from "../../src/exec/executor.ts";
import { type Child, type Launcher, WindowsExecutor } from "../../src/exec/windows_executor.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";
import { readLog, runsIn } from "./work_bench.ts";

/**
 * One process that prints and then ends with its code, or, without one, when it is killed; its
 * output may stay open.
 */
function fake(printed: string[], code?: number, staysOpen = false) {
  const started: { command: string; cwd: string; env: Record<string, string> }[] = [];
  const end = Promise.withResolvers<{ code: number }>();
  const launcher: Launcher = {
    start(command, cwd, env): Child {
      started.push({ command, cwd, env });
      if (code !== undefined) end.resolve({ code });
      return {
        pid: 42,
        stdout: stream(printed, staysOpen),
        stderr: stream([], staysOpen),
        status: end.promise,
      };
    },
    killTree(pid) {
      assertEquals(pid, 42);
      end.resolve({ code: 1 });
      return Promise.resolve();
    },
  };
  return { launcher, started };
}

function stream(texts: string[], staysOpen: boolean): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(new TextEncoder().encode(text));
      if (!staysOpen) controller.close();
    },
  });
}

Deno.test("WindowsExecutor.run() starts the command in its folder with its environment and keeps what it prints", () =>
  withTempDir(async (folder) => {
    const { launcher, started } = fake(["one\n", "two\n"], 3);
    const variables = { A: "all", S: "store" };
    const executor = new WindowsExecutor({ journal: `${folder}/w.runs`, launcher, variables });
    const run = runsIn(folder)("dir /b", { env: { A: "b" } });
    assertEquals((await executor.run(run)).error, "exit code 3");
    assertEquals(started, [{
      command: "dir /b",
      cwd: folder,
      env: {
        A: "b",
        S: "store",
        QUEUECTL_JOB_ID: "job-1",
        QUEUECTL_ATTEMPT: "1",
        QUEUECTL_WORKER: "worker-1",
      },
    }]);
    assertEquals(readLog(run.log), "one\ntwo\n");
    await executor.close();
  }));

Deno.test("WindowsExecutor.run() caps the log, and waits for no child that keeps the output open", () =>
  withTempDir(async (folder) => {
    const { launcher } = fake(["12345", "67890", "more"], 0, true);
    const run = runsIn(folder)("x", { logMax: 7 });
    const ending = await new WindowsExecutor({ journal: `${folder}/w.runs`, launcher }).run(run);
    assertEquals(ending.outcome, "succeeded");
    assertEquals(
      readLog(run.log),
      "1234567\n[queuectl: log capped at 7 bytes; the rest was dropped]\n",
    );
  }));

Deno.test("WindowsExecutor.run() kills the whole tree at its timeout or when told to stop", () =>
  withTempDir(async (folder) => {
    const newRun = runsIn(folder);
    const late = new WindowsExecutor({
      journal: `${folder}/w.runs`,
      launcher: fake(["on\n"]).launcher,
    });
    assertEquals((await late.run(newRun("x", { timeout: 0.01 }))).outcome, "timed_out");
    const { launcher, started } = fake(["on\n"]);
    const stop = new AbortController();
    const stopped = new WindowsExecutor({ journal: `${folder}/w.runs`, launcher }).run(
      newRun("x"),
      stop.signal,
    );
    await waitUntil(() => started.length > 0);
    stop.abort("released");
    assertEquals((await stopped).outcome, "released");
  }));

Deno.test("WindowsExecutor.run() reports a command that cannot be started", () =>
  withTempDir(async (folder) => {
    const launcher: Launcher = {
      start: () => {
        throw new Deno.errors.NotFound("no such folder");
      },
      killTree: () => Promise.resolve(),
    };
    const ending = await new WindowsExecutor({ journal: `${folder}/w.runs`, launcher }).run(
      runsIn(folder)("x"),
    );
    assertEquals(ending.outcome, "failed");
    assertStringIncludes(ending.error!, "no such folder");
  }));

Deno.test("adopt() calls lost what a dead worker on Windows had begun and not ended", () =>
  withTempDir(async (folder) => {
    const journal = `${folder}/w.runs`;
    const newRun = runsIn(folder);
    const [begun, ended] = [newRun("x"), newRun("y")];
    new WindowsExecutor({ journal, launcher: fake([]).launcher }).run(begun);
    await waitUntil(() => readLog(journal).includes("+"));
    const ending = await adopt(journal, begun);
    assertEquals(ending === "not_begun" ? ending : ending.outcome, "lost");
    assertEquals(await adopt(journal, ended), "not_begun");
    await new WindowsExecutor({ journal, launcher: fake([], 0).launcher }).run(ended);
    assertEquals(await adopt(journal, ended), {
      outcome: "succeeded",
      exitCode: 0,
      signal: null,
      error: null,
    });
  }));

Deno.test("openExecutor() picks the resident shell where there is a POSIX shell", () =>
  withTempDir(async (folder) => {
    const executor = await openExecutor({ journal: `${folder}/w.runs` });
    assertEquals(executor instanceof ShellExecutor, Deno.build.os !== "windows");
    await executor.close();
  }));
