// Killing a run, and runs that try to resist.

import { assert, assertEquals } from "@std/assert";
import { needing } from "../support/has_program.ts";
import { end, isStopped, lives, numberIn } from "../support/processes.ts";
import { waitUntil } from "../support/wait_until.ts";
import { withExecutor } from "./work_bench.ts";

Deno.test(
  "ShellExecutor.run() kills a job at its timeout, with all that it has started",
  withExecutor(async ({ folder, run }) => {
    const { outcome, error, signal } = await run(
      `sleep 61 & echo $! >${folder}/a; (sleep 62 & echo $! >${folder}/b; wait) & sleep 63`,
      { timeout: 0.3 },
    );
    assertEquals([outcome, error, signal], ["timed_out", "timed out after 0.3s", "SIGTERM"]);
    for (const name of ["a", "b"]) assert(!lives(numberIn(`${folder}/${name}`)), name);
  }),
);

Deno.test(
  "ShellExecutor.run() lets a job clean up after SIGTERM, and kills one that ignores it",
  withExecutor(async ({ run }) => {
    const polite = await run(
      `trap 'echo bye; exit 0' TERM; echo on; while :; do sleep 0.05; done`,
      {
        timeout: 0.3,
      },
    );
    assertEquals([polite.outcome, polite.exitCode], ["timed_out", 0]);
    assert(polite.log.includes("on\nbye\n") || polite.log.includes("bye"), polite.log);
    const begin = performance.now();
    const stubborn = await run(`trap '' TERM; while :; do sleep 0.05; done`, {
      timeout: 0.2,
      killGrace: 0.3,
    });
    assertEquals([stubborn.outcome, stubborn.signal], ["timed_out", "SIGKILL"]);
    assert(performance.now() - begin >= 500);
  }),
);

Deno.test(
  "ShellExecutor.run() reaches a process that has left the job's group, as `timeout` does",
  withExecutor(async ({ folder, run }) => {
    const script = `exec /bin/sh -c 'echo $$ >${folder}/pid; exec sleep 60'`;
    assertEquals(
      (await run(`timeout 60 /bin/sh -c "${script}"`, { timeout: 0.4 })).outcome,
      "timed_out",
    );
    assert(!lives(numberIn(`${folder}/pid`)));
  }),
);

Deno.test(
  "ShellExecutor.run() ends at once when it is told to stop, and reports the reason",
  withExecutor(async ({ folder, run }) => {
    for (const reason of ["cancelled", "released"] as const) {
      const stop = new AbortController();
      const running = run(`echo $$ >${folder}/${reason}; sleep 60`, {}, stop.signal);
      await waitUntil(() => numberIn(`${folder}/${reason}`) > 0);
      stop.abort(reason);
      assertEquals((await running).outcome, reason);
      assert(!lives(numberIn(`${folder}/${reason}`)));
      assertEquals((await run("echo never >never", {}, stop.signal)).outcome, reason);
    }
    assertEquals((await run("ls never")).outcome, "failed");
  }),
);

Deno.test(
  "ShellExecutor.run() does not wait for what a job leaves in the background, and never kills it with a later job",
  withExecutor(async ({ folder, run }) => {
    const leave = `sleep 60 & echo $! >${folder}/left`;
    const survives = async (later: string, command: string, env: Record<string, string>) => {
      const begin = performance.now();
      assertEquals((await run(command, { env })).outcome, "succeeded");
      assert(performance.now() - begin < 30_000);
      const pid = numberIn(`${folder}/left`);
      try {
        assert((await run(later, { timeout: 0.3 })).outcome !== "succeeded");
        assert(lives(pid), `${later} killed what ${command} had left`);
      } finally {
        end(pid);
      }
    };
    for (const later of ["sleep 60", "kill 0", "kill -9 0", "kill -9 $PPID; sleep 60"]) {
      await survives(later, leave, {});
    }
    // Here the text of the command does not give away that it leaves something, so both may be in
    // one session.
    for (let round = 0; round < 3; round++) {
      await survives("sleep 60", 'eval "$LEAVE"', { LEAVE: leave });
    }
  }),
);

Deno.test(
  "ShellExecutor.run() reports a job that signals its own group or its parent, and goes on",
  withExecutor(async ({ run }) => {
    const table: [string, string | null][] = [
      ["kill 0; sleep 60", "SIGTERM"],
      ["kill -INT 0; sleep 60", "SIGINT"],
      ["kill -HUP 0; sleep 60", "SIGHUP"],
      ["kill -USR1 0; sleep 60", "SIGUSR1"],
      ["kill -9 0; sleep 60", "SIGKILL"],
      ["kill -9 $PPID; sleep 60", "SIGKILL"],
    ];
    for (const [command, signal] of table) {
      const ending = await run(command);
      assertEquals([ending.outcome, ending.signal], ["failed", signal], command);
      assertEquals((await run("echo next")).log, "next\n");
    }
    assertEquals((await run("kill $PPID; kill -INT $PPID; echo on")).log, "on\n");
  }),
);

Deno.test(
  "ShellExecutor.run() leaves nothing of a job whose shell was killed",
  withExecutor(async ({ folder, run }) => {
    const ending = await run(
      `trap '' TERM; (sleep 60; :) & echo $! >${folder}/child; echo $$ >${folder}/self; kill -9 $PPID; sleep 60; :`,
      { killGrace: 0.2 },
    );
    assertEquals(ending.error, "the shell that ran the job was killed by SIGKILL");
    for (const name of ["self", "child"]) assert(!lives(numberIn(`${folder}/${name}`)), name);
  }),
);

Deno.test({
  ...needing(
    // Where there is no setsid, as on macOS, sessions can't be seen.
    ["bash", "setsid"],
    "ShellExecutor.run() leaves nothing of a job that has cleared its environment and whose shell was killed",
  ),
  fn: withExecutor(async ({ folder, journal, run }) => {
    Deno.writeTextFileSync(`${folder}/job`, "echo $$ >pid; exec sleep 60\n");
    const words = "env -i /bin/sh job";
    for (const command of [words, `exec ${words}`]) {
      const running = run(command);
      const job = await waitUntil(() => numberIn(`${folder}/pid`), "the job runs");
      const text = await waitUntil(
        () => /^shell (\d+) .*\n= /s.exec(Deno.readTextFileSync(journal)),
        "its group is on record",
      );
      end(Number(text[1]));
      assertEquals((await running).error, "the shell that ran the job was killed by SIGKILL");
      assert(!lives(job), command);
      Deno.removeSync(`${folder}/pid`);
    }
  }),
});

Deno.test(
  "ShellExecutor.run() goes on with a new shell when the old one was killed between two jobs",
  withExecutor(async ({ journal, run }) => {
    await run("true");
    for (let round = 0; round < 5; round++) {
      const shell = Number(Deno.readTextFileSync(journal).split(" ")[1]);
      Deno.kill(shell, "SIGKILL");
      assertEquals((await run("echo on")).log, "on\n");
    }
  }),
);

Deno.test(
  "ShellExecutor.run() wakes a job and a shell that were stopped, to end them",
  withExecutor(async ({ run }) => {
    assertEquals((await run("kill -STOP 0; sleep 60", { timeout: 0.3 })).outcome, "timed_out");
    assertEquals((await run("kill -STOP $PPID; exit 3", { timeout: 0.3 })).exitCode, 3);
    assertEquals((await run("echo on")).log, "on\n");
  }),
);

Deno.test(
  "ShellExecutor.run() goes on with a job that was stopped and resumed, by whichever signal",
  withExecutor(async ({ folder, run }) => {
    const pid = () => numberIn(`${folder}/pid`);
    for (const signal of ["TSTP", "STOP"]) {
      Deno.writeTextFileSync(
        `${folder}/job`,
        `echo $$ >pid; kill -${signal} $$; echo $$ >again; kill -${signal} $$; exit 6\n`,
      );
      for (const command of ["sh job", "'sh' job"]) {
        const running = run(command);
        await waitUntil(() => isStopped(pid()), "it is stopped");
        Deno.kill(pid(), "SIGCONT");
        await waitUntil(() => numberIn(`${folder}/again`), "it goes on");
        await waitUntil(() => isStopped(pid()), "it is stopped again");
        Deno.kill(pid(), "SIGCONT");
        assertEquals((await running).exitCode, 6, `${command} ${signal}`);
        for (const name of ["pid", "again"]) Deno.removeSync(`${folder}/${name}`);
      }
    }
  }),
);

Deno.test(
  "ShellExecutor.run() wakes a shell that was stopped between two jobs, also by asking what a name is",
  withExecutor(async ({ journal, run }) => {
    await run("true");
    const shell = Number(Deno.readTextFileSync(journal).split(" ")[1]);
    for (const command of ["exit 3", "sleep 60", "cat /dev/null"]) {
      Deno.kill(shell, "SIGSTOP");
      let isOver = false;
      run(command, { timeout: 0.1 }).then(() => isOver = true);
      await waitUntil(() => isOver, command).finally(() => Deno.kill(shell, "SIGCONT"));
    }
    assertEquals((await run("echo on")).log, "on\n");
  }),
);

Deno.test(
  "ShellExecutor.run() outlives a job that closes its output",
  withExecutor(async ({ run }) => {
    assertEquals((await run("exec >&- 2>&- <&-; sleep 0.1; exit 5")).exitCode, 5);
    assertEquals((await run("exec >&- 2>&- <&-; sleep 60", { timeout: 0.2 })).outcome, "timed_out");
  }),
);
