// Replaces a queue by a backup. The backup is read completely and copied beside the old queue
// before anything is changed. A rename makes the copy valid; from then on, whoever opens the store
// completes the restore. No worker can start from before the check for workers until the end.
import { stillAwaitedBy } from "../../queue/dependencies.ts";
import { hasEnded, type Job } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import type { LeftOut, RestoreOptions } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";
import { type Layout, layOut, note } from "./bulk_index.ts";
import { decode } from "./codec.ts";
import { Deadlines } from "./deadlines.ts";
import { Dependents, waiterLine } from "./dependents.ts";
import { liveWorker, removeTree, swap } from "./complete_restore.ts";
import { JobFiles } from "./job_files.ts";
import {
  COMMAND_HOLDER,
  FOLDERS,
  isOfQueue,
  jobFolder,
  lockPath,
  parseJobFile,
  parseTicket,
  queuesPath,
  RESTORING,
  schedulesFolder,
} from "./layout.ts";
import { heldTickets, whileHeld } from "./listing.ts";
import { isLocked, lockMaintenance, PAUSE, REPAIR, RESTORE, TRIES } from "./maintenance.ts";
import { queuesText } from "./queues_file.ts";
import { scheduleNames } from "./schedules.ts";
import { configPath } from "./settings.ts";
import { addedMeanwhile } from "../shared/restoring.ts";
import { UniqueKeys } from "./unique_keys.ts";
import { readBackup, type SavedQueue } from "./read_backup.ts";

export interface Restored {
  readonly jobs: number;
  /** Files in the backup that were left out. */
  readonly leftOut: readonly LeftOut[];
}

/**
 * Replaces the queue by the backup in `from`.
 * @throws QueueError `damaged` if the backup is not whole; `refused` while workers or jobs run, or
 *   something is there that may not be replaced. Then nothing was changed.
 */
export async function restore(
  dataDir: string,
  from: string,
  files: FileSystem,
  progress: Progress = () => {},
  { over }: RestoreOptions = { over: true },
): Promise<Restored> {
  refuseWhileWorking(dataDir, files);
  const saved = readBackup(from, files, progress);
  makeUnlessThere(files, `${dataDir}/workers`);
  await withLocks(dataDir, files, async () => {
    await waitForCommands(dataDir, files);
    refuseWhileWorking(dataDir, files);
    // Another restore has died and left this.
    if (files.info(`${dataDir}/${RESTORING}`) !== undefined) swap(dataDir, files);
    if (!over && isAnythingKept(dataDir, files)) throw addedMeanwhile();
    // Not before, since another restore might have been about to move one of them into place.
    for (const folder of FOLDERS) makeUnlessThere(files, `${dataDir}/${folder}`);
    const staged = `${dataDir}/tmp/restore-${crypto.randomUUID()}`;
    try {
      stage(staged, from, saved, files, progress);
      // If the backup has no queue settings, existing ones are replaced by empty ones.
      const hadQueues = files.info(queuesPath(dataDir)) !== undefined;
      const queues = saved.queues ?? (hadQueues ? queuesText(new Map()) : undefined);
      if (queues !== undefined) files.create(queuesPath(staged), queues);
      files.syncAll(dataDir);
      refuseWhileWorking(dataDir, files);
      files.rename(staged, `${dataDir}/${RESTORING}`);
    } catch (error) {
      removeTree(files, staged);
      throw error;
    }
    swap(dataDir, files);
  });
  return { jobs: saved.jobs.length, leftOut: saved.leftOut };
}

/**
 * Holds both locks: a repair must not run while the queue is replaced, and a starting worker must
 * see the restore.
 */
async function withLocks(dataDir: string, files: FileSystem, action: () => Promise<void>) {
  const repair = await lockMaintenance(dataDir, files, REPAIR);
  try {
    const lock = await lockMaintenance(dataDir, files, RESTORE);
    try {
      await action();
    } finally {
      ignoreNotFound(() => files.remove(lockPath(dataDir, RESTORE)));
      lock.release();
    }
  } finally {
    ignoreNotFound(() => files.remove(lockPath(dataDir, REPAIR)));
    repair.release();
  }
}

/** Waits for running commands, which take only a moment. New ones see the lock. */
async function waitForCommands(dataDir: string, files: FileSystem): Promise<void> {
  const own = [RESTORE, REPAIR].map((name) => `${name}.lock`);
  const isLive = (file: string) =>
    file.startsWith(COMMAND_HOLDER) && file.endsWith(".lock") && !own.includes(file) &&
    isLocked(`${dataDir}/workers/${file}`, files);
  for (let tries = 0; files.names(`${dataDir}/workers`).some(isLive); tries++) {
    if (tries === TRIES) {
      throw new QueueError(
        "refused",
        "Cannot restore while a command changes the queue; nothing was changed",
        { hint: "Try again when it has ended" },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** Whether there are jobs, schedules or settings. */
function isAnythingKept(dataDir: string, files: FileSystem): boolean {
  const jobs = `${dataDir}/jobs`;
  const namesIn = (path: string) => ignoreNotFound(() => files.names(path)) ?? [];
  return namesIn(jobs).some((folder) =>
    namesIn(`${jobs}/${folder}`).some((name) => parseJobFile(folder, name)?.kind === "job")
  ) || scheduleNames(dataDir, files).length > 0 || files.info(configPath(dataDir)) !== undefined;
}

function refuseWhileWorking(dataDir: string, files: FileSystem): void {
  if (liveWorker(dataDir, files) !== undefined) {
    throw new QueueError("refused", "Cannot restore while workers run; nothing was changed", {
      hint: "Stop them first: queuectl stop",
    });
  }
  const running = ignoreNotFound(() => files.names(`${dataDir}/queue/running`)) ?? [];
  for (const worker of running) {
    const id = worker.startsWith(COMMAND_HOLDER) ? undefined : unsettledJob(dataDir, files, worker);
    if (id === undefined) continue;
    throw new QueueError(
      "refused",
      `Cannot restore: job "${id}" may still run, although its worker ${worker} has died; nothing was changed`,
      { hint: "End it first: queuectl stop --force" },
    );
  }
}

/** A job that a dead worker has left running, and that may still run. */
function unsettledJob(dataDir: string, files: FileSystem, worker: string): string | undefined {
  const jobs = new JobFiles(files, dataDir);
  const places = { files, running: `${dataDir}/queue/running` };
  for (const { name } of heldTickets(places, worker)) {
    const ticket = parseTicket(name)!;
    try {
      const job = jobs.read(ticket.id)?.job;
      // The job has ended; only its ticket lags behind.
      if (job && whileHeld(job, worker, ticket, () => null).status.state !== "processing") continue;
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
    }
    return ticket.id;
  }
  return undefined;
}

function stage(
  staged: string,
  from: string,
  { jobs, schedules, config }: SavedQueue,
  files: FileSystem,
  progress: Progress,
): void {
  files.makeFolder(staged);
  for (const folder of FOLDERS) {
    if (isOfQueue(folder)) files.makeFolder(`${staged}/${folder}`);
  }
  const layout: Layout = new Map();
  const waiting = new Map<string, string[]>();
  const hurried: Job[] = [];
  const keys = new UniqueKeys(files, staged, `${staged}/queue`);
  const now = Date.now();
  for (const [index, { id, text, logs }] of jobs.entries()) {
    progress(jobs.length + index, jobs.length * 2);
    const folder = jobFolder(staged, id);
    makeUnlessThere(files, folder);
    files.create(`${folder}/${id}.jsonl`, text);
    for (const log of logs) files.copy(`${from}/jobs/${log}`, `${staged}/jobs/${log}`);
    const { job } = decode(text, id, id);
    note(layout, job, now);
    if (job.startBy !== null && !hasEnded(job)) hurried.push(job);
    if (job.unique !== null && !hasEnded(job)) keys.hold(job.unique, id, false);
    for (const awaited of stillAwaitedBy(job)) {
      const lines = waiting.get(awaited.id) ?? [];
      lines.push(waiterLine(job, awaited));
      waiting.set(awaited.id, lines);
    }
  }
  layOut(files, staged, layout);
  new Deadlines(files, staged, "r").lay(hurried, `${staged}/queue/`);
  const dependents = new Dependents(files, staged, "r");
  for (const [id, names] of waiting) {
    dependents.lay(id, names, `${staged}/queue/`);
    dependents.markIfEnded(id);
  }
  // If the backup has no schedules, existing ones are replaced by an empty folder.
  files.makeFolder(schedulesFolder(staged));
  for (const { name, text } of schedules) {
    files.create(`${schedulesFolder(staged)}/${name}.json`, text);
  }
  // If the backup has no configuration, an empty one (the defaults) replaces the existing one.
  files.create(`${staged}/config.json`, config ?? "{}\n");
}
