// Bytes that are not UTF-8 in the name of the folder, on the command line, in variables: one clear
// message, and nothing is stored altered.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { programUnderTest } from "../support/program.ts";
import { type QueueProgram, withQueue } from "../support/queue_program.ts";
import { testOfFolder } from "../support/test_store.ts";

const ignore = Deno.build.os !== "linux";

/** Runs a script in which `$1 $2 …` are the program. */
async function shell(queue: QueueProgram, script: string) {
  const { program, args } = programUnderTest();
  const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", program, ...args],
    cwd: queue.dir,
    env: queue.env,
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout).trim(), stderr: decoder.decode(stderr) };
}

Deno.test({
  name: "enqueue refuses a command that is not UTF-8, and takes one that looks like it",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const bad = await shell(queue, `exec "$@" enqueue "$(printf 'echo \\377')"`);
      assertEquals([bad.code, bad.stdout], [2, ""]);
      assertStringIncludes(bad.stderr, "queuectl: The command line is not UTF-8 text\n");
      const variable = await shell(queue, `exec "$@" enqueue --env "A=$(printf '\\377')" true`);
      assertEquals(variable.code, 2);
      const good = await shell(
        queue,
        `exec "$@" enqueue "$(printf 'echo \\357\\277\\275')" --job-id a`,
      );
      assertEquals([good.code, good.stdout], [0, "a"]);
      assertEquals((await queue.json("job", "show", "a")).command, "echo \ufffd");
      assertEquals((await queue.json("list")).length, 1);
    }),
});

testOfFolder(
  "a folder or variable that is not UTF-8 gets one clear line, and no more where it does not count",
  () =>
    withQueue(async (queue) => {
      await queue.ok("enqueue", "--job-id", "a", "true");
      const inFolder = `d=$(printf 'bad\\377'); mkdir -p "$d"; cd "$d"; `;
      const here = await shell(queue, `${inFolder} unset QUEUECTL_DATA_DIR; exec "$@" status`);
      assertEquals(here.code, 1);
      assertStringIncludes(here.stderr, 'bad\\xFF": its name is not UTF-8 text\n');
      assertEquals(here.stderr.trim().split("\n").length, 2);
      assertEquals((await shell(queue, `${inFolder} exec "$@" start --drain`)).code, 0);
      assertEquals(await queue.state("a"), "completed");
      const home =
        `unset QUEUECTL_DATA_DIR XDG_DATA_HOME; HOME=$(printf '/\\377') exec "$@" status`;
      const variable = await shell(queue, home);
      assertEquals(variable.code, 1);
      assertStringIncludes(variable.stderr, "queuectl: Cannot use the environment variable");
      await shell(queue, `rmdir "$(printf 'bad\\377')"`);
    }),
  ignore,
);
