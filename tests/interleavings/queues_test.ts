// Like interleavings_test.ts, with a queue that has a limit: claims against claims, ends, pauses,
// and changes of the settings. `full`: one job runs, others are set aside, and one has just been
// enqueued; `open`: the running job has ended, and nobody has put another one back yet.
import { assertEquals } from "@std/assert";
import { type Claim, claimOf } from "../../src/queue/job.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { cancel } from "../../src/queue/operations.ts";
import type { QueueSettings } from "../../src/queue/queues.ts";
import { ended, unclaimed } from "../../src/queue/transitions.ts";
import { setBucketSize } from "../../src/stores/file/bucketed_index.ts";
import { openReader } from "../../src/stores/file/reader.ts";
import { FileQueues } from "../../src/stores/file/queues.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import type { FileSystem } from "../../src/system/file_system.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { SimDisk } from "../support/sim_disk.ts";
import { explore, isTried } from "./explore.ts";
import { installClocks, type Program, run } from "./gated_process.ts";
import { BACKOFF, checking, DATA, NOW, type Operation, withStore } from "./operations.ts";
import { judge } from "./verdict.ts";

/** Whoever finds the other at work may get nothing. */
const claimBy = (worker: string) => async (store: FileStore) => {
  const job = await store.claim({ worker, pid: 7, host: "box" }, NOW);
  if (job === undefined) throw new QueueError("refused", "Nothing may begin");
  return job.id;
};

/** The claim of the job that runs, which its worker knows. */
let running: Claim;

const finish = (id: string) => (store: FileStore) =>
  store.change(id, (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW), running)
    .then((job) => job.status.state);

const setting = (settings: Partial<QueueSettings>): Program => async (files: FileSystem) => {
  const queues = new FileQueues(DATA, { files, now: () => NOW });
  await queues.change(["q"], (before) => ({ ...before, ...settings }));
};

const OPERATIONS: readonly Operation[] = [
  { name: "claim", worker: "worker-3", program: withStore(claimBy("worker-3")) },
  { name: "claim too", worker: "worker-6", program: withStore(claimBy("worker-6")) },
  { name: "end", worker: "worker-1", program: withStore(finish("r")) },
  {
    name: "add",
    program: withStore((store) =>
      store.add([aJob({ id: "new", queue: "q", priority: 9, createdAt: NOW })])
    ),
  },
  { name: "pause", program: setting({ paused: true }) },
  // A claim that has read its line just before may take what stood behind what these put back.
  { name: "limit 2", program: setting({ limit: 2 }), isFree: true },
  { name: "no limit", program: setting({ limit: null }), isFree: true },
  {
    name: "unclaim",
    worker: "worker-1",
    program: withStore((store) => store.change("r", unclaimed, running).then(({ id }) => id)),
    isFree: true,
  },
  { name: "cancel", program: withStore((store) => cancel(store, "h0").then(({ id }) => id)) },
  { name: "check", program: checking(false) },
  { name: "repair", program: checking(true) },
  {
    name: "list",
    isLooking: true,
    program: async (files) => {
      const reader = await openReader(DATA, files, () => {});
      return (await Array.fromAsync(reader.list({}))).map(({ id }) => id);
    },
  },
];

async function prepared(isOpen: boolean): Promise<SimDisk> {
  setBucketSize(2);
  const disk = new SimDisk();
  disk.makeFolder(DATA);
  const store = await openFileStore(DATA, { files: disk, now: () => NOW });
  const queues = new FileQueues(DATA, { files: disk, now: () => NOW });
  await store.add([aJob({ id: "r", queue: "q", priority: 3 })]);
  await store.add(
    [0, 1, 2].map((n) => aJob({ id: `h${n}`, queue: "q", priority: 2, sequence: n })),
  );
  await queues.change(["q"], (before) => ({ ...before, limit: 1 }));
  for (let n = 0; n < 2; n++) {
    const job = await store.claim({ worker: "worker-1", pid: 7, host: "box" }, NOW);
    if (job?.id === "r") running = claimOf(job);
  }
  await store.close();
  const place = FileWorkerLock.join(disk, DATA, "worker-1");
  place.announce({ pid: 7, host: "box", startedAt: NOW });
  place.abandon();
  const late = await openFileStore(DATA, { files: disk, now: () => NOW });
  await late.add([aJob({ id: "n", queue: "q", priority: 1 })]);
  await late.add([aJob({ id: "x" })]);
  // By one that knew nothing of settings: nobody has put another one back.
  if (isOpen) {
    disk.rename(`${DATA}/queues.json`, `${DATA}/queues.json.tmp`);
    const unaware = await openFileStore(DATA, { files: disk, now: () => NOW });
    await finish("r")(unaware);
    await unaware.close();
    disk.rename(`${DATA}/queues.json.tmp`, `${DATA}/queues.json`);
  }
  await late.close();
  return disk;
}

const full = await prepared(false);
const open = await prepared(true);
installClocks(NOW);
Error.stackTraceLimit = 0;

for (const [name, disk] of [["full", full], ["open", open]] as const) {
  Deno.test(`${name}: the queue that the operations find is as it should be`, async () => {
    assertEquals((await judge(disk.copyOf())).problems, []);
  });
  for (const a of OPERATIONS) {
    for (const b of OPERATIONS) {
      if (a.worker !== undefined && a.worker === b.worker) continue;
      if (!isTried(OPERATIONS, a, b)) continue;
      if (name === "open" && [a, b].some(({ worker }) => worker === "worker-1")) continue;
      Deno.test(`${name}: ${a.name} | ${b.name}`, async () => {
        const { failures, schedules } = await explore(disk, a, b);
        const told = failures.slice(0, 2).map(({ schedule, problem, steps }) =>
          `${schedule}: ${problem}\n      ${steps.join("\n      ")}`
        );
        assertEquals(failures.length, 0, `${schedules} schedules\n${told.join("\n")}`);
      });
    }
  }
}

Deno.test("a job that ends while another is set aside lets it begin at once, in any order", async () => {
  const disk = new SimDisk();
  disk.makeFolder(DATA);
  const store = await openFileStore(DATA, { files: disk, now: () => NOW });
  await store.add([aJob({ id: "r", queue: "q", priority: 1 }), aJob({ id: "n", queue: "q" })]);
  await new FileQueues(DATA, { files: disk, now: () => NOW })
    .change(["q"], (before) => ({ ...before, limit: 1 }));
  const claim = claimOf((await store.claim({ worker: "worker-1", pid: 7, host: "box" }, NOW))!);
  await store.close();
  const [a, b]: Program[] = [
    withStore(claimBy("worker-3")),
    withStore(async (store) =>
      void await store.change("r", (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW), claim)
    ),
  ];
  const isReady = (here: SimDisk) =>
    here.tree(`${DATA}/queue/ready`).some((path) => !path.endsWith("/"));
  let asides = 0;
  for (const [first, second] of [[a!, b!], [b!, a!]] as const) {
    const { steps } = await run(disk.copyOf({ locks: true }), 1, first);
    for (let i = 0; i <= steps.length; i++) {
      const here = disk.copyOf({ locks: true });
      const { steps: done } = await run(here, 1, first, { until: i });
      const other = await run(here, 2, second);
      const one = await run(here, 1, first, { done });
      const claiming = first === a ? one : other;
      // One that stands still with the lock until the other gives up: later claims see to that.
      const hasGivenUp = other.steps.filter(({ operation }) =>
        operation === "try lock"
      ).length > 20;
      if (claiming.outcome?.kind === "done" || hasGivenUp) continue;
      asides++;
      assertEquals(isReady(here), true, `${first === a ? "claim" : "end"} stopped after ${i}`);
    }
  }
  assertEquals(asides > 0, true);
});
