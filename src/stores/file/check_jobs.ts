// The part of a check that reads the jobs' files. It reports unexpected files, files that can't be
// read, and logs without a job.
import { isJobId, type Job } from "../../queue/job.ts";
import { messageOf, QueueError } from "../../queue/errors.ts";
import { namesIn } from "./bucketed_index.ts";
import { goodLines } from "./codec.ts";
import { kindName } from "./findings.ts";
import { jobPath, parseJobFile, parseTicket, type Ticket, timedName } from "./layout.ts";
import { heldTickets } from "./listing.ts";
import { REPAIR } from "./maintenance.ts";
import type { CheckParts, Place, TicketPlaces } from "./ticket_places.ts";

type Parts = CheckParts & {
  readonly places: TicketPlaces;
  /** Called with each job that can be read. */
  readonly seen: (job: Job) => void;
};

/**
 * Checks all job files.
 * @returns the ids of those that can be read
 */
export function checkJobFiles(parts: Parts): Set<string> {
  const { dataDir, files, findings } = parts;
  const ids = new Set<string>();
  const logs: { id: string; path: string }[] = [];
  for (const folder of files.names(`${dataDir}/jobs`)) {
    const path = `${dataDir}/jobs/${folder}`;
    if (!isJobId(folder) || folder.length > 2 || files.info(path)?.kind !== "folder") {
      findings.addUnexpected(path, "does not belong here");
      continue;
    }
    findings.checkFolder(path);
    for (const name of namesIn(files, path)) {
      const kind = checkFile(parts, folder, name);
      if (kind === undefined) continue;
      if ("log" in kind) logs.push({ id: kind.log, path: `${path}/${name}` });
      else if (checkContent(parts, kind.job)) ids.add(kind.job);
    }
  }
  for (const { id, path } of logs) checkLog(parts, id, path);
  return ids;
}

/**
 * The job or log that a file belongs to, by its name; undefined if it is neither, which is
 * reported.
 */
function checkFile(
  { dataDir, files, findings }: Parts,
  folder: string,
  name: string,
): { log: string } | { job: string } | undefined {
  const path = `${dataDir}/jobs/${folder}/${name}`;
  const file = parseJobFile(folder, name);
  const info = files.info(path);
  if (info === undefined) return undefined;
  if (file === undefined || info.kind !== "file") {
    const problem = info.kind === "file" ? "does not belong here" : `is ${kindName(info.kind)}`;
    findings.addUnexpected(path, problem);
    return undefined;
  }
  findings.checkMode(path, info.mode, 0o600);
  return file.kind === "job" ? { job: file.id } : { log: file.id };
}

/** Whether a job's file can be read. */
function checkContent(parts: Parts, id: string): boolean {
  const { dataDir, findings, jobs } = parts;
  const path = jobPath(dataDir, id);
  try {
    const decoded = jobs.read(id);
    if (decoded === undefined) return false; // removed meanwhile
    parts.seen(decoded.job);
    if (decoded.torn && isTornForGood(parts, id)) {
      findings.add(path, "has a line that can't be read", () => rewrite(parts, id));
    }
    return true;
  } catch (error) {
    // Another error, such as too many open files, does not mean that the file is damaged.
    if (error instanceof QueueError) {
      findings.add(path, "is damaged", () => setJobAside(parts, id));
    } else {
      findings.add(path, `can't be read: ${messageOf(error)}`);
    }
    return false;
  }
}

/**
 * Whether a torn line will stay. A torn last line may be one that the holder of the ticket is
 * writing now.
 */
function isTornForGood({ jobs, tickets }: Parts, id: string): boolean {
  const before = jobs.read(id);
  if (before === undefined || !before.torn) return false;
  if (before.unended && isHeld(tickets, id)) return false;
  return jobs.read(id)?.torn ?? false;
}

function isHeld(tickets: Parts["tickets"], id: string): boolean {
  return heldTickets(tickets).some(({ name }) => parseTicket(name)!.id === id);
}

/**
 * Replaces a job's file by its good lines, and its ticket by a new one, since a ticket is a hard
 * link to the file. This process holds the ticket meanwhile. A copy of the whole file is kept.
 */
function rewrite(parts: Parts, id: string): string | undefined {
  const { dataDir, files, findings, jobs, places, tickets } = parts;
  const path = jobPath(dataDir, id);
  const held = takeForRewrite(parts, id);
  const aside = findings.freeName(path);
  files.copy(path, aside);
  const made = `${dataDir}/tmp/${REPAIR}~${crypto.randomUUID()}`;
  files.create(made, goodLines(files.readText(path), id, path), { sync: true });
  files.rename(made, path);
  if (held !== undefined) {
    const ticket: Ticket = { ...held.ticket, at: held.ticket.at + 1 };
    const renewed = `${tickets.running}/${REPAIR}/${timedName(ticket)}`;
    files.link(path, renewed);
    files.remove(held.path);
    tickets.place(renewed, jobs.read(id)!.job, Date.now());
  }
  places.forget(id);
  return `its good lines were kept, and the whole file was set aside as ${aside}`;
}

/** Takes the ticket of a job; undefined if the job has none. */
function takeForRewrite(
  { dataDir, files, places, tickets }: Parts,
  id: string,
): { path: string; ticket: Ticket } | undefined {
  const sight = places.look(id);
  if (sight === undefined) throw new Error("the job is being changed; try again");
  const place: Place | undefined = sight.places[0];
  if (place === undefined && places.names(files.info(jobPath(dataDir, id))!) <= 1) return undefined;
  if (place?.index === undefined || sight.places.length > 1) {
    throw new Error("the job runs; try again when it has ended");
  }
  const ticket: Ticket = { ...place.ticket, tag: `r${Deno.pid}` };
  const path = tickets.take(places.opened(place), REPAIR, ticket);
  if (path === undefined) throw new Error("the job is being changed; try again");
  return { path, ticket };
}

/** Takes a job with a damaged file out of the queue: its tickets first, then the file. */
function setJobAside({ dataDir, findings, places, tickets }: Parts, id: string): string {
  if (isHeld(tickets, id)) throw new Error("the job runs; try again when it has ended");
  for (const noted of places.of(id)) {
    const place = places.stillThere(noted);
    if (place?.index !== undefined) places.setAside(place);
  }
  return `set aside as ${findings.setAside(jobPath(dataDir, id))}`;
}

/**
 * A removal deletes the job's file and logs first, and its held ticket last. So a log without a job
 * and without a held ticket is left over.
 */
function checkLog({ files, findings, jobs, tickets }: Parts, id: string, path: string): void {
  if (jobs.exists(id) || isHeld(tickets, id)) return;
  if (jobs.exists(id) || files.info(path) === undefined) return;
  findings.addUnexpected(path, "is the log of no job");
}
