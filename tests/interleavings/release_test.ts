// As interleavings_test.ts, on a queue in which a job has ended that others wait for, some of whom
// have been told: those who tell the rest against one another, and against those who change the job
// that has ended, or one that waits for it.
import { assertEquals } from "@std/assert";
import { type Claim, claimOf } from "../../src/queue/job.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { cancel } from "../../src/queue/operations.ts";
import { removableOnceEnded, retriedOnceEnded, updated } from "../../src/queue/revise.ts";
import { ended } from "../../src/queue/transitions.ts";
import { setBucketSize } from "../../src/stores/file/bucketed_index.ts";
import { setPortion } from "../../src/stores/file/release.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { SimDisk } from "../support/sim_disk.ts";
import { explore, isTried } from "./explore.ts";
import { installClocks } from "./gated_process.ts";
import { BACKOFF, DATA, NOW, type Operation, withStore } from "./operations.ts";
import { judge } from "./verdict.ts";

/** What it gets depends on who has told whom by then. */
const claimBy = (worker: string, queues?: string[]) => async (store: FileStore) => {
  const job = await store.claim({ worker, pid: 7, host: "box" }, NOW, queues);
  if (job !== undefined) throw new QueueError("refused", "Not what is looked at");
};

/** The claim of the job that runs, which its worker knows. */
let running: Claim;

const finish = (store: FileStore) =>
  store.change("r", (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW), running);

const change = (name: string, action: (store: FileStore) => Promise<unknown>): Operation => ({
  name,
  program: withStore((store) => action(store).then(() => {})),
});

const OPERATIONS: readonly Operation[] = [
  { ...change("claim", claimBy("worker-3")), worker: "worker-3", isFree: true },
  { ...change("claim nothing", claimBy("worker-6", ["none"])), worker: "worker-6" },
  change("recover", (store) => store.recover()),
  { ...change("end another", finish), worker: "worker-1" },
  change("retry", (store) => store.change("e", (job) => retriedOnceEnded(job, NOW))),
  change("remove", (store) => store.remove("e", removableOnceEnded)),
  change("cancel one that waits", (store) => cancel(store, "w1")),
  change(
    "change one that waits",
    (store) => store.change("w1", (job) => updated(job, { priority: 3 })),
  ),
  change(
    "add one that waits",
    (store) => store.add([aJob({ id: "new", after: ["e", "r"], createdAt: NOW })]),
  ),
];

/** `e` has completed, `r` runs; of three that wait for `e`, one for `r` as well, one was told. */
async function prepared(): Promise<SimDisk> {
  setBucketSize(2);
  setPortion(1);
  const disk = new SimDisk();
  disk.makeFolder(DATA);
  const store = await openFileStore(DATA, { files: disk, now: () => NOW });
  await store.add([
    aJob({ id: "r", priority: 3 }),
    aJob({ id: "e", priority: 2, sequence: 1 }),
    aJob({ id: "w0", after: ["e"], sequence: 2 }),
    aJob({ id: "w1", after: ["e"], sequence: 3 }),
    aJob({ id: "w2", after: ["e", "r"], sequence: 4 }),
  ]);
  const by = { worker: "worker-1", pid: 7, host: "box" };
  running = claimOf((await store.claim(by, NOW))!);
  const e = (await store.claim(by, NOW))!;
  await store.change("e", (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW), claimOf(e));
  // Looks for jobs of another queue, and is gone when it has told one.
  const job = await store.claim(by, NOW);
  assertEquals(job?.id, "w0");
  await store.change("w0", (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW), claimOf(job!));
  assertEquals((await store.get("w1"))?.status.state, "blocked");
  disk.die(0);
  const place = FileWorkerLock.join(disk, DATA, "worker-1");
  place.announce({ pid: 7, host: "box", startedAt: NOW });
  place.abandon();
  return disk;
}

const disk = await prepared();
installClocks(NOW);
Error.stackTraceLimit = 0;

Deno.test("the queue that the operations find is as it should be", async () => {
  assertEquals((await judge(disk.copyOf())).problems, []);
});

for (const a of OPERATIONS) {
  for (const b of OPERATIONS) {
    if (a.worker !== undefined && a.worker === b.worker) continue;
    if (!isTried(OPERATIONS, a, b)) continue;
    Deno.test(`${a.name} | ${b.name}`, async () => {
      const { failures, schedules } = await explore(disk, a, b);
      const told = failures.slice(0, 2).map(({ schedule, problem, steps }) =>
        `${schedule}: ${problem}\n      ${steps.join("\n      ")}`
      );
      assertEquals(failures.length, 0, `${schedules} schedules\n${told.join("\n")}`);
    });
  }
}
