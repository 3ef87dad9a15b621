// Much output, and the cap on what a log may hold.

import { assert, assertEquals } from "@std/assert";
import { end, numberIn } from "../support/processes.ts";
import { waitUntil } from "../support/wait_until.ts";
import { functionsScript } from "../../src/exec/job_script.ts";
import { pipeOf } from "../../src/exec/journal.ts";
import { shellWord } from "../../src/system/shell_word.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { readLog, withExecutor } from "./work_bench.ts";

const note = (bytes: number) =>
  `\n[queuectl: log capped at ${bytes} bytes; the rest was dropped]\n`;

Deno.test(
  "ShellExecutor.run() keeps the first logMax bytes and says that it dropped the rest",
  withExecutor(async ({ run }) => {
    const table: [number, number][] = [[10, 1], [10, 11], [1000, 1001], [512, 513], [
      1024,
      5_000_000,
    ], [
      70_000,
      200_000,
    ]];
    for (const [logMax, printed] of table) {
      const { outcome, log } = await run(`yes x | tr -d '\\n' | head -c ${printed}`, { logMax });
      assertEquals(outcome, "succeeded");
      assertEquals(
        log,
        "x".repeat(Math.min(logMax, printed)) + (printed > logMax ? note(logMax) : ""),
      );
    }
    for (const size of [0, 9, 10]) {
      const { log } = await run(`printf '%.${size}s' xxxxxxxxxx; exit 4`, { logMax: 10 });
      assertEquals(log, "x".repeat(size));
    }
    assertEquals((await run("echo out; echo err >&2; exit 4", { logMax: 100 })).exitCode, 4);
  }),
);

Deno.test(
  "ShellExecutor.run() passes capped output on as it comes",
  withExecutor(async ({ folder, run, newRun }) => {
    const { log } = newRun("");
    const running = run(`echo first; until [ -e go ]; do sleep 0.02; done`, { log, logMax: 1000 });
    await waitUntil(() => readLog(log) === "first\n");
    await Deno.writeTextFile(`${folder}/go`, "");
    assertEquals((await running).outcome, "succeeded");
  }),
);

Deno.test(
  "ShellExecutor.run() with a cap waits for no background child, and caps that child too",
  withExecutor(async ({ folder, run }) => {
    const begin = performance.now();
    const command =
      `(until [ -e go ]; do sleep 0.02; done; yes | head -c 2000; exec sleep 60) & echo $! >pid; echo done`;
    const log = `${folder}/left.log`;
    assertEquals((await run(command, { log, logMax: 10 })).log, "done\n");
    assert(performance.now() - begin < 30_000);
    assertEquals((await run("echo next", { logMax: 10 })).log, "next\n");
    await Deno.writeTextFile(`${folder}/go`, "");
    await waitUntil(() => readLog(log) === "done\ny\ny\ny" + note(10));
    end(numberIn(`${folder}/pid`));
  }),
);

Deno.test(
  "ShellExecutor.run() kills a job with a capped log and keeps what it had printed",
  withExecutor(async ({ run }) => {
    const { outcome, log } = await run("echo before; yes", { timeout: 0.3, logMax: 20 });
    assertEquals(outcome, "timed_out");
    assertEquals(log, "before\ny\ny\ny\ny\ny\ny\ny" + note(20));
    const stubborn = await run("trap '' TERM; echo before; while :; do sleep 0.05; done", {
      timeout: 0.2,
      killGrace: 0.2,
      logMax: 20,
    });
    assert(stubborn.log.startsWith("before\n"), stubborn.log);
  }),
);

Deno.test(
  "ShellExecutor.run() takes gigabytes of output without holding them",
  withExecutor(async ({ run }) => {
    // What this file's isolate holds: other files run beside it in the same process.
    const held = () => {
      const { heapUsed, external } = Deno.memoryUsage();
      return heapUsed + external;
    };
    const before = held();
    assertEquals(
      (await run("head -c 2000000000 /dev/zero", { logMax: 1_000_000 })).outcome,
      "succeeded",
    );
    assertEquals(
      (await run("head -c 200000000 /dev/zero", { log: "/dev/null" })).outcome,
      "succeeded",
    );
    assert(held() - before < 50_000_000);
  }),
);

Deno.test(
  "the shell that fills a capped log waits for nobody who is gone",
  () =>
    withTempDir(async (folder) => {
      const journal = `${folder}/worker.runs`;
      const pipe = pipeOf(journal);
      // As if the worker's shell was killed between the start of that shell and the begin of the job.
      const identity = { pid: 1, boot: "-", start: "-", namespace: "-", host: "-" };
      const greeting = { identity, umask: "0022", setsid: "env" };
      const script = `exec 3>&1\n${functionsScript("sh", greeting, journal)}` +
        `cap "job-1 1" ${shellWord(`${folder}/log`)} 10 1\n`;
      for (const shell of ["bash", "/bin/sh"]) {
        const child = new Deno.Command(shell, { args: ["-c", script], stdout: "piped" });
        let said: string | undefined;
        const ended = child.output().then(({ stdout }) => said = new TextDecoder().decode(stdout));
        try {
          assertEquals(await waitUntil(() => said, "both shells have ended"), "~ job-1 1\n");
        } finally {
          // One that waits all the same goes on.
          Deno.openSync(pipe, { read: true, write: true }).close();
          await ended;
        }
      }
    }),
);
