// What jobs get from their worker: the name of the queue that runs them.
import { assertEquals } from "@std/assert";
import { programUnderTest } from "../support/program.ts";
import { withQueue } from "../support/queue_program.ts";

Deno.test("an enqueue within a job reaches the same queue, unless the job's environment names another", () =>
  withQueue(async (queue) => {
    const { program, args } = programUnderTest();
    const queuectl = [program, ...args].map((word) => `'${word}'`).join(" ");
    const own = `${queue.dir}/own queue`;
    const start = async () => {
      // Its environment names another folder than its option does.
      const { code, stderr } = await queue.run(["start", "--drain", "--data-dir", own]);
      assertEquals(code, 0, stderr);
    };
    const enqueue = (...words: string[]) => queue.ok("enqueue", "--data-dir", own, ...words);
    const ids = async (dir: string) =>
      (await queue.json("list", "--data-dir", dir)).map((job: { id: string }) => job.id).sort();
    const other = `${queue.dir}/other`;
    await enqueue("--job-id", "a", `cd / && ${queuectl} enqueue --job-id from-a true`);
    const elsewhere = `${queuectl} enqueue --job-id from-b true`;
    await enqueue("--job-id", "b", "--env", `QUEUECTL_DATA_DIR=${other}`, elsewhere);
    await enqueue("--job-id", "c", "--env", `QUEUECTL_STORE=${other}`, `echo "$QUEUECTL_STORE"`);
    await start();
    assertEquals(await ids(own), ["a", "b", "c", "from-a"]);
    assertEquals(await ids(other), ["from-b"]);
    assertEquals(await queue.ok("job", "logs", "c", "--data-dir", own), other);
    assertEquals(await ids(queue.data), []);
  }));
