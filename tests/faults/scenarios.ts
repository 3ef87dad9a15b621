// The operations to interrupt: everything that changes a data folder, on one with jobs in every
// state.
import { FileSettings } from "../../src/stores/file/settings.ts";
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
import { removableOnceEnded, retriedOnceEnded, updated } from "../../src/queue/revise.ts";
import { backup } from "../../src/stores/file/backup.ts";
import { setPortion } from "../../src/stores/file/release.ts";
import { FileQueues } from "../../src/stores/file/queues.ts";
import { restore } from "../../src/stores/file/restore.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import { rescue } from "../../src/worker/rescue.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
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
  setPortion(2);
  const disk = new SimDisk();
  disk.makeFolder(DATA);
  const store = await openAt(disk);
  const ends: Record<string, Outcome> = { c: "succeeded", d: "failed", e: "timed_out" };
  for (const id of ["c", "d", "e"]) {
    await store.add([aJob({ id, maxRetries: id === "e" ? 0 : 3 })]);
    await store.claim(BY, NOW - 900);
    await changeAs(store, WORKER, id, (job) => ended(job, anEnding(ends[id]!), BACKOFF, NOW - 800));
    disk.create(`${DATA}/jobs/${id}/${id}.1.log`, "printed\n");
  }
  await store.add([aJob({ id: "f" })]);
  await store.change("f", (job) => cancelled(job, NOW - 700));
  await store.add([aJob({ id: "a" }), aJob({ id: "b", priority: 1, sequence: 1 })]);
  await store.close();
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

/** Jobs that wait for `id`, and for one another. */
const waiting = (id: string) => [
  aJob({ id: "n0", createdAt: NOW, after: [id] }),
  aJob({ id: "n1", createdAt: NOW, sequence: 1, after: [id, "d"] }),
  aJob({ id: "n2", createdAt: NOW, sequence: 2, afterAny: [id] }),
  aJob({ id: "n3", createdAt: NOW, sequence: 3, after: ["n0"] }),
];

/** Jobs that wait for `b`, which has just ended: none of them has been told. */
async function endOneOfMany(store: FileStore): Promise<void> {
  await store.add(blocked(3).map((job) => ({ ...job, after: ["b"], priority: -1 })));
  await claim(store);
  await changeAs(store, WORKER, "b", (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW));
}
const MANY = Array.from({ length: 3 }, (_, i) => `n${i}`);

const related = () => [
  aJob({ id: "n0", createdAt: NOW, after: ["n1"] }),
  aJob({ id: "n1", createdAt: NOW, sequence: 1, after: ["c"] }),
];
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
  await changeAs(store, "w-3", "b", unclaimed);
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
        changeAs(store, WORKER, job.id, (job) => ended(job, ending, BACKOFF, NOW)),
      again: () => Promise.resolve(false),
      report: () => {},
    });
    place.leave();
  } finally {
    place.abandon();
  }
}

/** What a user changes of jobs that wait, or does with one that has ended. */
const changing: readonly Scenario[] = [
  {
    name: "update the priority",
    action: (store) => store.change("a", (job) => updated(job, { priority: 3, queue: "q" })),
    leaves: { a: "pending" },
  },
  {
    name: "update the time of a retry",
    action: (store) => store.change("d", (job) => updated(job, { runAt: NOW + 90_000 })),
    leaves: { d: "failed" },
  },
  {
    name: "update one of many",
    before: (store) => store.add(batch(35)),
    action: (store) => store.change("n0", (job) => updated(job, { runAt: NOW - 1 })),
    has: Array.from({ length: 35 }, (_, i) => `n${i}`),
    leaves: { n0: "pending" },
  },
  ...["c", "e", "f"].map((id): Scenario => ({
    name: `retry the ended job ${id}`,
    action: (store) => store.change(id, (job) => retriedOnceEnded(job, NOW)),
    leaves: { [id]: "pending" },
  })),
  {
    name: "remove a cancelled job",
    action: (store) => store.remove("f", removableOnceEnded),
    removes: ["f"],
  },
];

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
  {
    name: "enqueue one that waits for one that has completed",
    action: (store) => store.add([aJob({ id: "n0", createdAt: NOW, after: ["c"] })]),
    adds: ["n0"],
    leaves: { n0: "pending" },
  },
  {
    name: "enqueue two, one that waits for the other, and that for one that has completed",
    action: (store) => store.add(related()),
    adds: ["n0", "n1"],
  },
  {
    name: "end one that others wait for",
    before: async (store) => {
      await store.add(waiting("b"));
      await claim(store);
    },
    action: (store) =>
      changeAs(store, WORKER, "b", (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW))
        .finally(() => store.recover()),
    has: ["n0", "n1", "n2", "n3"],
    leaves: { b: "completed", n0: "pending", n1: "blocked", n2: "pending", n3: "blocked" },
  },
  {
    name: "claim when many wait for what has ended",
    before: endOneOfMany,
    action: claim,
    has: MANY,
  },
  {
    name: "claim for a queue that has no jobs when many wait for what has ended",
    before: endOneOfMany,
    action: (store) => store.claim(BY, NOW, ["none"]),
    has: MANY,
    leaves: { n0: "pending", n2: "pending" },
  },
  {
    name: "retry one that has ended, and that many wait for",
    before: async (store) => {
      await endOneOfMany(store);
      await claim(store); // which tells some of them
    },
    action: (store) => store.change("b", (job) => retriedOnceEnded(job, NOW)),
    has: MANY,
    leaves: { b: "pending", n0: "pending", n2: "pending" },
  },
  {
    name: "cancel one that others wait for",
    before: (store) => store.add(waiting("a")),
    action: (store) => store.change("a", (job) => cancelled(job, NOW)),
    has: ["n0", "n1", "n2", "n3"],
    leaves: { a: "cancelled", n0: "cancelled", n1: "cancelled", n2: "pending", n3: "cancelled" },
  },
  {
    name: "remove a dead one that others wait for",
    before: (store) => store.add(waiting("e").slice(1, 3)),
    action: (store) => store.remove("e", removableFromDlq),
    has: ["n1", "n2"],
    removes: ["e"],
    leaves: { n1: "cancelled", n2: "pending" },
  },
  {
    name: "enqueue one with a key",
    action: (store) => store.add([aJob({ id: "n0", createdAt: NOW, unique: "key" })]),
    adds: ["n0"],
    leaves: { n0: "pending" },
  },
  {
    name: "enqueue two with keys, of which one has ended",
    before: async (store) => {
      await store.add([aJob({ id: "k", createdAt: NOW, unique: "key" })]);
      await store.change("k", (job) => cancelled(job, NOW));
    },
    action: (store) =>
      store.add([
        aJob({ id: "n0", createdAt: NOW, unique: "key" }),
        aJob({ id: "n1", createdAt: NOW, sequence: 1, unique: "another" }),
      ]),
    has: ["k"],
    adds: ["n0", "n1"],
  },
  {
    name: "retry one with a key",
    before: async (store) => {
      await store.add([
        aJob({ id: "k", createdAt: NOW, unique: "key", priority: 9, maxRetries: 0 }),
      ]);
      await store.claim(BY, NOW);
      await changeAs(store, WORKER, "k", (job) => ended(job, anEnding("failed"), BACKOFF, NOW));
    },
    action: (store) => store.change("k", (job) => retried(job, NOW)),
    has: ["k"],
    leaves: { k: "pending" },
  },
  {
    name: "enqueue one that is to begin in time",
    action: (store) => store.add([aJob({ id: "n0", createdAt: NOW, startBy: NOW + 1 })]),
    adds: ["n0"],
    leaves: { n0: "pending" },
  },
  {
    name: "call off what has not begun in time",
    before: (store) => store.add([aJob({ id: "n0", startBy: NOW - 5000, after: ["a"] })]),
    action: (store) => store.recover(),
    has: ["n0"],
    leaves: { n0: "cancelled" },
  },
  {
    name: "claim where the first has not begun in time",
    before: (store) => store.add([aJob({ id: "n0", priority: 9, startBy: NOW - 5000 })]),
    action: claim,
    has: ["n0"],
  },
  { name: "claim", action: claim },
  {
    name: "give back before it began",
    before: claim,
    action: (store) => changeAs(store, WORKER, "b", unclaimed),
    leaves: { b: "pending" },
  },
  ...(["succeeded", "failed", "timed_out", "lost", "cancelled", "released"] as const).map((
    outcome,
  ): Scenario => ({
    name: `record ${outcome}`,
    before: claim,
    action: (store) =>
      changeAs(store, WORKER, "b", (job) => ended(job, anEnding(outcome), BACKOFF, NOW)),
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
        await changeAs(store, WORKER, id, (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW));
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
  ...changing,
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
    action: (_, disk) => new FileSettings(DATA, disk).merge({ max_retries: 7 }),
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
      changeAs(store, WORKER, "q0", (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW)),
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
      await store.close();
    },
    action: (_, disk) => restore(DATA, "/copy", disk),
    replacesAll: [...AT_FIRST],
  },
];
