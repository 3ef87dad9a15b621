// enqueue --follow with real workers.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { programUnderTest } from "../support/program.ts";
import { withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";

Deno.test("enqueue --follow is as if the command ran here", () =>
  withQueue(async (queue) => {
    await queue.ok("config", "--key", "backoff_base", "--value", "1");
    await queue.start();
    const follow = (...args: string[]) => queue.run(["enqueue", "--follow", ...args]);
    const good = await follow("--job-id", "good", "printf 'no line break'");
    assertEquals(good, { code: 0, stdout: "no line break", stderr: "good\n" });
    const bad = await follow(
      "--job-id",
      "bad",
      "--max-retries",
      "1",
      "echo $QUEUECTL_ATTEMPT; exit 9",
    );
    assertEquals([bad.code, bad.stdout], [9, "1\n2\n"]);
    const slow = await follow("--timeout", "0.2", "--max-retries", "0", "echo begun; sleep 60");
    assertEquals([slow.code, slow.stdout], [124, "begun\n"]);
    assertEquals((await follow("--max-retries", "0", "kill -9 $$")).code, 137);
    const duplicate = await follow("--job-id", "good", "true");
    assertEquals([duplicate.code, duplicate.stdout], [1, ""]);
  }));

Deno.test("enqueue --follow prints as it comes, and Ctrl-C ends it but not the job", () =>
  withQueue(async (queue) => {
    await queue.start();
    const { program, args } = programUnderTest();
    const script = `echo begun; until [ -e ${queue.dir}/go ]; do sleep 0.05; done; echo ended`;
    const child = new Deno.Command(program, {
      args: [...args, "enqueue", "--follow", "--job-id", "a", script],
      env: queue.env,
      cwd: queue.dir,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assertEquals(new TextDecoder().decode(value), "begun\n");
    child.kill("SIGINT");
    const [{ code }, err] = await Promise.all([child.status, new Response(child.stderr).text()]);
    await reader.cancel();
    assertEquals(code, 130);
    assertStringIncludes(err, `job "a" goes on: queuectl job logs a --follow`);
    assertEquals(await queue.state("a"), "processing");
    Deno.writeTextFileSync(`${queue.dir}/go`, "");
    await queue.waitForState("a", "completed");
    assertEquals(await queue.ok("job", "logs", "a"), "begun\nended");
    await waitUntil(async () => (await queue.workers())[0]?.state === "idle", "the worker is idle");
  }));
