// The program finds and starts itself, however it was called, and even if its file was removed or
// replaced meanwhile.
import { assertEquals } from "@std/assert";
import { programUnderTest } from "../support/program.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

const { program, args } = programUnderTest();
/** Of the sources Deno itself would be linked and replaced. */
const notBuilt = args.length > 0 || Deno.build.os === "windows";
const ofBuilds = (name: string) => ({
  name: notBuilt ? `${name} (skipped: it needs a build)` : name,
  ignore: notBuilt,
});

Deno.test("start finds its workers' program from another folder", () =>
  withTempDir(async (dir) => {
    const queue = new Queue(`${dir}/data`, program, args);
    const id = await queue.call("enqueue", "echo done");
    await queue.call("start", "--drain");
    assertEquals(await queue.call("job", "logs", id), "done");
  }));

Deno.test({
  ...ofBuilds("start finds its workers' program when it was called by a link on the PATH"),
  fn: () =>
    withTempDir(async (dir) => {
      await Deno.mkdir(`${dir}/bin`);
      await Deno.symlink(program, `${dir}/bin/queuectl`);
      const shell = ["-c", `PATH="$0:$PATH"; exec queuectl "$@"`, `${dir}/bin`];
      const queue = new Queue(`${dir}/data`, "/bin/sh", shell);
      const id = await queue.call("enqueue", "echo done");
      await queue.call("start", "--drain");
      assertEquals(await queue.call("job", "logs", id), "done");
    }),
});

Deno.test({
  ...ofBuilds("start goes on with the newer program when its file was replaced"),
  fn: () =>
    withTempDir(async (dir) => {
      const installed = `${dir}/queuectl`;
      await Deno.copyFile(program, installed);
      const queue = new Queue(`${dir}/data`, installed, []);
      const supervisor = queue.command("start", "--count", "1").output();
      try {
        const old = await waitUntil(() => queue.workerPid(), "a worker runs");
        // As an installer does it: the running file keeps its content, and loses its name.
        await Deno.copyFile(program, `${dir}/new`);
        await Deno.rename(`${dir}/new`, installed);
        Deno.kill(old, "SIGKILL");
        await waitUntil(
          async () => (await queue.workerPid() ?? old) !== old,
          "another worker runs",
        );
        await queue.call("job", "wait", "--timeout", "20", await queue.call("enqueue", "true"));
      } finally {
        await queue.call("stop", "--force");
        await supervisor;
      }
    }),
});

/** A data folder and the program to use it with, called from the root folder. */
class Queue {
  readonly #dataDir: string;
  readonly #program: string;
  readonly #args: readonly string[];

  constructor(dataDir: string, program: string, args: readonly string[]) {
    this.#dataDir = dataDir;
    this.#program = program;
    this.#args = args;
  }

  command(...words: string[]): Deno.Command {
    return new Deno.Command(this.#program, {
      args: [...this.#args, ...words],
      cwd: Deno.build.os === "windows" ? "C:/" : "/",
      env: { QUEUECTL_DATA_DIR: this.#dataDir },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    });
  }

  /** What a command prints. It must succeed. */
  async call(...words: string[]): Promise<string> {
    const { code, stdout } = await this.command(...words).output();
    assertEquals(code, 0, `exit code of queuectl ${words.join(" ")}`);
    return new TextDecoder().decode(stdout).trim();
  }

  async workerPid(): Promise<number | undefined> {
    return JSON.parse(await this.call("status", "--json")).workers[0]?.pid;
  }
}
