// What can be interrupted: each thing that changes the data folder, on one that has jobs in every
// state.
import { mergeConfig } from "../../src/stores/file/change_config.ts";
import { QueueError } from "../../src/queue/errors.ts";
import type { Job } from "../../src/queue/job.ts";
import type { Outcome } from "../../src/queue/outcome.ts";
import type { QueueSettings } from "../../src/queue/queues.ts";
import {
  cancelled,
  ended,
  removableByCleanup,
  removableFromDlq,
  retried,
  unblocked,
  unclaimed,
} from "../../src/queue/transitions.ts";
import { backup } from "../../src/stores/file/backup.ts";
import { FileQueues } from "../../src/stores/file/queues.ts";
import { restore } from "../../src/stores/file/restore.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import { rescue } from "../../src/worker/rescue.ts";
import { aJob, anEnding, EPOCH } from "../support/jobs.ts";
import { SimDisk } from "../support/sim_disk.ts";

export const DATA = "/data";
export const WORKER = "worker-1";
const BY = { worker: WORKER, pid: 7, host: "box" };
const BACKOFF = { base: 2, max: 60 };

/** The time at which scenarios happen, and what comes after. */
export const NOW = EPOCH + 100_000;

/** One thing that is done, and what must be true of it when it was done. */
export interface Scenario {
  readonly name: string;
  /** Done beforehand, with nothing going wrong. */
  readonly before?: (store: FileStore, disk: SimDisk) => Promise<unknown>;
  readonly action: (store: FileStore, disk: SimDisk) => Promise<unknown>;
  /**
   * Ids that are acknowledged once the action has ended; all of them or none may be there if it has
   * not.
   */
  readonly adds?: readonly string[];
  /** Ids that `before` has added. */
  readonly has?: readonly string[];
  /** Ids that the action may remove. */
  readonly removes?: readonly string[];
  /** The state of a job once the action has ended. */
  readonly leaves?: Readonly<Record<string, Job["status"]["state"]>>;
  /** The action puts other jobs in the place of all. */
  readonly replacesAll?: readonly string[];
}

/** The jobs that every scenario begins with, and how each of them ended: `d` waits for a retry. */
export const AT_FIRST = ["a", "b", "c", "d", "e", "f"] as const;

export function openAt(disk: SimDisk, now = NOW): Promise<FileStore> {
  return openFileStore(DATA, { files: disk, now: () => now });
}

/** A disk with jobs in every state: a and b pending, c completed, d failed, e dead, f cancelled. */
export async function prepared(): Promise<SimDisk> {
  const disk = new SimDisk();
  disk.makeFolder(DATA);
  const store = await openAt(disk);
  const ends: Record<string, Outcome> = { c: "succeeded", d: "failed", e: "timed_out" };
  for (const id of ["c", "d", "e"]) {
    await store.add([aJob({ id, maxRetries: id === "e" ? 0 : 3 })]);
    await store.claim(BY, NOW - 900);
    await store.change(id, (job) => ended(job, anEnding(ends[id]!), BACKOFF, NOW - 800), WORKER);
    disk.create(`${DATA}/jobs/${id}/${id}.1.log`, "printed\n");
  }
  await store.add([aJob({ id: "f" })]);
  await store.change("f", (job) => cancelled(job, NOW - 700));
  await store.add([aJob({ id: "a" }), aJob({ id: "b", priority: 1, sequence: 1 })]);
  store.close();
  return disk;
}

const claim = async (store: FileStore) => (await store.claim(BY, NOW))!.id;
const batch = (n: number) =>
  Array.from(
    { length: n },
    (_, i) =>
      aJob({
        id: `n${i}`,
        sequence: i,
        createdAt: NOW,
        priority: i % 2,
        runAt: i % 3 === 0 ? NOW + 5000 : null,
        after: i % 3 === 2 ? ["a"] : [],
      }),
  );

const blocked = (n: number) =>
  Array.from(
    { length: n },
    (_, i) => aJob({ id: `n${i}`, sequence: i, createdAt: NOW, after: ["a"], priority: i % 2 }),
  );

const set = (disk: SimDisk, settings: Partial<QueueSettings>) =>
  new FileQueues(DATA, { files: disk, now: () => NOW, sleep: () => Promise.resolve() })
    .change(["q"], (before) => ({ ...before, ...settings }));

/** Jobs of a queue in a batch of its own, and one that came alone. */
async function inQueue(store: FileStore): Promise<void> {
  await store.add([aJob({ id: "q0", queue: "q", priority: 5 })]);
  await store.add(
    Array.from({ length: 34 }, (_, i) => aJob({ id: `q${i + 1}`, queue: "q", sequence: i })),
  );
}
const QUEUED = Array.from({ length: 35 }, (_, i) => `q${i}`);

/** One runs, all others of its queue are set aside. */
async function limited(store: FileStore, disk: SimDisk, settings: Partial<QueueSettings>) {
  await inQueue(store);
  await set(disk, settings);
  await store.claim(BY, NOW);
  await store.claim({ ...BY, worker: "w-3" }, NOW);
  await store.change("b", unclaimed, "w-3");
}

function comeAndGo(disk: SimDisk): void {
  const lock = FileWorkerLock.join(disk, DATA, undefined);
  lock.announce({ pid: 7, host: "box", startedAt: NOW });
  lock.heartbeat();
  lock.leave();
}

/** Another worker follows the job of a dead one to its end. */
async function adoption(store: FileStore, disk: SimDisk): Promise<void> {
  const place = FileWorkerLock.takeOver(disk, DATA, WORKER);
  if (place === undefined) throw new QueueError("refused", "Its place is taken already");
  try {
    await rescue(WORKER, {
      name: "w-2",
      jobs: store,
      adopt: () => Promise.resolve(anEnding("succeeded")),
      record: (job, ending) =>
        store.change(job.id, (job) => ended(job, ending, BACKOFF, NOW), WORKER),
      again: () => Promise.resolve(false),
      report: () => {},
    });
    place.leave();
  } finally {
    place.abandon();
  }
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "enqueue one",
    action: (store) => store.add([aJob({ id: "new" })]),
    adds: ["new"],
    leaves: { new: "pending" },
  },
  { name: "enqueue three", action: (store) => store.add(batch(3)), adds: ["n0", "n1", "n2"] },
  {
    name: "enqueue many",
    action: (store) => store.add(batch(35)),
    adds: Array.from({ length: 35 }, (_, i) => `n${i}`),
  },
  {
    name: "enqueue one that is blocked",
    action: (store) => store.add(blocked(1)),
    adds: ["n0"],
    leaves: { n0: "blocked" },
  },
  {
    name: "unblock",
    before: (store) => store.add(blocked(1)),
    action: (store) => store.change("n0", (job) => unblocked(job, NOW)),
    has: ["n0"],
    leaves: { n0: "pending" },
  },
  {
    name: "unblock one of many",
    before: (store) => store.add(blocked(35)),
    action: (store) => store.change("n7", (job) => unblocked(job, NOW)),
    has: Array.from({ length: 35 }, (_, i) => `n${i}`),
    leaves: { n7: "pending", n8: "blocked" },
  },
  {
    name: "cancel a blocked job",
    before: (store) => store.add(blocked(1)),
    action: (store) => store.change("n0", (job) => cancelled(job, NOW, "why")),
    has: ["n0"],
    leaves: { n0: "cancelled" },
  },
  { name: "claim", action: claim },
  {
    name: "give back before it began",
    before: claim,
    action: (store) => store.change("b", unclaimed, WORKER),
    leaves: { b: "pending" },
  },
  ...(["succeeded", "failed", "timed_out", "lost", "cancelled", "released"] as const).map((
    outcome,
  ): Scenario => ({
    name: `record ${outcome}`,
    before: claim,
    action: (store) =>
      store.change("b", (job) => ended(job, anEnding(outcome), BACKOFF, NOW), WORKER),
    leaves: {
      b: outcome === "succeeded"
        ? "completed"
        : outcome === "cancelled"
        ? "cancelled"
        : outcome === "released"
        ? "pending"
        : "failed",
    },
  })),
  {
    name: "claim a retry that is due",
    before: async (store) => {
      for (const id of ["b", "a"]) {
        await store.claim(BY, NOW);
        await store.change(id, (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW), WORKER);
      }
    },
    action: (store) => store.claim(BY, NOW + 60_000),
  },
  {
    name: "cancel",
    action: (store) => store.change("a", (job) => cancelled(job, NOW)),
    leaves: { a: "cancelled" },
  },
  {
    name: "cancel a retry",
    action: (store) => store.change("d", (job) => cancelled(job, NOW)),
    leaves: { d: "cancelled" },
  },
  {
    name: "dlq retry",
    action: (store) => store.change("e", (job) => retried(job, NOW)),
    leaves: { e: "pending" },
  },
  { name: "dlq remove", action: (store) => store.remove("e", removableFromDlq), removes: ["e"] },
  {
    name: "cleanup",
    action: (store) => store.remove("c", (job) => removableByCleanup(job, NOW)),
    removes: ["c"],
  },
  { name: "a worker comes and goes", action: (_, disk) => Promise.resolve(comeAndGo(disk)) },
  {
    name: "adoption",
    before: async (store, disk) => {
      FileWorkerLock.join(disk, DATA, WORKER).abandon();
      await claim(store);
    },
    action: adoption,
    leaves: { b: "completed" },
  },
  {
    name: "configuration",
    action: (_, disk) => Promise.resolve(mergeConfig(DATA, disk, { max_retries: 7 })),
  },
  {
    name: "set a limit",
    before: inQueue,
    action: (_, disk) => set(disk, { limit: 1 }),
    has: QUEUED,
  },
  {
    name: "claim under a limit and a rate",
    before: async (store, disk) => {
      await inQueue(store);
      await set(disk, { limit: 1, rate: { count: 1, seconds: 60 } });
    },
    action: claim,
    has: QUEUED,
  },
  {
    name: "claim of another queue beside one that is full",
    before: async (store, disk) => {
      await inQueue(store);
      await set(disk, { limit: 1 });
      await claim(store);
    },
    action: claim,
    has: QUEUED,
  },
  {
    name: "record in a queue that is full",
    before: (store, disk) => limited(store, disk, { limit: 1 }),
    action: (store) =>
      store.change("q0", (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW), WORKER),
    has: QUEUED,
    leaves: { q0: "completed" },
  },
  {
    name: "claim when a window opens",
    before: (store, disk) => limited(store, disk, { rate: { count: 1, seconds: 60 } }),
    action: (store) => store.claim(BY, NOW + 60_000),
    has: QUEUED,
  },
  {
    name: "take a limit away",
    before: (store, disk) => limited(store, disk, { limit: 1 }),
    action: (_, disk) => set(disk, { limit: null }),
    has: QUEUED,
  },
  {
    name: "cancel a job that is set aside",
    before: (store, disk) => limited(store, disk, { limit: 1 }),
    action: (store) => store.change("q7", (job) => cancelled(job, NOW)),
    has: QUEUED,
    leaves: { q7: "cancelled" },
  },
  { name: "backup", action: (_, disk) => Promise.resolve(backup(DATA, "/copy", disk)) },
  {
    name: "restore",
    before: async (store, disk) => {
      await store.change("e", (job) => retried(job, NOW));
      backup(DATA, "/copy", disk);
      await store.add([aJob({ id: "after" })]);
      for (const id of ["e", "after"]) await store.change(id, (job) => cancelled(job, NOW));
      store.close();
    },
    action: (_, disk) => restore(DATA, "/copy", disk),
    replacesAll: [...AT_FIRST],
  },
];
