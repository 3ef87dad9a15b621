// Repairs jobs that had just ended before a power cut. The line in the job's file is written before
// the ticket moves, but neither is synced, so a file system may keep the move and lose the line.
// Then the job waits by its file and has ended by its ticket, for ever. The ticket is right, since
// it moved only after the line was written. This is looked for once after each boot, among the jobs
// that ended last.
import { hasEnded, type Job } from "../../queue/job.ts";
import type { Boot } from "../../system/boot.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { BucketedIndex, ignoreNotFound } from "./bucketed_index.ts";
import { layMissing } from "./check_dependents.ts";
import { encodeState } from "./codec.ts";
import { uniqueName } from "./inbox.ts";
import { JobFiles } from "./job_files.ts";
import { COMMAND_HOLDER, jobPath, lockPath, parseTicket, type Ticket } from "./layout.ts";
import { stateOf } from "./listing.ts";
import { Tickets } from "./tickets.ts";

/**
 * How many milliseconds before the last surviving change are looked at; file systems write back
 * within a minute.
 */
const WINDOW = 5 * 60_000;

/**
 * The line that is missing in a job's file although its ticket says that it has ended; undefined if
 * none is missing.
 */
export function lostLine(job: Job, ticket: Ticket): string | undefined {
  const state = stateOf(ticket.tag);
  const isEnded = state === "completed" || state === "dead" || state === "cancelled";
  return isEnded && !hasEnded(job) ? encodeState(state, ticket.at) : undefined;
}

/**
 * Writes the lines that were lost, if the machine has booted since the last call on this data
 * folder.
 *
 * @returns how many lines
 */
export function restoreLostLines(dataDir: string, files: FileSystem, boot: Boot): number {
  const path = `${dataDir}/workers/boot.json`;
  if (bootIn(files, path) === boot.id) return 0;
  const lock = files.lock(lockPath(dataDir, `${COMMAND_HOLDER}reboot`));
  if (lock === undefined) return 0; // another `start` is doing it
  try {
    const restored = restoreAll(dataDir, files, boot.at);
    const tickets = new Tickets(files, dataDir, uniqueName());
    layMissing({ dataDir, jobs: new JobFiles(files, dataDir), tickets });
    ignoreNotFound(() => files.remove(path));
    files.create(path, JSON.stringify({ schema: 1, boot: boot.id }) + "\n");
    ignoreNotFound(() => files.remove(lockPath(dataDir, `${COMMAND_HOLDER}reboot`)));
    return restored;
  } finally {
    lock.release();
  }
}

function bootIn(files: FileSystem, path: string): unknown {
  try {
    return JSON.parse(files.readText(path)).boot;
  } catch {
    return undefined; // missing, or torn
  }
}

function restoreAll(dataDir: string, files: FileSystem, bootedAt: number): number {
  const buckets = ["completed", "dead", "cancelled"].flatMap((state) => {
    const index = new BucketedIndex(files, `${dataDir}/queue/${state}`);
    return index.buckets().map((bucket) => {
      const changedAt = files.info(index.path(bucket.name))?.modifiedAt ?? 0;
      return { index, bucket, changedAt };
    });
  });
  const before = buckets.map(({ changedAt }) => changedAt).filter((time) => time <= bootedAt);
  const since = before.reduce((a, b) => Math.max(a, b), 0) - WINDOW;
  const jobs = new JobFiles(files, dataDir);
  let restored = 0;
  for (const { index, bucket, changedAt } of buckets) {
    if (changedAt < since) continue;
    for (const name of index.tickets(bucket)) {
      const ticket = parseTicket(name)!;
      if (ticket.at < since) continue;
      const line = lineFor(ticket);
      // A user who retries the job takes the ticket first, so if it is still there, nobody does.
      // And nobody can from here on, since by its file the job has not ended.
      if (line === undefined || !index.has(bucket.name, name)) continue;
      files.append(jobPath(dataDir, ticket.id), line);
      restored++;
    }
  }
  return restored;

  function lineFor(ticket: Ticket): string | undefined {
    try {
      const decoded = jobs.read(ticket.id);
      const line = decoded && lostLine(decoded.job, ticket);
      return line && (decoded.unended ? `\n${line}` : line);
    } catch {
      return undefined; // damaged: `storage check` reports it
    }
  }
}
