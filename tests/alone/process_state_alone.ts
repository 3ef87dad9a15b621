// Tests that change what belongs to the whole process, its environment and its umask: test files run
// side by side in one process, so these run in one of their own. See alone_test.ts.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { diskFiles } from "../../src/system/file_system.ts";
import { lockHolders } from "../../src/system/lock_holders.ts";
import { readLog, valueIn, withExecutor } from "../exec/work_bench.ts";
import { lives, numberIn } from "../support/processes.ts";
import { withQueue } from "../support/queue_program.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

/** Runs the test with these variables in this process's environment, and puts back what was. */
async function withVariables(
  variables: Record<string, string>,
  test: () => Promise<void>,
): Promise<void> {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  try {
    for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
    await test();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

Deno.test(
  "ShellExecutor.run() is not fooled by functions and settings in its environment, and hands them on",
  () =>
    withVariables({
      "BASH_FUNC_cd%%": "() {  echo fooled\n}",
      "BASH_FUNC_echo%%": "() {  :\n}",
      "BASH_FUNC_read%%": "() {  :\n}",
      "BASH_FUNC_cat%%": "() {  :\n}",
      "BASH_FUNC_umask%%": "() {  printf fooled\n}",
      BASH_ENV: "/dev/full",
      SHLVL: "7",
      CDPATH: "/",
      POSIXLY_CORRECT: "1",
      job: "mine",
      start: "mine",
    }, () =>
      withExecutor(async ({ folder, run }) => {
        for (const env of [{}, { A: "1" }]) {
          assertEquals((await run("/bin/pwd; exit 3", { env })).log, `${folder}\n`);
          const { log } = await run("exec /usr/bin/env -0", { env });
          const { stdout } = await new Deno.Command("/bin/sh", {
            args: ["-c", "exec /usr/bin/env -0"],
          }).output();
          const usual = new TextDecoder().decode(stdout);
          for (const name of ["SHLVL", "CDPATH", "POSIXLY_CORRECT", "job", "start"]) {
            assertEquals(valueIn(log, name), valueIn(usual, name), name);
          }
        }
        const child = `setsid sleep 60 & /bin/echo $! >${folder}/pid; sleep 60`;
        const late = await run(child, { timeout: 0.5, logMax: 100 });
        assertEquals(late.outcome, "timed_out");
        assert(!lives(Number(readLog(`${folder}/pid`))));
        assertEquals((await run("/bin/echo on", { logMax: 100 })).log, "on\n");
        // Dash and busybox do not hand on what has no name for them.
        const { log } = await run("bash -c cd");
        const { stdout } = await new Deno.Command("/bin/sh", {
          args: ["-c", "bash -c cd"],
        }).output();
        assertEquals(log, new TextDecoder().decode(stdout));
      })()),
);

Deno.test({
  name:
    "ShellExecutor.run() times jobs out also where programs are missing, and says what it lacks",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withTempDir(async (bin) => {
      await Deno.symlink("/bin/sleep", `${bin}/sleep`);
      await withVariables({ PATH: bin }, () =>
        withExecutor(async ({ folder, run }) => {
          assertEquals((await run("sleep 60", { timeout: 0.3 })).outcome, "timed_out");
          const child = `/usr/bin/setsid sleep 60 & echo $! >${folder}/pid; sleep 60`;
          assertEquals((await run(child, { timeout: 0.5 })).outcome, "timed_out");
          assert(!lives(numberIn(`${folder}/pid`)));
          const capped = await run("echo never", { logMax: 10 });
          assertStringIncludes(capped.error!, "log_max needs cat, dd, mkfifo, rm and wc");
          assertEquals((await run("echo on")).log, "on\n");
        })());
    }),
});

Deno.test({
  name: "lockHolders() needs no program on the PATH",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withTempDir(async (dir) => {
      const lock = diskFiles.lock(`${dir}/lock`)!;
      const { inode } = diskFiles.info(`${dir}/lock`)!;
      await withVariables({ PATH: dir }, async () => {
        await waitUntil(async () =>
          (await lockHolders())?.get(inode)?.some(({ pid }) => pid === Deno.pid) ?? false
        );
      });
      lock.release();
    }),
});

Deno.test("the data folder is the user's alone, whatever the umask", {
  ignore: Deno.build.os === "windows",
}, () =>
  withQueue(async (queue) => {
    const before = Deno.umask(0);
    try {
      await queue.ok("enqueue", "umask; echo x");
      await queue.ok("start", "--drain");
    } finally {
      Deno.umask(before);
    }
    const check = (path: string) => {
      for (const entry of Deno.readDirSync(path)) {
        const mode = (Deno.lstatSync(`${path}/${entry.name}`).mode ?? 0) & 0o777;
        assertEquals(mode, entry.isDirectory ? 0o700 : 0o600, `${path}/${entry.name}`);
        if (entry.isDirectory) check(`${path}/${entry.name}`);
      }
    };
    check(queue.data);
    assertEquals((Deno.lstatSync(queue.data).mode ?? 0) & 0o777, 0o700);
    const [job] = await queue.json("list");
    assertEquals((await queue.ok("job", "logs", job.id)).split("\n")[0], "0000");
  }));
