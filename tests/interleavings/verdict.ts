// What must be true of a queue when the processes that used it have ended or died. Each state of
// the disk is checked once, however many schedules lead to it.
import { compareTurns, turnOf } from "../../src/queue/order.ts";
import type { Job } from "../../src/queue/job.ts";
import { UNRESTRICTED } from "../../src/queue/queues.ts";
import { ended, waitingStatus } from "../../src/queue/transitions.ts";
import { MANIFEST } from "../../src/stores/file/backup.ts";
import { check } from "../../src/stores/file/check.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { FileQueues } from "../../src/stores/file/queues.ts";
import { restore } from "../../src/stores/file/restore.ts";
import type { FileSystem } from "../../src/system/file_system.ts";
import { anEnding, changeAs } from "../support/jobs.ts";
import type { SimDisk } from "../support/sim_disk.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import { asProcess } from "./gated_process.ts";
import { DATA, NOW } from "./operations.ts";

/** What a state of the disk means: each job as text, and what is wrong. */
export interface Verdict {
  readonly jobs: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
}

const LOOKER = 8;
const LATER = NOW + 1e9;
const known = new Map<string, Verdict>();

/** Recovers what dead processes left, and checks all that must hold whatever has happened. */
export async function judge(disk: SimDisk): Promise<Verdict> {
  const fingerprint = disk.fingerprint();
  const before = known.get(fingerprint);
  if (before !== undefined) return before;
  const problems: string[] = [];
  const jobs = new Map<string, string>();
  disk.actor = LOOKER;
  const outcome = await asProcess(LOOKER, async () => {
    for (const job of await look(disk, problems)) jobs.set(job.id, JSON.stringify(job));
    await workOn(disk, problems);
    if (problems.length === 0) await look(disk, problems);
    await lookAtBackups(disk, problems);
  });
  disk.actor = 0;
  if (outcome.kind !== "done") {
    const error = outcome.kind === "broken" ? outcome.error : outcome.message;
    problems.push(`looking at it ends with ${error instanceof Error ? error.stack : error}`);
  }
  const verdict = { jobs, problems };
  known.set(fingerprint, verdict);
  return verdict;
}

async function look(files: SimDisk, problems: string[]): Promise<Job[]> {
  const store = await openFileStore(DATA, { files, now: () => NOW });
  try {
    await store.recover();
    await settleDeadWorkers(store, files);
    const list = await Array.fromAsync(store.list({}));
    const counts = new Map<string, number>();
    for (const { status } of list) counts.set(status.state, (counts.get(status.state) ?? 0) + 1);
    for (const [state, count] of Object.entries(await store.count())) {
      const listed = counts.get(state) ?? 0;
      if (count !== listed) problems.push(`count says ${count} ${state}, list says ${listed}`);
    }
    const ids = list.map(({ id }) => id);
    if (new Set(ids).size !== ids.length) problems.push(`listed twice: ${ids}`);
    for (const path of files.tree(`${DATA}/jobs`)) {
      if (!path.endsWith(".jsonl")) continue;
      const links = files.info(path)!.links;
      if (links !== 2) problems.push(`${path} has ${links} links`);
      const id = path.slice(path.lastIndexOf("/") + 1, -".jsonl".length);
      if (!ids.includes(id)) problems.push(`${id} is not listed`);
    }
    for (const { path, problem } of await check(DATA, files, { repair: false })) {
      problems.push(`check says: ${path} ${problem}`);
    }
    return list;
  } finally {
    await store.close();
  }
}

/** Who takes a dead worker's place puts the tickets right that lag behind; what runs goes on. */
async function settleDeadWorkers(store: FileStore, files: FileSystem): Promise<void> {
  for (const worker of files.names(`${DATA}/queue/running`)) {
    const place = FileWorkerLock.takeOver(files, DATA, worker);
    if (place === undefined) continue;
    await store.claimedBy(worker);
    place.abandon();
  }
}

/** All that waits can be claimed, in order, and ended; nothing else is. */
async function workOn(files: FileSystem, problems: string[]): Promise<void> {
  const store = await openFileStore(DATA, { files, now: () => LATER });
  const end = (job: Job, worker: string) =>
    changeAs(
      store,
      worker,
      job.id,
      (job) => ended(job, anEnding("succeeded"), { base: 1, max: 1 }, LATER),
    );
  try {
    const waiting: Job[] = [];
    const blocked = new Set<string>();
    for (const job of await Array.fromAsync(store.list({}))) {
      if (job.status.state === "blocked") blocked.add(job.id);
      if (job.status.state === "processing") await end(job, job.status.running.worker);
      else if (waitingStatus(job) !== undefined) waiting.push(job);
    }
    await openQueues(files);
    const turns = waiting.map((job) => turnOf(job, waitingStatus(job)!)).sort(compareTurns);
    const order = turns.map(({ id }) => id).join();
    const ran: string[] = [];
    const by = { worker: "worker-9", pid: 8, host: "box" };
    for (let job; (job = await store.claim(by, LATER)) !== undefined;) {
      ran.push(job.id);
      if (ran.length > waiting.length + blocked.size + 5) break;
      await end(job, by.worker);
    }
    // Those that are released on the way come where they come; they have to end, as all others.
    if (ran.filter((id) => !blocked.has(id)).join() !== order) {
      problems.push(`claimed ${ran}, and not ${order}`);
    }
    for (const { id, status } of await Array.fromAsync(store.list({}))) {
      if (!["completed", "dead", "cancelled"].includes(status.state)) {
        problems.push(`${id} stays ${status.state}`);
      }
    }
  } finally {
    await store.close();
  }
}

/** So that all may begin. */
async function openQueues(files: FileSystem): Promise<void> {
  if (files.info(`${DATA}/queues.json`) === undefined) return;
  const queues = new FileQueues(DATA, { files, now: () => LATER });
  await queues.change((await queues.list()).map(({ name }) => name), () => UNRESTRICTED);
}

/** A backup that is complete can be restored. */
async function lookAtBackups(files: FileSystem, problems: string[]): Promise<void> {
  for (const name of files.names("/").filter((name) => name.startsWith("backup-"))) {
    if (files.info(`/${name}/${MANIFEST}`) === undefined) continue;
    try {
      files.makeFolder(`/restored-${name}`);
      await restore(`/restored-${name}`, `/${name}`, files);
    } catch (error) {
      const why = error instanceof Error ? error.message : error;
      problems.push(`the backup can't be restored: ${why}`);
    }
  }
}
