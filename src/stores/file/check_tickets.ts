// The part of a check for tickets: each job has one ticket, and it is where the job's state says. A
// repair takes a ticket before it moves it, and then reads the job again. If that rename fails,
// another process has moved the ticket, and nothing is wrong.
import { hasEnded, type Job, lastAttempt } from "../../queue/job.ts";
import { waitingStatus } from "../../queue/transitions.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { makeUnlessThere } from "./bucketed_index.ts";
import { encodeState } from "./codec.ts";
import { arrival, COMMAND_HOLDER, jobPath, type Ticket, timedName } from "./layout.ts";
import { REPAIR } from "./maintenance.ts";
import { stagedIds } from "./staging.ts";
import type { CheckParts, JobPlaces, Place, TicketPlaces } from "./ticket_places.ts";

/**
 * How often a job's ticket is looked for if the number of hard links can't tell that it is missing.
 */
const LOOKS_WITHOUT_LINKS = 3;
const ENDED = ["completed", "dead", "cancelled"] as const;

interface TicketCheckParts extends CheckParts {
  readonly places: TicketPlaces;
  /** Adds the job that the end of this one should have added, if any. */
  readonly addOwed: (id: string) => void;
}

export class TicketCheck {
  readonly #parts: TicketCheckParts;

  constructor(parts: TicketCheckParts) {
    this.#parts = parts;
  }

  /** Checks the tickets of a job whose file can be read. */
  checkJob(id: string): void {
    const { places } = this.#parts;
    const noted = places.of(id);
    if (noted.length === 1) {
      const job = places.readJob(id)?.job;
      if (job === undefined || this.#fits(job, noted[0]!)) return;
    }
    const sight = places.look(id);
    if (sight === undefined) return;
    const own = sight.places.filter((place) => isOf(sight, place));
    for (const place of sight.places) {
      if (!own.includes(place)) this.#checkStale(place);
    }
    if (own.length === 0) this.#checkMissing(sight);
    else this.#checkPlaces(sight, own);
  }

  /** Checks the tickets of a job whose file is missing. */
  checkWithoutJob(id: string): void {
    const { files, findings, jobs, places } = this.#parts;
    for (const noted of places.of(id)) {
      // A ticket that a command holds means that the job is being removed.
      if (noted.index === undefined && noted.folder.startsWith(COMMAND_HOLDER)) continue;
      const place = places.stillThere(noted);
      if (place === undefined || jobs.exists(id) || files.info(place.path) === undefined) continue;
      findings.add(place.path, `is the ticket of job ${id}, whose file is missing`, () => {
        if (jobs.restore(id, place.path) !== undefined) {
          return "the job's file was restored from it";
        }
        if (jobs.exists(id)) return undefined;
        if (place.index === undefined) throw new Error(`${place.folder} holds it`);
        return `set aside as ${places.setAside(place)}`;
      });
    }
  }

  /**
   * Checks where a job's tickets are. A held ticket is moved by its holder, others must be in the
   * right place.
   */
  #checkPlaces(sight: JobPlaces, own: readonly Place[]): void {
    const { info, job } = sight;
    const { places, findings } = this.#parts;
    const linked = own.filter(({ inode }) => inode === info.inode).length;
    if (info.links !== 0 && places.names(info) < 1 + linked) return; // it has moved after all
    const lying = own.filter(({ index }) => index !== undefined);
    const right = lying.find((place) => this.#fits(job, place));
    const kept = own.find(({ index }) => index === undefined) ?? right ?? lying[0]!;
    for (const place of lying) {
      if (place === kept) continue;
      findings.add(
        place.path,
        `is a second ticket of job ${job.id}`,
        () => this.#removeSecond(job.id, place),
      );
    }
    if (kept.index === undefined || kept === right) return;
    findings.add(
      kept.path,
      `is the ticket of a job that is ${job.status.state}`,
      () => this.#moveToPlace(sight, kept),
    );
  }

  #removeSecond(id: string, place: Place): string | undefined {
    const { files, places, tickets } = this.#parts;
    const path = this.#take(place);
    const job = places.readJob(id)?.job;
    if (path === undefined || job === undefined) return undefined;
    // The held ticket does not move, so if another one is seen now, there are really two.
    if (places.others(id, job).length > 0) {
      files.remove(path);
      return "removed; the other stays";
    }
    tickets.place(path, job, Date.now());
    return undefined;
  }

  #moveToPlace({ job, unended }: JobPlaces, place: Place): string | undefined {
    const { dataDir, files, places, tickets } = this.#parts;
    const ended = ENDED.find((state) => place.index === tickets.ended[state]);
    // A job that has ended must not run again. After a power cut the last line of its file may be
    // missing, but its ticket tells. Nobody else takes the ticket, since it is not where the job's
    // file says.
    if (!hasEnded(job) && ended !== undefined) {
      const line = encodeState(ended, place.ticket.at);
      files.append(jobPath(dataDir, job.id), unended ? `\n${line}` : line);
      return `the job is ${ended}`;
    }
    // The ticket has not moved since the job ended, so the job's addition may not have been made
    // either.
    if (hasEnded(job) && ended === undefined) this.#parts.addOwed(job.id);
    const path = this.#take(place);
    const now = places.readJob(job.id)?.job;
    if (path === undefined || now === undefined) return undefined;
    tickets.place(path, now, Date.now());
    return `moved to where it belongs: ${now.status.state}`;
  }

  #checkMissing({ job, info }: JobPlaces): void {
    const { dataDir, files, findings, places } = this.#parts;
    const { id } = job;
    if (places.names(info) > 1 || stagedIds(dataDir, files).has(id)) return;
    for (let looks = 1; places.hasCopies && looks < LOOKS_WITHOUT_LINKS; looks++) {
      if (places.look(id)?.places.length !== 0) return;
    }
    findings.add(jobPath(dataDir, id), "is a job without a ticket", () => this.#makeTicket(job));
  }

  /**
   * Makes a ticket that this process holds, so that it is put in its place even if this process
   * dies. If a worker runs the job, or the end is not recorded yet, the worker holds it.
   */
  #makeTicket(job: Job): string | undefined {
    const { dataDir, files, places, tickets } = this.#parts;
    const { id, priority, createdAt, sequence } = job;
    const holder = this.#holderOf(job);
    const { at, pid } = holder ?? { at: Date.now(), pid: Deno.pid };
    const ticket: Ticket = { at, priority, createdAt, sequence, id, tag: `r${pid}` };
    const folder = `${tickets.running}/${holder?.worker ?? REPAIR}`;
    const path = `${folder}/${timedName(ticket)}`;
    makeUnlessThere(files, folder);
    files.link(jobPath(dataDir, id), path);
    if (places.hasCopies && places.others(id, job).length > 0) {
      files.remove(path);
      return undefined;
    }
    if (holder !== undefined) return `given back to ${holder.worker}, which runs the job`;
    tickets.place(path, job, at);
    return `put back as ${job.status.state}`;
  }

  /** The worker that has begun this job by its journal, with the data for the ticket. */
  #holderOf(job: Job): { worker: string; at: number; pid: number } | undefined {
    const { dataDir, files, lastRun } = this.#parts;
    if (waitingStatus(job) === undefined) return undefined;
    for (const name of files.names(`${dataDir}/workers`)) {
      if (!name.endsWith(".runs")) continue;
      const worker = name.slice(0, -".runs".length);
      const run = lastRun(worker);
      if (
        run?.id !== job.id || run.attempt <= lastAttempt(job) || run.startedAt < job.createdAt
      ) continue;
      return { worker, at: run.startedAt, pid: pidOf(files, `${dataDir}/workers/${worker}.json`) };
    }
    return undefined;
  }

  /** Reports a ticket of an earlier job with the same id. */
  #checkStale(place: Place): void {
    const { findings, places } = this.#parts;
    if (place.index === undefined) return; // its holder will find out
    findings.add(
      place.path,
      `is the ticket of an earlier job ${place.ticket.id}`,
      () => `set aside as ${places.setAside(place)}`,
    );
  }

  #fits(job: Job, { index, path }: Place): boolean {
    // Its holder, or whoever takes its place, moves it.
    if (index === undefined) return true;
    return this.#parts.tickets.placesOf(job).some(([right, name]) =>
      right === index && path.endsWith(`/${name}`)
    );
  }

  /**
   * Takes a ticket.
   * @returns its path; undefined if another process was faster
   */
  #take(place: Place): string | undefined {
    const { places, tickets } = this.#parts;
    const ticket: Ticket = { ...place.ticket, tag: `r${Deno.pid}` };
    return tickets.take(places.opened(place), REPAIR, ticket);
  }
}

/** The process id in a worker's record; 0 if that can't be read. */
function pidOf(files: FileSystem, path: string): number {
  try {
    const { pid } = JSON.parse(files.readText(path));
    return Number.isSafeInteger(pid) ? pid : 0;
  } catch {
    return 0;
  }
}

/** Whether a ticket belongs to this job, and not to an earlier one with the same id. */
function isOf({ info, job }: JobPlaces, { inode, ticket }: Place): boolean {
  return inode === info.inode || arrival(ticket) === arrival(job);
}
