// Finds tickets for a check: all of them once, and those of one job again until the result is
// certain. Tickets move meanwhile, so a single look proves nothing.
import type { Job } from "../../queue/job.ts";
import type { LastRun } from "../../queue/maintenance.ts";
import { QueueError } from "../../queue/errors.ts";
import type { FileInfo, FileSystem } from "../../system/file_system.ts";
import { nameOf } from "../../system/paths.ts";
import { type BucketedIndex, namesIn } from "./bucketed_index.ts";
import type { Decoded } from "./codec.ts";
import { type Findings, kindName } from "./findings.ts";
import type { JobFiles } from "./job_files.ts";
import {
  type Bucket,
  bucketName,
  jobPath,
  parseBucket,
  parseTicket,
  type Ticket,
} from "./layout.ts";
import { heldTickets } from "./listing.ts";
import { REPAIR } from "./maintenance.ts";
import type { Tickets } from "./tickets.ts";

/** A ticket and where it was seen. */
export interface Place {
  readonly path: string;
  readonly ticket: Ticket;
  readonly inode: number;
  /** The index that it is in; undefined if a worker or a command holds it. */
  readonly index: BucketedIndex | undefined;
  /** The name of its holder, or of its bucket. */
  readonly folder: string;
}

/** A job and its tickets, none of which changed while they were looked at. */
export interface JobPlaces {
  readonly job: Job;
  readonly unended: boolean;
  readonly info: FileInfo;
  readonly places: readonly Place[];
}

export interface CheckParts {
  readonly dataDir: string;
  readonly files: FileSystem;
  readonly jobs: JobFiles;
  readonly tickets: Tickets;
  readonly findings: Findings;
  readonly lastRun: LastRun;
}

/** How often a job that keeps changing is looked at before it is left for the next check. */
const LOOKS = 5;

export class TicketPlaces {
  readonly #parts: CheckParts;
  readonly #noted = new Map<string, Place[]>();
  /** How many links each file has in `damaged`, which are tickets that were set aside. */
  readonly #aside = new Map<number, number>();
  #hasCopies = false;

  constructor(parts: CheckParts) {
    this.#parts = parts;
  }

  /**
   * Whether some tickets are separate files and not hard links to their jobs' files, because the
   * folder was copied without its hard links. Then a number of links proves nothing.
   */
  get hasCopies(): boolean {
    return this.#hasCopies;
  }

  ids(): Iterable<string> {
    return this.#noted.keys();
  }

  /** Where the tickets of a job were seen. */
  of(id: string): readonly Place[] {
    return this.#noted.get(id) ?? [];
  }

  /** Looks through the whole queue, and reports everything that is not a ticket. */
  noteAll(): void {
    const { dataDir, files, tickets } = this.#parts;
    for (const name of files.names(`${dataDir}/damaged`)) {
      const inode = files.info(`${dataDir}/damaged/${name}`)?.inode;
      if (inode !== undefined) this.#aside.set(inode, (this.#aside.get(inode) ?? 0) + 1);
    }
    for (const index of tickets.indexes()) this.#noteIndex(index);
    this.#noteRunning();
  }

  #noteIndex(index: BucketedIndex): void {
    const { files, findings } = this.#parts;
    // That of a queue whose tickets were set aside goes with the last of them.
    for (const name of namesIn(files, index.folder)) {
      const path = `${index.folder}/${name}`;
      const bucket = parseBucket(name);
      const kind = files.info(path)?.kind;
      if (kind === undefined) continue;
      if (bucket !== undefined && kind === "folder") this.#noteBucket(index, bucket);
      else findings.addUnexpected(path, "does not belong here");
    }
  }

  #noteBucket(index: BucketedIndex, bucket: Bucket): void {
    const { files, findings } = this.#parts;
    const path = index.path(bucket.name);
    const count =
      namesIn(files, path).filter((name) => this.#note(index, bucket.name, name)).length;
    // Tickets are neither added to nor taken from a sealed bucket, so as long as it has this name,
    // it has not changed.
    if (bucket.count === undefined || bucket.count === count) return;
    if (files.info(path) === undefined) return;
    findings.add(
      path,
      `has ${count} tickets, and not ${bucket.count}`,
      () => index.unseal(bucket) && "opened, so that they are counted",
    );
  }

  #noteRunning(): void {
    const { files, findings, tickets } = this.#parts;
    for (const holder of files.names(tickets.running)) {
      const folder = `${tickets.running}/${holder}`;
      const kind = files.info(folder)?.kind;
      if (kind !== undefined && kind !== "folder") {
        findings.addUnexpected(folder, "does not belong here");
      }
      if (kind !== "folder") continue;
      for (const name of namesIn(files, folder)) {
        this.#note(undefined, holder, name);
      }
    }
  }

  /**
   * Remembers where a ticket is, or reports that it is not a ticket.
   * @returns whether it is one
   */
  #note(index: BucketedIndex | undefined, folder: string, name: string): boolean {
    const { dataDir, files, findings, tickets } = this.#parts;
    const path = `${index?.folder ?? tickets.running}/${folder}/${name}`;
    const ticket = parseTicket(name);
    const info = files.info(path);
    if (ticket === undefined) findings.addUnexpected(path, "does not belong here");
    else if (info !== undefined && info.kind !== "file") {
      findings.addUnexpected(path, `is ${kindName(info.kind)}`);
    } else if (info !== undefined) {
      const place = { path, ticket, inode: info.inode, index, folder };
      this.#noted.set(ticket.id, [...this.of(ticket.id), place]);
      if (info.links === 1 && files.info(jobPath(dataDir, ticket.id)) !== undefined) {
        this.#hasCopies = true;
      }
    }
    return ticket !== undefined && (info === undefined || info.kind === "file");
  }

  /**
   * Looks at a job and all its tickets until two looks in a row see the same. Then everything was
   * there at one moment, since a ticket that moves gets a name that it never had before.
   *
   * @returns undefined if there is no such job, or it keeps changing
   */
  look(id: string): JobPlaces | undefined {
    const { dataDir, files } = this.#parts;
    const path = jobPath(dataDir, id);
    for (let looks = 0; looks < LOOKS; looks++) {
      const info = files.info(path);
      const decoded = this.readJob(id);
      if (info === undefined || decoded === undefined) return undefined;
      const { job, unended } = decoded;
      const before = this.#now(id, job);
      const places = this.#now(id, job);
      const after = files.info(path);
      if (
        after?.inode === info.inode && after.size === info.size && after.links === info.links &&
        samePlaces(before, places)
      ) return { job, unended, info, places };
    }
    return undefined;
  }

  /**
   * The contents of a job's file; undefined if it is gone, or damaged, which is reported elsewhere.
   */
  readJob(id: string): Decoded | undefined {
    try {
      return this.#parts.jobs.read(id);
    } catch (error) {
      if (error instanceof QueueError) return undefined;
      throw error;
    }
  }

  /** Forgets where a job's tickets were, since they have moved. */
  forget(id: string): void {
    this.#noted.delete(id);
  }

  /** The place of a ticket if it is still there, also if its bucket has been opened since. */
  stillThere(place: Place): Place | undefined {
    if (this.#parts.files.info(place.path) !== undefined) return place;
    const path = openedPath(place);
    if (path === undefined || this.#parts.files.info(path) === undefined) return undefined;
    return { ...place, path, folder: folderOf(path) };
  }

  /**
   * Opens the bucket of a ticket, so that it may leave.
   * @returns the ticket's path
   */
  opened({ path, index, folder }: Place): string {
    const opened = index?.unseal(parseBucket(folder)!);
    return opened === undefined ? path : index!.path(opened.name, nameOf(path));
  }

  /** Takes a ticket without a job out of the queue. */
  setAside(place: Place): string {
    return this.#parts.findings.setAside(this.opened(place));
  }

  /** The tickets of a job that others hold or that are in the queue, by one look. */
  others(id: string, job: Job | undefined): Place[] {
    return this.#now(id, job).filter(({ index, folder }) =>
      index !== undefined || folder !== REPAIR
    );
  }

  /** How many links a file has in the queue and in `jobs`; 0 if the system does not tell. */
  names(info: FileInfo): number {
    return info.links === 0 ? 0 : info.links - (this.#aside.get(info.inode) ?? 0);
  }

  #now(id: string, job: Job | undefined): Place[] {
    const { files, tickets } = this.#parts;
    const places = new Map<string, Place>();
    const see = (index: BucketedIndex | undefined, path: string | undefined) => {
      const info = path === undefined ? undefined : files.info(path);
      if (path === undefined || info?.kind !== "file") return;
      const ticket = parseTicket(nameOf(path))!;
      places.set(path, { path, ticket, inode: info.inode, index, folder: folderOf(path) });
    };
    for (const place of this.of(id)) {
      if (place.index !== undefined) see(place.index, this.stillThere(place)?.path);
    }
    for (const [index, name] of job === undefined ? [] : tickets.placesOf(job)) {
      see(index, index.find(name)?.path);
    }
    for (const { name, worker } of heldTickets(tickets)) {
      if (parseTicket(name)!.id === id) see(undefined, `${tickets.running}/${worker}/${name}`);
    }
    return [...places.values()];
  }
}

/** The name of the folder that a path is in. */
function folderOf(path: string): string {
  return path.split("/").at(-2)!;
}

/** The path of a ticket after its bucket has been opened. */
function openedPath({ index, folder, path }: Place): string | undefined {
  const bucket = parseBucket(folder);
  if (bucket?.count === undefined) return undefined;
  const opened = bucketName({ ...bucket, count: undefined });
  return index!.path(opened, nameOf(path));
}

function samePlaces(a: readonly Place[], b: readonly Place[]): boolean {
  const key = (places: readonly Place[]) =>
    places.map(({ path, inode }) => `${path} ${inode}`).sort().join("\n");
  return key(a) === key(b);
}
