// The operations of the tests with two processes, and the queue that they use: jobs in every state,
// with buckets of two.
import { type Claim, claimOf, type Job, type JobRequest } from "../../src/queue/job.ts";
import type { Outcome } from "../../src/queue/outcome.ts";
import {
  cancel,
  cleanUp,
  removeDead,
  type Results,
  retryDead,
  update,
} from "../../src/queue/operations.ts";
import { cancelled, ended, type Transition, unclaimed } from "../../src/queue/transitions.ts";
import { backup } from "../../src/stores/file/backup.ts";
import { setBucketSize } from "../../src/stores/file/bucketed_index.ts";
import { check } from "../../src/stores/file/check.ts";
import { openInbox } from "../../src/stores/file/inbox.ts";
import { openReader } from "../../src/stores/file/reader.ts";
import { restore } from "../../src/stores/file/restore.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import type { FileSystem } from "../../src/system/file_system.ts";
import { rescue } from "../../src/worker/rescue.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import { aJob, anEnding, changeAs, EPOCH } from "../support/jobs.ts";
import { SimDisk } from "../support/sim_disk.ts";
import type { Program } from "./gated_process.ts";

export const DATA = "/data";
export const NOW = EPOCH + 100_000;
export const BACKOFF = { base: 2, max: 60 };
/** The process that stands for all that live and are not under test. */
export const WORLD = 9;

export interface Operation {
  readonly name: string;
  readonly program: Program;
  /** The worker that does it, which lives as long as its process does. */
  readonly worker?: string;
  /** It changes several jobs one by one, by design: each by itself is looked at. */
  readonly isComposed?: boolean;
  /** It returns the ids that it has seen: those of all jobs that nobody touches must be there. */
  readonly isLooking?: boolean;
  /** It looks at many things one after the other, so that others may do two things meanwhile. */
  readonly isLong?: boolean;
  /** It changes one job, in few steps: what is long is stopped twice beside it. */
  readonly isShort?: boolean;
  /** It comes to many things: only what must hold in any case is looked at. */
  readonly isFree?: boolean;
  /** It puts another queue in the place of all. */
  readonly replacesAll?: boolean;
  /**
   * What it leaves when it dies waits for who takes the worker's place, and here nobody does: see
   * faults/hook_crash_test.ts.
   */
  readonly isForSuccessor?: boolean;
  /** It finds no worker: those that hold jobs are left out. */
  readonly isQuiet?: boolean;
}

/** A process that opens the store of these tests, does something, and closes it. */
export function withStore(
  action: (store: FileStore, files: FileSystem) => Promise<unknown>,
): Program {
  return async (files) => {
    const store = await openFileStore(DATA, { files, now: () => NOW });
    try {
      return await action(store, files);
    } finally {
      await store.close();
    }
  };
}

function adding(...jobs: Job[]): Program {
  return async (files) => {
    const inbox = await openInbox(DATA, files, () => NOW);
    try {
      return await inbox.add(jobs);
    } finally {
      await inbox.close();
    }
  };
}

/** The claims of the workers that have a job, by its id: each knows its own. */
const claims = new Map<string, Claim>();

const finishClaim = (id: string, claim: Claim, outcome: Outcome) => (store: FileStore) =>
  store.change(id, (job) => ended(job, anEnding(outcome), BACKOFF, NOW), claim)
    .then((job) => job.status.state);

const finish = (id: string, outcome: Outcome) => (store: FileStore) =>
  finishClaim(id, claims.get(id)!, outcome)(store);

const claimBy = (worker: string) => (store: FileStore) =>
  store.claim({ worker, pid: 7, host: "box" }, NOW).then((job) => job?.id);

/** Of a command for several jobs that is given one: what it says about that one. */
function only({ done, refused }: Results): string[] {
  if (refused.length > 0) throw refused[0];
  return done;
}

const newJob = (id: string, values: Partial<JobRequest> = {}) =>
  aJob({ id, createdAt: NOW, ...values });

/** Follows the job of the dead worker to its end, as another worker does. */
async function adopt(store: FileStore, files: FileSystem): Promise<unknown> {
  const place = FileWorkerLock.takeOver(files, DATA, "worker-2");
  if (place === undefined) return "taken";
  try {
    const states: string[] = [];
    await rescue("worker-2", {
      name: "worker-5",
      jobs: store,
      adopt: () => Promise.resolve(anEnding("succeeded")),
      record: async (job, ending) => {
        const transition: Transition = (job) => ended(job, ending, BACKOFF, NOW);
        const after = await store.change(job.id, transition, claimOf(job));
        states.push(`${after.id} ${after.status.state}`);
        return after;
      },
      again: () => Promise.resolve(false),
      report: () => {},
    });
    place.leave();
    return states;
  } finally {
    place.abandon();
  }
}

/** A worker's loop, with one store that remembers. */
const work = (worker: string, jobs: number) => async (store: FileStore) => {
  const done: string[] = [];
  for (let n = 0; n < jobs; n++) {
    const job = await store.claim({ worker, pid: 7, host: "box" }, NOW);
    if (job === undefined) continue;
    await finishClaim(job.id, claimOf(job), "succeeded")(store);
    done.push(job.id);
  }
  return done;
};

/** `storage check`; what it finds is what it says. */
export const checking = (repair: boolean): Program => async (files) =>
  (await check(DATA, files, { repair })).map(({ path, problem }) => `${path} ${problem}`);

/** What each worker does now and then. */
export const recovery = withStore((store) => store.recover());

export const OPERATIONS: readonly Operation[] = [
  { name: "add", isShort: true, program: adding(newJob("new1", { priority: 2 })) },
  {
    name: "add two",
    program: adding(newJob("new2"), newJob("new3", { sequence: 1, runAt: NOW + 5000 })),
  },
  {
    name: "add three",
    program: adding(
      newJob("new4"),
      newJob("new5", { sequence: 1, runAt: NOW + 5000 }),
      newJob("new6", { sequence: 2, priority: 2 }),
    ),
  },
  {
    name: "add one after w",
    program: withStore((store) => store.add([newJob("new7", { after: ["w"] })])),
  },
  {
    name: "add one after a",
    program: withStore((store) => store.add([newJob("new8", { after: ["a", "c1"] })])),
  },
  { name: "add one with a key", program: adding(newJob("new9", { unique: "key" })) },
  { name: "add another with the key", program: adding(newJob("newx", { unique: "key" })) },
  { name: "add d1 again", program: adding(newJob("d1")) },
  { name: "add c1 again", program: adding(newJob("c1")) },
  { name: "claim", isShort: true, worker: "worker-3", program: withStore(claimBy("worker-3")) },
  { name: "claim too", worker: "worker-6", program: withStore(claimBy("worker-6")) },
  { name: "work", isShort: true, worker: "worker-4", program: withStore(work("worker-4", 1)) },
  {
    name: "work on four",
    worker: "worker-8",
    program: withStore(work("worker-8", 4)),
    isFree: true,
  },
  {
    name: "succeed",
    isShort: true,
    worker: "worker-1",
    program: withStore(finish("w", "succeeded")),
  },
  {
    name: "succeed and add",
    worker: "worker-1",
    isForSuccessor: true,
    program: withStore((store) =>
      store.change(
        "w",
        (job) => ended(job, anEnding("succeeded"), BACKOFF, NOW),
        claims.get("w")!,
        () => newJob("added"),
      ).then((job) => job.status.state)
    ),
  },
  { name: "fail", worker: "worker-1", program: withStore(finish("w", "failed")) },
  { name: "release", worker: "worker-1", program: withStore(finish("w", "released")) },
  {
    name: "unclaim",
    worker: "worker-1",
    program: withStore((store) =>
      store.change("w", unclaimed, claims.get("w")!).then(({ id }) => id)
    ),
  },
  {
    name: "retry",
    isShort: true,
    program: withStore((store) => retryDead(store, ["d1"]).then(only)),
  },
  {
    name: "remove",
    isShort: true,
    program: withStore((store) => removeDead(store, ["d1"]).then(only)),
  },
  {
    name: "cancel",
    isShort: true,
    program: withStore((store) => cancel(store, "a").then(({ id }) => id)),
  },
  {
    name: "cancel one of a batch",
    program: withStore((store) => cancel(store, "s1").then(({ id }) => id)),
  },
  {
    name: "update",
    program: withStore((store) => update(store, "a", { priority: -1 }).then(({ id }) => id)),
  },
  {
    name: "cleanup",
    program: withStore((store) => cleanUp(store, NOW, () => {}).then(() => {})),
    isComposed: true,
  },
  { name: "check", program: checking(false), isLong: true },
  { name: "repair", program: checking(true), isLong: true },
  { name: "recover", program: recovery },
  { name: "adopt", program: withStore(adopt), worker: "worker-5" },
  {
    name: "backup",
    program: (files) =>
      Promise.resolve(backup(DATA, `/backup-${crypto.randomUUID().slice(0, 8)}`, files))
        .then(() => {}),
  },
  {
    name: "list",
    program: async (files) => {
      const reader = await openReader(DATA, files, () => {});
      const ids = (await Array.fromAsync(reader.list({}))).map(({ id }) => id);
      if (new Set(ids).size !== ids.length) throw new Error(`listed twice: ${ids}`);
      return ids;
    },
    isLooking: true,
    isLong: true,
  },
  {
    name: "join and claim",
    program: withStore((store, files) => {
      FileWorkerLock.join(files, DATA, "worker-7");
      return claimBy("worker-7")(store);
    }),
    isQuiet: true,
  },
  {
    name: "restore",
    program: (files) => Promise.resolve(restore(DATA, "/old", files)).then(() => {}),
    isQuiet: true,
    replacesAll: true,
  },
];

/** The queue that the operations find. */
export async function prepared({ quiet = false } = {}): Promise<SimDisk> {
  setBucketSize(2);
  const disk = new SimDisk();
  disk.makeFolder(DATA);
  let now = EPOCH;
  const store = await openFileStore(DATA, { files: disk, now: () => now });
  const at = (id: string, values: Partial<Job> = {}) => aJob({ id, createdAt: now, ...values });
  const endings: [string, Outcome][] = [
    ["c1", "succeeded"],
    ["c2", "succeeded"],
    ["d1", "failed"],
    ["d2", "timed_out"],
    ["c3", "succeeded"],
    ["f", "failed"],
  ];
  for (const [id, outcome] of endings) {
    if (quiet && ["c2", "c3", "d2"].includes(id)) continue; // a restore copies all there is
    now += 1000;
    const maxRetries = id.startsWith("d") ? 0 : 3;
    await store.add([at(id, { maxRetries })]);
    await store.claim({ worker: "worker-1", pid: 7, host: "box" }, now);
    disk.create(`${DATA}/jobs/${id.padEnd(2).slice(0, 2).trim()}/${id}.1.log`, "printed\n");
    const backoff = { base: 1000, max: 1000 };
    await changeAs(
      store,
      "worker-1",
      id,
      (job) => ended(job, anEnding(outcome), backoff, now + 1),
    );
  }
  await store.add([at("x")]);
  await store.change("x", (job) => cancelled(job, now));
  if (quiet) backup(DATA, "/old", disk);
  else {
    for (const [id, worker] of [["w", "worker-1"], ["o", "worker-2"]] as const) {
      await store.add([at(id)]);
      const job = await store.claim({ worker, pid: 7, host: "box" }, now);
      claims.set(id, claimOf(job!));
    }
  }
  for (const worker of ["worker-2", "worker-1"]) {
    if (quiet) continue;
    const place = FileWorkerLock.join(disk, DATA, worker);
    place.announce({ pid: 7, host: "box", startedAt: now });
    place.abandon();
    const lines = `shell 70 boot 700\n+ ${worker === "worker-1" ? "w" : "o"} 1 ${now}\n`;
    disk.create(`${DATA}/workers/${worker}.runs`, lines);
  }
  now += 1000;
  await store.add([at("a", { priority: 1 })]);
  await store.add([at("g", { runAt: now + 1000 })]);
  if (!quiet) await store.add([at("l", { runAt: NOW + 3_600_000 })]);
  await store.add([0, 1, 2].map((sequence) => at(`s${sequence + 1}`, { sequence })));
  await store.close();
  return disk;
}
