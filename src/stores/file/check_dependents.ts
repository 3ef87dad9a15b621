// The part of a check that makes sure that blocked jobs will be told when the jobs they wait for
// end. It reads only blocked jobs. It reports only what is certain, also while the queue is in use;
// see dependents.ts for the order of writes.
import { type Awaited, fateOf, meaningOf, stillAwaitedBy } from "../../queue/dependencies.ts";
import { isJobId, type Job } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import { namesIn } from "./bucketed_index.ts";
import { Deadlines, isDeadlines } from "./deadlines.ts";
import { isMark, isWaiters, waiterKey } from "./dependents.ts";
import type { Findings } from "./findings.ts";
import { uniqueName } from "./inbox.ts";
import type { JobFiles } from "./job_files.ts";
import { jobPath, parseTicket } from "./layout.ts";
import type { Tickets } from "./tickets.ts";

export interface DependentsParts {
  readonly dataDir: string;
  readonly jobs: JobFiles;
  readonly tickets: Tickets;
}

/** Reports blocked jobs that would not be told, and writes the missing entries again. */
export function checkDependents(parts: DependentsParts & { readonly findings: Findings }): void {
  const { dataDir, findings, tickets } = parts;
  const queue = `${dataDir}/queue`;
  for (const id of checkNamesIn(parts, `${queue}/dependents`, "folder", isJobId)) {
    checkNamesIn(parts, `${queue}/dependents/${id}`, "file", isWaiters);
  }
  checkNamesIn(parts, `${queue}/settling`, "file", isMark);
  checkNamesIn(parts, `${queue}/unique`, "file", (name) => /^[0-9a-f]{32}$/.test(name));
  const isMinute = (name: string) => /^\d{13}$/.test(name);
  for (const minute of checkNamesIn(parts, `${queue}/deadlines`, "folder", isMinute)) {
    checkNamesIn(parts, `${queue}/deadlines/${minute}`, "file", isDeadlines);
  }
  findUntold(parts, (job, { id }, problem) => {
    findings.add(jobPath(dataDir, job.id), `waits for job ${id}, ${problem}`, () => {
      tickets.dependents.layAgain(job);
      return "it will be told";
    });
  });
}

/** The valid names in a folder. All others are reported. */
function checkNamesIn(
  { findings, tickets: { files } }: DependentsParts & { readonly findings: Findings },
  folder: string,
  kind: "file" | "folder",
  isOurs: (name: string) => boolean,
): string[] {
  return namesIn(files, folder).filter((name) => {
    const info = files.info(`${folder}/${name}`);
    if (info === undefined) return false;
    if (isOurs(name) && info.kind === kind) return true;
    findings.addUnexpected(`${folder}/${name}`, "does not belong here");
    return false;
  });
}

/** Writes again what a power cut may have lost. */
export function layMissing(parts: DependentsParts): void {
  const { dataDir, tickets: { blocked, dependents, files } } = parts;
  findUntold(parts, (job) => dependents.layAgain(job));
  // Only for blocked jobs: a pending job's deadline is looked at when it is its turn.
  const names = blocked.buckets().flatMap((bucket) => blocked.tickets(bucket));
  const jobs = names.map((name) => readJob(parts, parseTicket(name)!.id));
  new Deadlines(files, dataDir, uniqueName()).lay(jobs.filter((job) => job !== undefined));
}

function findUntold(
  parts: DependentsParts,
  found: (job: Job, awaited: Awaited, problem: string) => void,
): void {
  const { tickets } = parts;
  const { blocked, dependents } = tickets;
  const known = new Map<string, Set<string>>();
  const isLaid = (job: Job, awaited: Awaited) => {
    const lines = known.get(awaited.id) ?? linesFor(tickets, awaited.id);
    known.set(awaited.id, lines);
    return lines.has(waiterKey(job, awaited.any));
  };
  for (const bucket of blocked.buckets()) {
    for (const name of blocked.tickets(bucket)) {
      const { id } = parseTicket(name)!;
      const job = readJob(parts, id);
      for (const awaited of job === undefined ? [] : stillAwaitedBy(job)) {
        // A ticket is here only after its lines were written, and they stay until it was told.
        let problem: string | undefined;
        if (!isLaid(job!, awaited)) {
          known.delete(awaited.id);
          if (!isLaid(job!, awaited)) problem = "which does not know of it";
        }
        // A job that has ended is marked before its ticket reaches its place.
        problem ??= isOver(parts, awaited) && !dependents.marks().has(awaited.id)
          ? "which has ended"
          : undefined;
        if (problem === undefined) continue;
        const now = readJob(parts, id);
        const isStill = now !== undefined && blocked.find(name) !== undefined &&
          stillAwaitedBy(now).some((one) => one.id === awaited.id);
        if (isStill) {
          found(now, awaited, problem);
          break;
        }
      }
    }
  }
}

function linesFor({ dependents }: Tickets, id: string): Set<string> {
  return new Set(dependents.of(id).map(({ ticket, any }) => waiterKey(ticket, any)));
}

/** Whether an awaited job has ended in a way that matters to the one that waits. */
function isOver({ jobs, tickets }: DependentsParts, awaited: Awaited): boolean {
  try {
    const job = jobs.read(awaited.id)?.job;
    if (meaningOf(awaited, fateOf(job)) === "wait") return false;
    return job === undefined || tickets.find(job) !== undefined;
  } catch (error) {
    if (error instanceof QueueError) return false; // damaged, which is reported separately
    throw error;
  }
}

function readJob({ jobs }: DependentsParts, id: string): Job | undefined {
  try {
    return jobs.read(id)?.job;
  } catch (error) {
    if (error instanceof QueueError) return undefined;
    throw error;
  }
}
