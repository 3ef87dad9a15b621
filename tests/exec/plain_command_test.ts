// Commands that the worker's shell does without /bin/sh behave as they do through /bin/sh.

import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { ShellExecutor } from "../../src/exec/executor.ts";
import { type InPlace, plainCommand } from "../../src/exec/plain_command.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { needing, pathOf } from "../support/has_program.ts";
import { readLog, runsIn, withEachShell, withExecutor } from "./work_bench.ts";

Deno.test("plainCommand() knows commands that are only plain words, and nothing else", () => {
  const table: [string, InPlace][] = [
    ["true", ["exit", "0"]],
    ["true a  b\t", ["exit", "0"]],
    ["false", ["exit", "1"]],
    ["false true", ["exit", "1"]],
    ["echo", ["echo"]],
    ["echo a  b\tc=d ./e:f,g@h%i+j_k-l ", ["echo", "a", "b", "c=d", "./e:f,g@h%i+j_k-l"]],
    ["/bin/true a --b=c -", ["exec", "/bin/true", "a", "--b=c", "-"]],
    ["python3 -m x", ["exec", "python3", "-m", "x"]],
    ["./a.sh  1", ["exec", "./a.sh", "1"]],
    ["TRUE", ["exec", "TRUE"]],
    ["g++ a=b", ["exec", "g++", "a=b"]],
  ];
  for (const [command, expected] of table) {
    assertEquals(plainCommand(command)?.inPlace, expected, command);
  }
  const others = [
    ..." true|true\n|true\r|true;|true&|true #|echo -n a|echo a -n|setsid a|nice /bin/setsid".split(
      "|",
    ),
    ..."echo --|echo \\a|echo 'a'|echo \"a\"|echo $a|echo `a`|echo *|echo a?|echo [a]".split("|"),
    ..."echo ~|echo a=~|echo {a,b}|echo a{1..3}|echo !a|echo a>b|echo a<b|echo (a)".split("|"),
    ..."echo ^a|echo é|echo a\u00a0b|echo a\0|a=b true|!true|! true|: true|%1|-a|~/a|[ a ]".split(
      "|",
    ),
    ...["", "echo a|b", `echo ${"a".repeat(5000)}`],
  ];
  for (const command of others) assertEquals(plainCommand(command), undefined, command);
});

Deno.test(
  "ShellExecutor.run() executes a program as /bin/sh does: its words, environment, folder, limits and signals",
  withExecutor(async ({ folder, run }) => {
    for (
      const command of [
        "env -0",
        "/usr/bin/env -0",
        "printenv HOME PATH",
        "cat /proc/self/cmdline",
        // Not SigQ, which counts signals of all processes of a user.
        "grep -e SigBlk -e SigIgn -e SigCgt /proc/self/status",
        "cat /proc/self/limits",
        "readlink /proc/self/cwd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2",
        "ls /proc/self/fd",
        "sleep 0",
        "ls /missing",
        "no-such-program a",
        "/no/such/program",
        "/etc/passwd",
        "/",
        "./none",
      ]
    ) {
      const log = `${folder}/same.log`;
      Deno.writeTextFileSync(log, "");
      const { log: printed, ...ending } = await run(command, { id: "a", startedAt: 1, log });
      Deno.truncateSync(log);
      // The quotes make it no plain command.
      const [first, ...rest] = command.split(" ");
      const other = await run([`'${first}'`, ...rest].join(" "), { id: "a", startedAt: 1, log });
      const lines = (text: string) => text.split(/[\0\n]/).sort();
      assertEquals(
        { ...ending, log: lines(printed) },
        { ...other, log: lines(other.log) },
        command,
      );
    }
  }),
);

Deno.test(
  "ShellExecutor.run() gives scripts without #! to /bin/sh, and finds programs anew each time",
  withExecutor(async ({ folder, run }) => {
    const script = `${folder}/script`;
    const write = (text: string) => {
      Deno.writeTextFileSync(script, text);
      Deno.chmodSync(script, 0o755);
    };
    write("echo $0 [${BASH_VERSION+bash}]\n");
    assertEquals((await run("./script a")).log, (await run("'./script' a")).log);
    write("#!/bin/sh\necho $0 $1\n");
    assertEquals((await run("./script a")).log, "./script a\n");
    Deno.removeSync(script);
    assertEquals((await run("./script a")).exitCode, 127);
    Deno.copyFileSync("/bin/true", script);
    assertEquals((await run("./script a")).exitCode, 0);
    Deno.removeSync(script);
    Deno.copyFileSync("/bin/false", script);
    assertEquals((await run("./script a")).exitCode, 1);
    Deno.chmodSync(script, 0o644);
    assertEquals((await run("./script a")).exitCode, 126);
    // As long as nothing else is in it: no program of this machine.
    Deno.writeFileSync(script, Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
    Deno.chmodSync(script, 0o755);
    const [one, other] = [await run("./script a"), await run("'./script' a")];
    assertEquals([one.outcome, one.exitCode], [other.outcome, other.exitCode]);
  }),
);

Deno.test(
  "ShellExecutor.run() does not take a file in the job's folder for a program that is gone from the PATH",
  () =>
    withTempDir(async (bin) => {
      const bench = withExecutor(async ({ folder, run }) => {
        Deno.copyFileSync("/bin/true", `${bin}/tool`);
        assertEquals((await run("tool")).exitCode, 0);
        Deno.renameSync(`${bin}/tool`, `${folder}/tool`);
        assertEquals(await run("tool"), await run("'tool'"));
      }, { variables: { PATH: `${bin}:${Deno.env.get("PATH")}` } });
      await bench();
    }),
);

Deno.test({
  name: "ShellExecutor.run() finds programs as /bin/sh does where there is a ~ in PATH",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withTempDir(async (folder) => {
      // Bash would look in the home folder. /bin/sh may be bash, so it is asked what is right.
      Deno.copyFileSync("/bin/false", `${folder}/id`);
      const bench = withExecutor(async ({ run }) => {
        assertEquals((await run("id -u")).exitCode, (await run("'id' -u")).exitCode);
      }, { variables: { HOME: folder, PATH: `~:${Deno.env.get("PATH")}` } });
      await bench();
    }),
});

Deno.test({
  ...needing(
    ["bash"],
    "ShellExecutor.run() records the signal that ended a program, and its group is its own",
  ),
  fn: withExecutor(async ({ run }) => {
    // Field 5 is the process group.
    const { log } = await run("cat /proc/self/stat");
    const [pid, , , , group] = log.split(" ");
    assertEquals(group, pid);
    const ending = await run("timeout -s KILL 0.01 sleep 60");
    assertEquals([ending.exitCode, ending.signal], [137, "SIGKILL"]);
    const stop = new AbortController();
    const running = run("sleep 60", {}, stop.signal);
    stop.abort("cancelled");
    assertEquals((await running).outcome, "cancelled");
  }),
});

const PIECES = [
  ..."a z A Z 0 9 _ . / + : , @ % = - # ~ * ? [ ] { } ( ) ! ^ ; | \\ ' \" ` é".split(" "),
  ..."if then -n -e --help -- true false echo a=b".split(" "),
  ...[" ", "  ", "\t"],
];

Deno.test(
  "ShellExecutor.run() does with true, false and echo what /bin/sh does with them",
  // Nothing that differs from run to run, such as a process id, may come of these.
  withExecutor(async ({ run }) => {
    const rest = fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((pieces) =>
      pieces.join("")
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("true", "false", "echo"), rest, async (builtin, rest) => {
        const command = `${builtin} ${rest}`;
        const one = await run(command, { cwd: "/" });
        // A job with variables of its own is always given to /bin/sh.
        const other = await run(command, { cwd: "/", env: { A: "1" } });
        // A shell may quote what it complains of.
        assertEquals({ ...one, log: "" }, { ...other, log: "" }, command);
        if (one.exitCode === 0) assertEquals(inOrder(one.log), inOrder(other.log), command);
      }),
      { numRuns: 150 },
    );
  }),
);

/** The lines, sorted: both sides of a pipe may complain, and either may be first. */
function inOrder(log: string): string[] {
  return log.split("\n").sort();
}

Deno.test(
  "ShellExecutor.run() lets true, false and echo have folder, log, cap and variables as any job",
  withEachShell(async ({ folder, run }) => {
    const ends = async (command: string, more = {}) => {
      const { exitCode, log, error } = await run(command, more);
      return [exitCode, log, error];
    };
    assertEquals(await ends("echo a b"), [0, "a b\n", null]);
    assertEquals(await ends("true"), [0, "", null]);
    assertEquals(await ends("false"), [1, "", "exit code 1"]);
    assertEquals(await ends("echo a b", { env: { A: "1" } }), [0, "a b\n", null]);
    const capped = await ends("echo abcdef", { logMax: 3 });
    assertEquals(capped, [
      0,
      "abc\n[queuectl: log capped at 3 bytes; the rest was dropped]\n",
      null,
    ]);
    const missing = `${folder}/missing`;
    const fault = `cannot enter its folder ${missing}`;
    assertEquals(await ends("true", { cwd: missing }), [null, "", fault]);
    const log = `${missing}/log`;
    assertEquals(await ends("echo a", { log }), [null, "", `cannot write its log ${log}`]);
  }),
);

Deno.test({
  ...needing(["bash"], "ShellExecutor.run() makes a silent job's log, for itself alone"),
  fn: withExecutor(async ({ newRun, run }) => {
    const { log } = newRun("true");
    await run("true", { log });
    const { size, mode } = Deno.statSync(log);
    assertEquals([size, mode! & 0o777], [0, 0o600]);
  }),
});

Deno.test({
  name: "ShellExecutor.run() reports that echo could not write, as /bin/sh does",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withTempDir(async (folder) => {
      const executor = new ShellExecutor({ journal: `${folder}/worker.runs` });
      const run = (command: string) =>
        executor.run({ ...runsIn(folder)(command), log: "/dev/full" });
      try {
        const ending = await run("echo a b");
        assertEquals(ending.outcome, "failed");
        assertEquals(ending, await run("'echo' a b"));
      } finally {
        await executor.close();
      }
    }),
});

/** Whether a program may be put in the place of another, by a mount that others do not see. */
const mayMount = pathOf("unshare") !== undefined &&
  (await new Deno.Command("unshare", { args: ["-m", "mount", "--bind", "/bin/sh", "/bin/sh"] })
    .output()).success;

/** Other shells in the place of /bin/sh. */
for (const shell of ["bash", "busybox", "dash"]) {
  const says = `ShellExecutor.run() is right where ${shell} is /bin/sh`;
  Deno.test({
    ...(mayMount
      ? needing([shell], says)
      : { name: `${says} (skipped: nothing may be mounted here)`, ignore: true }),
    fn: () =>
      withTempDir(async (folder) => {
        const script =
          'mount --bind "$(readlink -f "$(command -v "$1")")" "$(readlink -f /bin/sh)"||' +
          'exit;shift;exec env "BASH_FUNC_true%%=() { echo function;}" "$@"';
        const fixture = new URL("./worker_fixture.ts", import.meta.url).pathname;
        const newRun = runsIn(folder);
        const commands = [
          "true",
          "echo a b",
          "false",
          "'echo' c",
          "echo $0",
          "exit 3",
          "kill -9 $$",
        ];
        const runs = commands.map((command) => newRun(command));
        const args = [
          "-m",
          "sh",
          "-c",
          script,
          "sh",
          shell,
          Deno.execPath(),
          "run",
          "-A",
          "--no-check",
        ];
        const { success, stdout, stderr } = await new Deno.Command("unshare", {
          args: [
            ...args,
            fixture,
            `${folder}/worker.runs`,
            ...runs.map((run) => JSON.stringify(run)),
          ],
        }).output();
        assert(success, new TextDecoder().decode(stderr));
        const ends = new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
          JSON.parse(line)
        );
        assertEquals(ends.map(({ exitCode }) => exitCode), [0, 0, 1, 0, 0, 3, 137]);
        assertEquals(ends.at(-1).signal, "SIGKILL");
        assertEquals(
          runs.slice(0, 5).map(({ log }) => readLog(log)),
          // Bash as /bin/sh has the function from the environment.
          [shell === "bash" ? "function\n" : "", "a b\n", "", "c\n", "/bin/sh\n"],
        );
      }),
  });
}

Deno.test({
  ...needing(["bash"], "ShellExecutor.run() goes on where TMOUT is set, however long it is idle"),
  fn: withExecutor(async ({ run }) => {
    const first = await run("echo $TMOUT $PPID");
    // Longer than that, however fast the machine is.
    await new Deno.Command("/bin/sh", { args: ["-c", "sleep 0.1"] }).output();
    const second = await run("echo $TMOUT $PPID");
    await run("true");
    assertEquals(second.log, first.log);
  }, { variables: { TMOUT: "0.001" } }),
});

Deno.test({
  ...needing(["bash"], "ShellExecutor.run() reads requests as bash before 4.1 can, too"),
  fn: withExecutor(async ({ run }) => {
    const ends = [];
    for (const command of ["printf '%s\\n' '  a\\  '\n\necho 'ä 日'  ", "true", "exit 3"]) {
      ends.push(await run(command));
    }
    assertEquals(ends.map(({ exitCode }) => exitCode), [0, 0, 3]);
    assertEquals(ends[0]!.log, "  a\\  \nä 日\n");
    // It makes the loop take that bash for an older one.
  }, { variables: { BASH_VERSION: "3.2.57(1)-release", TMOUT: "0.001" } }),
});
