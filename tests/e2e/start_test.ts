// How start begins, and what it says if it can't, by the real program in real processes.
import { assertEquals } from "@std/assert";
import { programUnderTest } from "../support/program.ts";
import { withQueue } from "../support/queue_program.ts";
import { testOfFolder } from "../support/test_store.ts";

Deno.test("start --timeout 30d runs jobs", () =>
  withQueue(async (queue) => {
    await queue.start("--timeout", "30d");
    await queue.ok("job", "wait", "--timeout", "30d", await queue.ok("enqueue", "true"));
    assertEquals((await queue.workers()).length, 1);
  }));

Deno.test("a worker whose start was killed before it told where the server is ends without a word", () =>
  withQueue(async (queue) => {
    const store = "--store=postgres://nobody@127.0.0.1:1/none";
    assertEquals(await queue.run(["worker", store]), { code: 0, stdout: "", stderr: "" });
  }));

Deno.test("start runs jobs in a folder with an odd name, also over a link and from a home that is one", () =>
  withQueue(async (queue) => {
    // Each of these means something to a shell, to Deno's options or to a URL.
    const folder = `${queue.dir}/with space,comma ünï ☃ li'nk %41`;
    Deno.mkdirSync(`${folder}/.local/share`, { recursive: true });
    Deno.symlinkSync(folder, `${queue.dir}/link`);
    for (
      const env of [
        { QUEUECTL_DATA_DIR: folder },
        { QUEUECTL_DATA_DIR: `${queue.dir}/link` },
        { QUEUECTL_DATA_DIR: "", XDG_DATA_HOME: "", HOME: `${queue.dir}/link` },
      ]
    ) {
      const run = (...args: string[]) => queue.run(args, { env });
      const id = (await run("enqueue", "true")).stdout.trim();
      assertEquals((await run("start", "--drain", "--count", "2")).code, 0);
      assertEquals((await run("job", "wait", "--timeout", "0", id)).code, 0);
    }
  }));

testOfFolder(
  "start runs jobs where its sources lie behind a link",
  () =>
    withQueue(async (queue) => {
      const { program, args } = programUnderTest();
      const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
      Deno.symlinkSync(root, `${queue.dir}/sources`);
      await queue.ok("enqueue", "--job-id", "a", "true");
      const { code } = await new Deno.Command(program, {
        args: [
          ...args.map((arg) => arg.replace(`${root}/`, `${queue.dir}/sources/`)),
          "start",
          "--drain",
          "--data-dir",
          queue.data,
        ],
        stderr: "null",
      }).output();
      assertEquals([code, await queue.state("a")], [0, "completed"]);
    }),
  Deno.env.has("QUEUECTL_BIN"),
);
