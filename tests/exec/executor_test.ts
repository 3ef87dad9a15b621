// What a job gets from its executor, and how its end is reported: quoting, environment, folder,
// log, exit codes.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ShellExecutor } from "../../src/exec/executor.ts";
import { shellWord } from "../../src/system/shell_word.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { needing } from "../support/has_program.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { runsIn, withExecutor } from "./work_bench.ts";

const TEXTS = [
  "plain",
  "",
  "two words",
  "it's",
  `'"'"'`,
  `"double" \\ back\\\\slash \\n`,
  "$HOME ${HOME} $(echo no) `echo no` $$",
  "line one\nline two\n\nline four",
  "tab\tand\rreturn",
  "* ? [a-z] {a,b} ~ # ! & ; | < > ( )",
  "-n -e --",
  "grüße 東京 🚀 \u0081\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u00a0\u2028",
  "\x01\x02\x7f\x1b[0m",
  "!history ^a^b",
  "'",
  "\\",
  "x".repeat(20_000) + "'\n".repeat(500),
];

Deno.test(
  "ShellExecutor.run() hands a command to the shell as it is, whatever it holds",
  withExecutor(async ({ run }) => {
    for (const text of TEXTS) {
      const command = `printf '%s|' ${shellWord(text)}`;
      assertEquals(await run(command).then(({ log }) => log), `${text}|`);
      const { log } = await run(`printf '%s|' "$TEXT"`, { env: { TEXT: text } });
      assertEquals(log, `${text}|`);
    }
  }),
);

Deno.test(
  "ShellExecutor.run() reports exit codes and signals",
  withExecutor(async ({ run }) => {
    const table: [string, number, string | null, string][] = [
      ["exit 1", 1, null, "exit code 1"],
      ["exit 42", 42, null, "exit code 42"],
      ["exit 255", 255, null, "exit code 255"],
      ["no-such-command-here", 127, null, "exit code 127: command not found"],
      ["/dev/null", 126, null, "exit code 126: found, but it could not be executed"],
      ["kill -SEGV $$", 139, "SIGSEGV", "killed by SIGSEGV"],
      ["kill -9 $$", 137, "SIGKILL", "killed by SIGKILL"],
      ["kill -PIPE $$", 141, "SIGPIPE", "killed by SIGPIPE"],
      ["kill -INT $$", 130, "SIGINT", "killed by SIGINT"],
      ["kill $$", 143, "SIGTERM", "killed by SIGTERM"],
      ["exit 200", 200, null, "exit code 200"],
    ];
    for (const [command, exitCode, signal, error] of table) {
      const { log: _, ...ending } = await run(command);
      assertEquals(ending, { outcome: "failed", exitCode, signal, error }, command);
    }
    const { log, ...ending } = await run("echo fine");
    assertEquals(log, "fine\n");
    assertEquals(ending, { outcome: "succeeded", exitCode: 0, signal: null, error: null });
  }),
);

Deno.test(
  "ShellExecutor.run() fails on a syntax error and leaves the message in the log",
  withExecutor(async ({ run }) => {
    for (const command of ["if", "echo 'open", "}", ")", "echo $("]) {
      const ending = await run(command);
      assertEquals(ending.outcome, "failed", command);
      assert(ending.log.length > 0, command);
    }
    assertEquals((await run("echo still here")).log, "still here\n");
  }),
);

Deno.test(
  "ShellExecutor.run() gives the job its id, attempt and worker, and its own environment besides",
  withExecutor(async ({ run }) => {
    const show = 'echo "$QUEUECTL_JOB_ID $QUEUECTL_ATTEMPT $QUEUECTL_WORKER"';
    assertEquals((await run(show, { attempt: 3 })).log, "job-1 3 worker-1\n");
    const env = {
      QUEUECTL_WORKER: "forged",
      EMPTY: "",
      _1: "=",
    };
    const { log } = await run(`${show}; env`, { env });
    assertStringIncludes(log, "job-2 1 worker-1\n");
    for (const line of ["EMPTY=", "_1=="]) assertStringIncludes(`\n${log}`, `\n${line}\n`);
    const { log: after } = await run("env");
    for (const name of ["_1", "EMPTY", "OLDPWD", "queuectl_line"]) {
      assert(!`\n${after}`.includes(`\n${name}=`) || Deno.env.get(name) !== undefined, name);
    }
  }),
);

Deno.test(
  "ShellExecutor.run() gives the job an empty input and no open files but its log",
  withExecutor(async ({ run }) => {
    assertEquals((await run("cat; ls /dev/fd/ | wc -l")).outcome, "succeeded");
    const { log } = await run(
      "for fd in 3 4 5 6 7 8 9; do (: >&$fd) 2>/dev/null && echo open $fd; done; exit 0",
    );
    assertEquals(log, "");
  }),
);

Deno.test(
  "ShellExecutor.run() runs the job in its folder, also if that was removed and made anew",
  withExecutor(async ({ folder, run }) => {
    const cwd = `${folder}/it's a folder`;
    const gone = await run("pwd", { cwd });
    assertEquals([gone.outcome, gone.exitCode], ["failed", null]);
    assertEquals(gone.error, `cannot enter its folder ${cwd}`);
    for (let round = 0; round < 2; round++) {
      await Deno.mkdir(cwd);
      assertEquals((await run("pwd; echo x >made", { cwd })).log, `${cwd}\n`);
      assertEquals(await Deno.readTextFile(`${cwd}/made`), "x\n");
      await Deno.remove(cwd, { recursive: true });
      assertEquals((await run("pwd", { cwd })).outcome, "failed");
    }
    assertEquals((await run("pwd")).log, `${folder}\n`);
  }),
);

Deno.test(
  "ShellExecutor.run() makes the log with mode 0600 and leaves the job the user's umask",
  withExecutor(async ({ folder, run, newRun }) => {
    const umask = new TextDecoder().decode(
      new Deno.Command("/bin/sh", { args: ["-c", "umask"] }).outputSync().stdout,
    );
    for (const logMax of [0, 1000]) {
      const log = `${folder}/${logMax}.log`;
      assertEquals((await run("umask", { log, logMax })).log, umask);
      assertEquals((await Deno.stat(log)).mode! & 0o777, 0o600);
    }
    const broken = newRun("true", { log: `${folder}/none/x.log` });
    assertEquals(
      (await run("echo never >made", broken)).error,
      `cannot write its log ${broken.log}`,
    );
    await assertRejects(() => Deno.stat(`${folder}/made`), Deno.errors.NotFound);
  }),
);

Deno.test(
  "ShellExecutor.run() keeps standard output and error in order, after what the log held",
  withExecutor(async ({ folder, run }) => {
    const log = `${folder}/old.log`;
    await Deno.writeTextFile(log, "before\n");
    const { log: text } = await run("for i in 1 2 3; do echo out $i; echo err $i >&2; done", {
      log,
    });
    assertEquals(text, "before\nout 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
  }),
);

Deno.test(
  "ShellExecutor.run() refuses what no shell can be told, and reports what the system will not take",
  withExecutor(async ({ run }) => {
    assertStringIncludes((await run("echo a\0b")).error!, "NUL");
    for (const size of [200_000, 3_000_000]) {
      const long = await run(`: ${"x".repeat(size)}`);
      assertEquals([long.outcome, long.error], [
        "failed",
        "the command is too long for this system",
      ]);
      const wide = await run("true", { env: { WIDE: "x".repeat(size) } });
      assertEquals([wide.outcome, wide.error], [
        "failed",
        "the command is too long for this system",
      ]);
    }
    // Each of these characters takes twelve in a request to bash.
    const strange = await run(`: ${"東".repeat(1_000_000)}`);
    assertEquals(strange.error, "the command is too long for this system");
    assertEquals((await run("echo on")).log, "on\n");
  }),
);

Deno.test("ShellExecutor.run() takes one run at a time, starts no shell before it needs one, and none without a journal", () =>
  withTempDir(async (folder) => {
    const executor = new ShellExecutor({ journal: `${folder}/w.runs` });
    const newRun = runsIn(folder);
    await executor.close();
    assertEquals(Array.from(Deno.readDirSync(folder)), []);
    const first = executor.run(newRun("true"));
    await assertRejects(() => executor.run(newRun("true")), Error, "has not ended");
    assertEquals((await first).outcome, "succeeded");
    await executor.close();
    const files = { ...diskFiles, create: (path: string) => Deno.symlinkSync("/dev/full", path) };
    const full = new ShellExecutor({ journal: `${folder}/full.runs`, files });
    await assertRejects(() => full.run(newRun("true")), Error, "Cannot start a shell");
    await full.close();
    const blocked = new ShellExecutor({ journal: `${folder}/none/w.runs` });
    await assertRejects(() => blocked.run(newRun("true")), Deno.errors.NotFound);
    await blocked.close();
  }));

Deno.test(
  "ShellExecutor.run() keeps the journal private and short",
  withExecutor(async ({ journal, run }) => {
    const id = "x".repeat(128);
    for (let round = 0; round < 450; round++) await run("true", { id, log: "/dev/null" });
    const { size, mode } = await Deno.stat(journal);
    assertEquals(mode! & 0o777, 0o600);
    assert(size < 80_000, `${size} bytes`);
    const [first] = (await Deno.readTextFile(journal)).split("\n");
    assert(/^shell \d+ \S+ \S+ \S+ \S+$/.test(first!), first);
  }),
);

Deno.test(
  "ShellExecutor.run() goes on when somebody has removed its journal",
  withExecutor(async ({ journal, run }) => {
    const id = "x".repeat(128);
    assertEquals((await run("true", { id })).outcome, "succeeded");
    await Deno.remove(journal);
    // So many that the journal is begun anew.
    for (let n = 0; n < 250; n++) assertEquals((await run("true", { id })).outcome, "succeeded");
    assert(Deno.readTextFileSync(journal).startsWith("shell "));
  }),
);
Deno.test({
  ...needing(
    ["bash", "setsid"],
    "ShellExecutor does not use bash where a variable of its environment changes how bash works",
  ),
  fn: async () => {
    const parentOf = async () => {
      let name = "";
      await withExecutor(async ({ run }) => {
        name = (await run("cat /proc/$PPID/comm")).log;
      })();
      return name;
    };
    assertEquals(await parentOf(), "bash\n");
    for (const name of ["BASHOPTS", "SHELLOPTS", "EXECIGNORE", "BASH_COMPAT", "FUNCNEST"]) {
      Deno.env.set(name, "9");
      try {
        assertEquals(await parentOf(), "sh\n", name);
      } finally {
        Deno.env.delete(name);
      }
    }
  },
});

for (const shell of ["bash", "sh"] as const) {
  Deno.test(`ShellExecutor.run() gives all jobs its variables, unless they have their own (${shell})`, () =>
    withTempDir(async (folder) => {
      const journal = `${folder}/w.runs`;
      const variables = { QUEUECTL_STORE: '/it\'s a "path" $HOME' };
      const executor = new ShellExecutor({ journal, shell, variables });
      const newRun = runsIn(folder);
      const printed = async (env: Record<string, string>) => {
        const run = newRun('printf %s "$QUEUECTL_STORE"', { env });
        assertEquals((await executor.run(run)).outcome, "succeeded");
        return Deno.readTextFileSync(run.log);
      };
      try {
        assertEquals(await printed({}), variables.QUEUECTL_STORE);
        assertEquals(await printed({ A: "1" }), variables.QUEUECTL_STORE);
        assertEquals(await printed({ QUEUECTL_STORE: "own" }), "own");
        assertEquals(await printed({}), variables.QUEUECTL_STORE);
      } finally {
        await executor.close();
      }
    }));
}
