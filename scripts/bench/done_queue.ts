// A queue with a long history. Running a million jobs would take too long, so the files that it
// leaves are written as `storage restore` writes them: a file and a log for each job, and its
// ticket in a sealed bucket, as two workers would have left them.
import { QueueError } from "../../src/queue/errors.ts";
import type { Job } from "../../src/queue/job.ts";
import { claimed, created, ended } from "../../src/queue/transitions.ts";
import { encodeChange, encodeRequest } from "../../src/stores/file/codec.ts";
import { type Layout, layOut, note } from "../../src/stores/file/bulk_index.ts";
import { jobFolder, jobPath, logPath } from "../../src/stores/file/layout.ts";
import { prepareFolder } from "../../src/stores/file/prepare_folder.ts";
import { makeUnlessThere } from "../../src/stores/file/bucketed_index.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import type { LargeQueue } from "./bench.ts";
import type { Ground } from "./ground.ts";
import { Queue } from "./queue.ts";

const OK = { outcome: "succeeded", exitCode: 0, signal: null, error: null } as const;
/** Milliseconds from one job to the next of the same worker. */
const STEP = 1;

/** Makes a queue in which `count` jobs are completed, the last of them just now. */
export async function doneQueue(ground: Ground, count: number): Promise<LargeQueue> {
  const queue = new Queue(ground, `done-${count}`);
  const { dataDir } = queue;
  Deno.mkdirSync(dataDir, { mode: 0o700 });
  await prepareFolder(dataDir, diskFiles);
  const begin = Date.now() - count * STEP - 1000;
  const layout: Layout = new Map();
  let middle = "";
  for (let sequence = 0; sequence < count; sequence++) {
    const { before, after } = doneJob(sequence, begin);
    makeUnlessThere(diskFiles, jobFolder(dataDir, after.id));
    diskFiles.create(
      jobPath(dataDir, after.id),
      encodeRequest(before) + encodeChange(before, after),
    );
    diskFiles.create(logPath(dataDir, after.id, 1), "");
    note(layout, after, Date.now());
    if (sequence === count / 2) middle = after.id;
  }
  layOut(diskFiles, dataDir, layout);
  ageBuckets(`${dataDir}/queue/completed`);
  return { queue, id: middle };
}

/** A bucket was last changed when the last of its jobs ended. */
function ageBuckets(folder: string): void {
  for (const { name: bucket } of Deno.readDirSync(folder)) {
    let last = 0;
    for (const { name } of Deno.readDirSync(`${folder}/${bucket}`)) {
      last = Math.max(last, Number(name.slice(0, 13)));
    }
    Deno.utimeSync(`${folder}/${bucket}`, new Date(last), new Date(last));
  }
}

function doneJob(sequence: number, begin: number): { before: Job; after: Job } {
  const [id, startedAt] = [crypto.randomUUID(), begin + sequence * STEP];
  const rest = { priority: 0, cwd: "/", env: {}, maxRetries: 3, timeout: 0, runAt: null };
  const plain = { queue: "default", group: null, after: [], afterAny: [], unique: null };
  const unset = { startBy: null, schedule: null };
  const before = created({
    id,
    command: "true",
    createdAt: begin,
    sequence,
    ...rest,
    ...plain,
    ...unset,
  });
  const running = sure(
    claimed(before, { worker: `worker-${1 + sequence % 2}`, pid: 1000, host: "box" }, startedAt),
  );
  const after = sure(ended(running, OK, { base: 2, max: 3600 }, startedAt + 1));
  return { before, after };
}

function sure(step: Job | QueueError): Job {
  if (step instanceof QueueError) throw step;
  return step;
}
