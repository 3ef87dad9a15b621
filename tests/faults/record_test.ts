// The end of a job that can't be recorded at once: it is not lost, and the job does not run again.
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { runFileWorker } from "../support/file_worker.ts";
import { aJob } from "../support/jobs.ts";
import { withQueue } from "../support/queue_program.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

Deno.test("a job that can't be recorded when its worker is forced to stop has ended all the same", () =>
  withTempDir(async (dir) => {
    let isFull = true;
    const files = {
      ...diskFiles,
      append(path: string, text: string) {
        if (isFull) throw new Error("No space left on device (os error 28)");
        diskFiles.append(path, text);
      },
    };
    const store = await openFileStore(dir, { files });
    await store.add([aJob({ id: "job", command: `echo run >>${dir}/runs`, cwd: dir })]);
    const warnings: string[] = [];
    const worker = (drain: boolean, force: AbortController) =>
      runFileWorker(dir, {
        files,
        wanted: "w",
        drain,
        report: (event) => void (event.kind === "warning" && warnings.push(event.message)),
        force,
      });
    const force = new AbortController();
    const running = worker(false, force);
    await waitUntil(() => warnings.length > 0, "it is told that the end can't be recorded");
    force.abort();
    await assertRejects(() => running, Error, "No space left");
    assertEquals((await store.count()).processing, 1);
    isFull = false;
    await worker(true, new AbortController());
    const job = await store.get("job");
    assertEquals(job?.status.state, "completed");
    assertEquals(job?.history.map(({ attempt, outcome }) => [attempt, outcome]), [[
      1,
      "succeeded",
    ]]);
    assertEquals(Deno.readTextFileSync(`${dir}/runs`), "run\n");
    await store.close();
    assertEquals(diskFiles.names(`${dir}/workers`), []);
  }));

Deno.test("a job whose file is removed while it runs is recorded, and its worker goes on", () =>
  withQueue(async (queue) => {
    const job = `${queue.data}/jobs/jo/job.jsonl`;
    await queue.ok("enqueue", "--job-id", "job", `rm ${job}`);
    await queue.ok("enqueue", "--job-id", "next", "true");
    const { code, stderr } = await queue.run(["start", "--count", "1", "--drain"]);
    assertEquals(code, 0);
    assertStringIncludes(stderr, 'The file of job "job" was missing and has been restored');
    assertEquals(await queue.state("job"), "completed");
    assertEquals(await queue.state("next"), "completed");
    assertEquals(await queue.ok("storage", "check"), "");
  }));

Deno.test("a job whose file and ticket are removed while it runs costs one warning", () =>
  withQueue(async (queue) => {
    const job = `${queue.data}/jobs/jo/job.jsonl`;
    await queue.ok("enqueue", "--job-id", "job", `rm ${job} ${queue.data}/queue/running/*/*.job`);
    await queue.ok("enqueue", "--job-id", "next", "true");
    const { code, stderr } = await queue.run(["start", "--count", "1", "--drain"]);
    assertEquals(code, 0);
    assertEquals(stderr.match(/Cannot record the end of job "job"/g)?.length, 1, stderr);
    assertEquals(await queue.state("next"), "completed");
  }));
