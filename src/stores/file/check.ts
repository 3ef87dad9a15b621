// Checks a data folder for damage and inconsistencies. It may be in use meanwhile, so only what is
// certain is reported. With `repair` it repairs what it can; what can't be read is set aside, never
// deleted.
import { hasEnded, type Job } from "../../queue/job.ts";
import type { CheckOptions, Finding, LastRun } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { checkDependents } from "./check_dependents.ts";
import { checkJobFiles } from "./check_jobs.ts";
import { checkKeys } from "./check_keys.ts";
import { checkNames } from "./check_names.ts";
import { TicketCheck } from "./check_tickets.ts";
import { Findings } from "./findings.ts";
import { JobFiles } from "./job_files.ts";
import { FOLDERS, isOfQueue } from "./layout.ts";
import {
  isBeingRestored,
  lockMaintenance,
  refusedByRestore,
  REPAIR,
  unlessRestored,
} from "./maintenance.ts";
import { prepareFolder } from "./prepare_folder.ts";
import { openFileStore } from "./store.ts";
import { checkSchedules } from "./schedules.ts";
import { TicketPlaces } from "./ticket_places.ts";
import { Tickets } from "./tickets.ts";

/**
 * Checks every file of the data folder.
 *
 * @returns what was found, repaired or not
 *
 * @throws QueueError `refused` while another process repairs or restores
 */
export async function check(
  dataDir: string,
  files: FileSystem,
  { repair, lastRun = () => undefined }: CheckOptions,
  progress: Progress = () => {},
): Promise<Finding[]> {
  const findings = new Findings(files, dataDir, repair);
  // The folders that a restore does not replace. Without them nothing else can be checked.
  const own = FOLDERS.filter((folder) => !isOfQueue(folder)).map((folder) => `/${folder}`);
  const there = ["", ...own].filter((folder) => findings.checkFolder(dataDir + folder));
  if (there.length <= own.length) return findings.all;
  if (repair) await repairAll(dataDir, files, findings, progress, lastRun);
  else {
    await prepareFolder(dataDir, files);
    checkAll({ dataDir, files, findings, lastRun }, progress);
  }
  return findings.all;
}

/**
 * Only one process repairs at a time. It uses a command's name, so that if it dies, whoever
 * recovers that name finishes what it holds.
 */
async function repairAll(
  dataDir: string,
  files: FileSystem,
  findings: Findings,
  progress: Progress,
  lastRun: LastRun,
): Promise<void> {
  const store = await openFileStore(dataDir, { files });
  try {
    // What dead commands left half done is no damage. It is completed first, as a worker would.
    await store.recover();
    const lock = await lockMaintenance(dataDir, files, REPAIR);
    try {
      if (isBeingRestored(dataDir, files)) throw refusedByRestore();
      const addOwed = (id: string) => store.addOwed(id);
      checkAll({ dataDir, files, findings, lastRun, addOwed }, progress);
    } finally {
      lock.release();
      await store.recover();
    }
  } finally {
    await store.close();
  }
}

/** Runs all checks, synchronously. A repair holds the lock of its name meanwhile. */
export function checkAll(
  { dataDir, files, findings, lastRun = () => undefined, addOwed = () => {} }: CheckAllParts,
  progress: Progress,
): void {
  unlessRestored(dataDir, files, () => {
    const folders = FOLDERS.filter(isOfQueue);
    const there = folders.filter((folder) => findings.checkFolder(`${dataDir}/${folder}`));
    const inside = { dataDir, files, findings, lastRun, addOwed };
    if (there.length === folders.length) checkInside(inside, progress);
  });
}

interface CheckAllParts {
  readonly dataDir: string;
  readonly files: FileSystem;
  readonly findings: Findings;
  readonly lastRun?: LastRun;
  /** Adds the job that the end of this one should have added, if any. */
  readonly addOwed?: (id: string) => void;
}

function checkInside(
  { dataDir, files, findings, lastRun, addOwed }: Required<CheckAllParts>,
  progress: Progress,
): void {
  const jobs = new JobFiles(files, dataDir);
  const tickets = new Tickets(files, dataDir, `c${Deno.pid}`);
  const parts = { dataDir, files, jobs, tickets, findings, lastRun };
  const places = new TicketPlaces(parts);
  const ticketCheck = new TicketCheck({ ...parts, places, addOwed });

  checkNames(dataDir, files, findings);
  checkSchedules(dataDir, files, findings);
  places.noteAll();
  const keyed: Job[] = [];
  const seen = (job: Job) => void (job.unique !== null && !hasEnded(job) && keyed.push(job));
  const ids = checkJobFiles({ ...parts, places, seen });
  let done = 0;
  for (const id of ids) {
    progress(done++, ids.size);
    ticketCheck.checkJob(id);
  }
  for (const id of places.ids()) {
    if (!ids.has(id)) ticketCheck.checkWithoutJob(id);
  }
  checkDependents({ dataDir, jobs, tickets, findings });
  checkKeys({ dataDir, files, jobs, findings }, keyed);
  progress(ids.size, ids.size);
}
