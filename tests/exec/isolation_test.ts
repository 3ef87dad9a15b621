// What a job can see and reach: only its own environment, and only its own processes.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { adopt } from "../../src/exec/adopt.ts";
import { end, isStopped, lives, numberIn } from "../support/processes.ts";
import { waitUntil } from "../support/wait_until.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { readLog, runsIn, valueIn, withEachShell, withExecutor } from "./work_bench.ts";

const WORKER = new URL("./worker_fixture.ts", import.meta.url).pathname;

Deno.test({
  name: "ShellExecutor.run() shows no value of a variable in any command line",
  ignore: Deno.build.os !== "linux",
  fn: withExecutor(async ({ folder, run }) => {
    const secret = crypto.randomUUID();
    const watcher = new Deno.Command("/bin/sh", {
      args: [
        "-c",
        `while [ ! -e ${folder}/stop ];do cat /proc/[0-9]*/cmdline;done >${folder}/seen 2>/dev/null`,
      ],
    }).spawn();
    try {
      for (let round = 0; round < 40; round++) {
        const { log } = await run('echo "$SECRET"', { env: { SECRET: secret }, log: "/dev/null" });
        assertEquals(log, "");
      }
    } finally {
      await Deno.writeTextFile(`${folder}/stop`, "");
      await watcher.status;
    }
    assert(!(await Deno.readTextFile(`${folder}/seen`)).includes(secret));
  }),
});

Deno.test(
  "ShellExecutor.run() gives a job exactly the variables that were asked for, whatever they mean to a shell",
  withExecutor(async ({ run }) => {
    const names =
      ("IFS PATH ENV BASH_ENV POSIXLY_CORRECT LC_ALL LANG TZ CDPATH PS1 PS4 HOME MAIL " +
        "TERM TMOUT PWD COLUMNS BASH_COMPAT HISTSIZE UID EUID PPID RANDOM SECONDS GROUPS SHELLOPTS " +
        "BASHOPTS FUNCNAME DIRSTACK EPOCHSECONDS LINENO SHLVL A _").split(" ");
    for (const name of names) {
      const value = name === "PWD" ? "/" : name === "OPTIND" ? "5" : "a 'b'\n$c";
      const show = "exec /usr/bin/env -0";
      const { stdout } = await new Deno.Command("/usr/bin/env", {
        args: [`${name}=${value}`, "/bin/sh", "-c", show],
      }).output();
      const wanted = valueIn(new TextDecoder().decode(stdout), name);
      const { log, outcome, error } = await run(show, { env: { [name]: value } });
      if (outcome === "failed") {
        // Some variables have values of their own in this machine's /bin/sh.
        assertEquals(error, `could not be started: the shell does not let us set ${name}`);
        assert(!["IFS", "PATH", "ENV", "TZ", "A"].includes(name), name);
        continue;
      }
      // These the shell sets anew in each process.
      if (!["PWD", "PPID", "_"].includes(name)) assertEquals(valueIn(log, name), wanted, name);
      const after = await run(show);
      if (name === "A") assertEquals(valueIn(after.log, name), undefined);
    }
    for (const name of ["with.dot", "-i", "a b", "x'y"]) {
      const ending = await run("echo never", { env: { A: "1", [name]: "v\n- job-1 1 0" } });
      assertEquals([ending.outcome, ending.exitCode, ending.log], ["failed", null, ""], name);
      assertStringIncludes(ending.error!, `does not let us set ${name}`);
    }
    assertEquals((await run("echo on")).log, "on\n");
  }),
);

Deno.test(
  "ShellExecutor.run() tells a death by a signal from an exit with the same number",
  withEachShell(async ({ run }, shell) => {
    const signals = { HUP: 129, INT: 130, ABRT: 134, KILL: 137, SEGV: 139, PIPE: 141, TERM: 143 };
    for (const [name, code] of Object.entries(signals)) {
      const exit = await run(`exit ${code}`);
      assertEquals([exit.exitCode, exit.signal], [code, null], name);
      assertEquals(exit.error, `exit code ${code} (128 + SIG${name})`);
      const death = await run(`kill -${name} $$`);
      // Dash and busybox say nothing of these two; bash in their place says more, or less.
      if (shell === "bash" || !["INT", "PIPE", "TERM"].includes(name)) {
        assertEquals([death.exitCode, death.signal], [code, `SIG${name}`], name);
      } else {
        assert(death.exitCode === code && [null, `SIG${name}`].includes(death.signal), name);
      }
      assertEquals(death.log, "", name);
    }
  }),
);

Deno.test(
  "ShellExecutor.run() gives each job a process group, so that signals to it hit that job alone",
  withEachShell(async ({ folder, run }, shell) => {
    await run(`sleep 60 & echo $! >${folder}/left`);
    const left = numberIn(`${folder}/left`);
    try {
      for (const command of ["kill -9 0", "kill -- -$$", "kill -9 -$$", "sleep 61 & sleep 62"]) {
        const { outcome, signal } = await run(`${command}; sleep 60`, { timeout: 1 });
        const isKill = command.startsWith("kill");
        assertEquals(outcome, isKill ? "failed" : "timed_out", `${shell}: ${command}`);
        if (shell === "bash") {
          assertEquals(signal, command.includes("-9") ? "SIGKILL" : "SIGTERM", command);
        }
        assert(lives(left), `${shell}: ${command} hit what an earlier job had left`);
      }
    } finally {
      end(left);
    }
  }),
);

Deno.test(
  "ShellExecutor.run() notices that a job was stopped and went on, and waits for it",
  withExecutor(async ({ folder, run }) => {
    const running = run(`echo $$ >${folder}/pid; kill -STOP $$; exit 5`);
    try {
      await waitUntil(() => isStopped(numberIn(`${folder}/pid`)));
    } finally {
      // Else nothing would end the job, nor the test.
      Deno.kill(numberIn(`${folder}/pid`), "SIGCONT");
    }
    assertEquals((await running).exitCode, 5);
  }),
);

Deno.test({
  name: "ShellExecutor.run() kills children that have made a session of their own",
  ignore: Deno.build.os !== "linux",
  fn: withEachShell(async ({ folder, run }) => {
    const children = {
      session: "setsid sleep 60",
      stubborn: `setsid sh -c "trap '' TERM; sleep 60; :"`,
      cleared: "env -i sleep 60",
      both: "setsid env -i sleep 60",
    };
    const begin = Object.entries(children).map(([name, child]) =>
      `${child} & echo $! >${folder}/${name}`
    );
    const { outcome, error } = await run(`${begin.join("\n")}\nwait`, {
      timeout: 0.5,
      killGrace: 0.2,
    });
    assertEquals([outcome, error], ["timed_out", "timed out after 0.5s"]);
    for (const name of Object.keys(children)) assert(!lives(numberIn(`${folder}/${name}`)), name);
    const left = await run(`setsid sleep 60 & echo $! >${folder}/daemon`);
    assertEquals(left.outcome, "succeeded");
    await run("sleep 60", { timeout: 0.2 });
    assert(lives(numberIn(`${folder}/daemon`)), "the daemon of a job that succeeded lives on");
    end(numberIn(`${folder}/daemon`));
  }),
});

Deno.test({
  name: "ShellExecutor.run() kills a child with a session of its own whose parent has ended",
  ignore: Deno.build.os !== "linux",
  fn: withEachShell(async ({ folder, run }) => {
    const pid = () => numberIn(`${folder}/orphan`);
    const stop = new AbortController();
    const child = `setsid sh -c 'echo $$ >${folder}/orphan; exec sleep 60'`;
    const ended = run(`(${child} &); sleep 60`, { killGrace: 0.2 }, stop.signal);
    await waitUntil(pid);
    stop.abort("cancelled");
    try {
      assertEquals((await ended).outcome, "cancelled");
      assert(!lives(pid()), "only its environment tells whose it is");
    } finally {
      end(pid());
    }
  }),
});

Deno.test({
  name: "ShellExecutor.run() catches a chain of processes that start the next one and end",
  ignore: Deno.build.os !== "linux",
  fn: withExecutor(async ({ folder, run }) => {
    for (const start of ["", "setsid "]) {
      const chain = `${folder}/chain${start.length}`;
      await Deno.writeTextFile(
        `${chain}.sh`,
        `trap '' TERM\necho $$ >>${chain}\n${start}sh ${chain}.sh &\n`,
      );
      try {
        const { outcome } = await run(`sh ${chain}.sh; sleep 60`, { timeout: 0.3, killGrace: 0 });
        assertEquals(outcome, "timed_out");
        const length = readLog(chain).length;
        assert(length > 0);
        await run("sleep 0.3");
        assertEquals(readLog(chain).length, length, `the chain of '${start}sh' goes on`);
      } finally {
        // A chain that was not caught would go on for ever; without its script it ends.
        await Deno.remove(`${chain}.sh`);
      }
    }
  }),
});

Deno.test({
  name: "ShellExecutor.run() and adopt() end with a reason when a process cannot be ended",
  ignore: Deno.uid() !== 0 || !exists("/usr/bin/setpriv"),
  fn: () =>
    withTempDir(async (folder) => {
      // What `sudo` does: a program that becomes root, started by a worker that is not.
      const become = `${folder}/become`;
      await Deno.copyFile("/usr/bin/setpriv", become);
      await Deno.chmod(become, 0o4755);
      await Deno.chmod(folder, 0o777);
      const journal = `${folder}/w.runs`;
      const pid = `${folder}/pid`;
      const newRun = runsIn(folder);
      const command = `echo $$ >${pid}; exec ${become} --reuid=0 --clear-groups sleep 60`;
      const [first, second] = [
        newRun(command, { timeout: 0.5, killGrace: 0.1 }),
        newRun("echo next"),
      ];
      // It may read what root may: Deno and the sources can lie in a home that is closed to others.
      const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
      const mayRead = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
      const worker = (...runs: unknown[]) =>
        new Deno.Command("/usr/bin/setpriv", {
          args: [
            ...asNobody,
            ...mayRead,
            Deno.execPath(),
            "run",
            "-A",
            WORKER,
            journal,
            ...runs.map((run) => JSON.stringify(run)),
          ],
          env: { DENO_DIR: `${folder}/deno`, HOME: folder },
          stdin: "null",
          stdout: "piped",
        });
      try {
        const { stdout } = await worker(first, second).output();
        const endings = new TextDecoder().decode(stdout);
        assertStringIncludes(endings, `process ${numberIn(pid)} lives on: it could not be ended`);
        assertEquals(readLog(second.log), "next\n");
        assert(lives(numberIn(pid)));
      } finally {
        end(numberIn(pid));
      }
    }),
});

Deno.test(
  "ShellExecutor.run() keeps the output of a job with a capped log that kills its own group",
  withEachShell(async ({ run }) => {
    const { log, signal } = await run("echo before; kill -9 0", { logMax: 1000 });
    assertEquals([log, signal], ["before\n", "SIGKILL"]);
  }),
);

Deno.test({
  name: "ShellExecutor.run() gives a job the soft limit of open files that the worker was given",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withTempDir(async (folder) => {
      const newRun = runsIn(folder);
      for (const shell of ["bash", "sh"]) {
        const run = newRun("ulimit -Sn");
        const command = `ulimit -Sn 300; "$0" run -A ${WORKER} ${folder}/w.runs "$1"; :`;
        await new Deno.Command("/bin/sh", {
          args: ["-c", command, Deno.execPath(), JSON.stringify(run)],
          env: { SHELL_KIND: shell },
          stdout: "null",
        }).output();
        assertEquals(readLog(run.log), "300\n");
      }
    }),
});

Deno.test("adopt() does not take the end of a job that had the same id before", () =>
  withTempDir(async (folder) => {
    const journal = `${folder}/w.runs`;
    const [before, now] = [1, 2].map((startedAt) => runsIn(folder)("true", { startedAt }));
    await Deno.writeTextFile(
      journal,
      `shell 4000000 - 1\n+ job-1 1 ${before!.startedAt}\n- job-1 1 0\n`,
    );
    assertEquals(await adopt(journal, now!), "not_begun");
    const ending = await adopt(journal, before!);
    assert(ending !== "not_begun" && ending.outcome === "succeeded");
  }));

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
