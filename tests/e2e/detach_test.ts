// start --detach: what it inherits, where it writes, and when it reports success.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { BECOME, isSupervisorReady, rotate } from "../../src/cli/commands/start_detached.ts";
import { prepareFolder } from "../../src/stores/file/prepare_folder.ts";
import { FileWorkers } from "../../src/stores/file/workers.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { programUnderTest } from "../support/program.ts";
import { withQueue } from "../support/queue_program.ts";
import { needing } from "../support/has_program.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";
import { testOfFolder } from "../support/test_store.ts";

for (const shell of ["dash", "bash", "busybox sh"]) {
  const words = shell.split(" ");
  Deno.test({
    ...needing([words[0]!, "bash"], `start --detach hands no open file on, by ${shell}`),
    ...(Deno.build.os !== "linux" && { ignore: true }),
    fn: () =>
      withTempDir(async (dir) => {
        const list = 'for f in /proc/$$/fd/*; do readlink "$f"; done; true';
        const script = `exec 3>a 9>b 10>c 200>d; exec ${shell} -c "$1" sh "$1" log sh -c "$2"`;
        const { code } = await new Deno.Command("bash", {
          args: ["-c", script, "bash", BECOME, list],
          cwd: dir,
        }).output();
        const open = Deno.readTextFileSync(`${dir}/log`);
        assertEquals([code, /\/[abcd]$/m.test(open)], [0, false], open);
      }),
  });
}

Deno.test({
  name: "start --detach returns to a script that reads it, and lets go of the script's lock",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withQueue(async (queue) => {
      const { program, args } = programUnderTest();
      const lock = Deno.openSync(`${queue.dir}/lock`, { create: true, write: true });
      // A descriptor that is inherited, as scripts have it by `exec 9>lock; flock 9`.
      const script = 'exec 9>"$1"; shift; pid=$("$@"); echo "pid $pid"; ls -l /proc/$pid/fd';
      const { code, stdout } = await new Deno.Command("/bin/sh", {
        args: ["-c", script, "sh", `${queue.dir}/lock`, program, ...args, "start", "--detach"],
        env: queue.env,
        stderr: "null",
      }).output();
      const text = new TextDecoder().decode(stdout);
      assertEquals(code, 0, text);
      assert(/^pid \d+$/m.test(text), text);
      if (Deno.build.os === "linux") assert(!text.includes(`${queue.dir}/lock`), text);
      assert(lock.tryLockSync(true));
      lock.close();
    }),
});

Deno.test("start --detach --drain says yes also when all is done at once", () =>
  withQueue(async (queue) => {
    assert(Number(await queue.ok("start", "--detach", "--drain")) > 1);
    await waitUntil(async () => (await queue.workers()).length === 0, "it has ended");
  }));

testOfFolder(
  "start, also --detach, ends with exit code 1 and a clear line when no worker comes up",
  () =>
    withQueue(async (queue) => {
      await queue.ok("enqueue", "true");
      // Workers may leave the data folder over no link.
      Deno.renameSync(`${queue.data}/workers`, `${queue.dir}/elsewhere`);
      Deno.symlinkSync(`${queue.dir}/elsewhere`, `${queue.data}/workers`);
      const here = await queue.run(["start", "--count", "2"]);
      assertEquals(here.code, 1);
      assertStringIncludes(here.stderr, "queuectl: Cannot run jobs: no worker came up\n");
      const away = await queue.run(["start", "--detach"]);
      assertEquals([away.code, away.stdout], [1, ""]);
      assertEquals(
        away.stderr,
        "queuectl: Cannot run jobs in the background: no worker came up\n" +
          `See ${queue.data}/start.log\n`,
      );
    }),
  Deno.env.has("QUEUECTL_BIN"),
);

Deno.test("rotate() puts a big log aside, in the place of the one before, and no other", () =>
  withTempDir((dir) => {
    const log = `${dir}/start.log`;
    rotate(diskFiles, log); // there is none
    Deno.writeTextFileSync(log, "little\n");
    rotate(diskFiles, log);
    assertEquals(Deno.readTextFileSync(log), "little\n");
    Deno.writeTextFileSync(`${log}.1`, "older\n");
    Deno.truncateSync(log, 6_000_000);
    rotate(diskFiles, log);
    assertEquals([Deno.statSync(`${log}.1`).size, diskFiles.info(log)], [6_000_000, undefined]);
  }));

Deno.test("isSupervisorReady() finds a supervisor whose name was taken when it started", () =>
  withTempDir(async (dir) => {
    await prepareFolder(dir, diskFiles);
    const workers = new FileWorkers(dir, diskFiles);
    const probed = await workers.joinAsSupervisor(7); // someone looks whether it lives
    const supervisor = await workers.joinAsSupervisor(7);
    await probed.leave();
    const who = { pid: 7, host: "box", startedAt: 1000 };
    const isReady = (host: string) => isSupervisorReady(workers, { pid: 7, host });
    await supervisor.announce(who);
    assertEquals(await isReady("box"), false);
    await supervisor.announce({ ...who, ready: true });
    assertEquals([await isReady("box"), await isReady("other")], [true, false]);
    await supervisor.leave();
  }));
