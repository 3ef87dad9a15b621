// Looks through a data folder for what is damaged or inconsistent, also while it is in use: what
// looks wrong is looked at again, since it may only have been on its way. With `repair`, mends what
// it can; what can't be read is set aside, never removed.
import { isJobId, type Job } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import { isSettingKey, SETTING_RULES } from "../../queue/settings.ts";
import type { FileSystem } from "../../system/file_system.ts";
import type { Progress } from "./backup.ts";
import { encodeState } from "./codec.ts";
import { type Finding, Findings, nameOf } from "./findings.ts";
import { JobFiles } from "./job_files.ts";
import { FOLDERS, jobPath, parseBucket, parseTicket, type Ticket } from "./layout.ts";
import { heldTickets, stateOf } from "./listing.ts";
import { type BucketedIndex, ignoreNotFound } from "./bucketed_index.ts";
import { checkSchedules } from "./schedules.ts";
import { stagedIds } from "./staging.ts";
import { openFileStore } from "./store.ts";
import { Tickets } from "./tickets.ts";

export type { Finding } from "./findings.ts";

/**
 * Looks at every file of the data folder.
 * @returns what was found, mended or not
 */
export async function check(
  dataDir: string,
  files: FileSystem,
  options: { repair: boolean },
  progress: Progress = () => {},
): Promise<Finding[]> {
  const findings = new Findings(files, dataDir, options.repair);
  const folders = ["", ...FOLDERS.map((folder) => `/${folder}`)].filter((folder) =>
    findings.checkFolder(dataDir + folder)
  );
  if (folders.length <= FOLDERS.length) return findings.all; // nothing more can be said before these are there
  const store = await openFileStore(dataDir, { files });
  // What commands left half done when they died is no damage; a check that mends does what the next
  // worker would.
  if (options.repair) await store.recover();
  store.close();
  new Check(dataDir, files, findings, progress).run();
  return findings.all;
}

/** A ticket, where it was seen. */
interface Place {
  readonly path: string;
  readonly ticket: Ticket;
  /** The folder of the queue it is in. */
  readonly where: string;
}

class Check {
  readonly #dataDir: string;
  readonly #files: FileSystem;
  readonly #findings: Findings;
  readonly #progress: Progress;
  readonly #jobs: JobFiles;
  readonly #tickets: Tickets;
  readonly #places = new Map<string, Place[]>();
  readonly #logs: { id: string; path: string }[] = [];

  constructor(dataDir: string, files: FileSystem, findings: Findings, progress: Progress) {
    this.#dataDir = dataDir;
    this.#files = files;
    this.#findings = findings;
    this.#progress = progress;
    this.#jobs = new JobFiles(files, dataDir);
    this.#tickets = new Tickets(files, dataDir, `c${Deno.pid}`);
  }

  run(): void {
    this.#checkConfig();
    this.#checkNames(
      "",
      new RegExp(
        `^(?:${
          FOLDERS.filter((f) => !f.includes("/")).join("|")
        }|config\\.(?:json(?:\\.(?:tmp|damaged).*)?|lock)|restoring|schedules|start\\.log)$`,
      ),
    );
    checkSchedules(this.#dataDir, this.#files, this.#findings);
    this.#checkNames("/queue", /^(?:ready|later|running|completed|dead|cancelled)$/);
    this.#checkNames("/workers", /^[A-Za-z0-9_][A-Za-z0-9._-]*\.(?:json|lock|runs|runs\.pipe)$/);
    this.#checkNames("/control", /\.(?:cancel|stop-graceful|stop-force)$/);
    this.#checkNames("/tmp", /^(?:cli-|restore-|replaced-|schedule-|config)/);
    for (const index of this.#indexes()) this.#checkShelf(index);
    this.#checkRunning();
    const ids = this.#checkJobFiles();
    let done = 0;
    for (const id of ids) {
      this.#progress(done++, ids.size);
      this.#checkJob(id);
    }
    for (const [id, places] of this.#places) {
      if (!ids.has(id)) this.#checkTicketWithoutJob(id, places);
    }
    for (const { id, path } of this.#logs) {
      const belongs = this.#jobs.exists(id) || this.#files.info(path) === undefined;
      if (!belongs) this.#findings.addUnexpected(path, "is the log of no job");
    }
    this.#progress(ids.size, ids.size);
  }

  #indexes(): BucketedIndex[] {
    const { ready, later, ended } = this.#tickets;
    return [ready, later, ended.completed, ended.dead, ended.cancelled];
  }

  #checkConfig(): void {
    const path = `${this.#dataDir}/config.json`;
    const text = this.#read(path);
    if (text === undefined) return;
    try {
      const values = JSON.parse(text) as Record<string, unknown>;
      const wrong = Object.entries(values).find(([key, value]) =>
        key !== "schema_version" &&
        (!isSettingKey(key) || SETTING_RULES[key].parse(String(value)) === undefined)
      );
      if (wrong === undefined) return;
      this.#findings.addUnexpected(path, `has a wrong key or value: ${wrong[0]}`);
    } catch {
      this.#findings.addUnexpected(path, "is not JSON");
    }
  }

  /** The text of a file; undefined if there is none, or it can't be read, which is noted. */
  #read(path: string): string | undefined {
    try {
      return ignoreNotFound(() => this.#files.readText(path));
    } catch (error) {
      this.#findings.addUnexpected(
        path,
        `can't be read: ${error instanceof Error ? error.message : error}`,
      );
      return undefined;
    }
  }

  /** Files and folders whose names are not ours. */
  #checkNames(folder: string, ours: RegExp): void {
    for (const name of this.#files.names(this.#dataDir + folder)) {
      const path = `${this.#dataDir}${folder}/${name}`;
      if (!ours.test(name)) this.#findings.addUnexpected(path, "does not belong here");
      else if (this.#files.info(path)?.kind === "link") {
        this.#findings.addUnexpected(path, "is a link");
      } else if (folder === "/workers" && name.endsWith(".json")) this.#checkWorkerRecord(path);
    }
  }

  #checkWorkerRecord(path: string): void {
    const text = this.#read(path);
    if (text === undefined) return;
    try {
      JSON.parse(text);
    } catch {
      if (this.#files.info(path) !== undefined) this.#findings.addUnexpected(path, "is not JSON");
    }
  }

  #checkShelf(index: BucketedIndex): void {
    const where = index.folder.slice(index.folder.lastIndexOf("/") + 1);
    for (const name of this.#files.names(index.folder)) {
      const bucket = parseBucket(name);
      const kind = this.#files.info(`${index.folder}/${name}`)?.kind;
      if (kind === undefined) continue;
      if (bucket === undefined || kind !== "folder") {
        this.#findings.addUnexpected(`${index.folder}/${name}`, "does not belong here");
        continue;
      }
      const names = ignoreNotFound(() => this.#files.names(`${index.folder}/${name}`));
      if (names === undefined) continue;
      const tickets = names.filter((ticket) =>
        this.#noteTicket(`${index.folder}/${name}/${ticket}`, where)
      );
      if (bucket.count === undefined || bucket.count === tickets.length) continue;
      if (this.#files.info(`${index.folder}/${name}`) === undefined) continue; // opened meanwhile
      this.#findings.add(
        `${index.folder}/${name}`,
        `has ${tickets.length} tickets, and not ${bucket.count}`,
        () => {
          index.unseal(bucket);
          return "opened, so that they are counted";
        },
      );
      // The tickets' paths have changed with the bucket's name.
      for (const ticket of tickets) this.#places.delete(parseTicket(ticket)!.id);
      const opened = this.#files.names(index.folder).map(parseBucket).find((b) =>
        b?.unique === bucket.unique && b?.lower === bucket.lower
      );
      if (opened) {
        for (const ticket of tickets) {
          this.#noteTicket(`${index.folder}/${opened.name}/${ticket}`, where);
        }
      }
    }
  }

  #checkRunning(): void {
    for (const worker of this.#files.names(this.#tickets.running)) {
      const folder = `${this.#tickets.running}/${worker}`;
      const kind = this.#files.info(folder)?.kind;
      if (kind !== undefined && kind !== "folder") {
        this.#findings.addUnexpected(folder, "does not belong here");
      }
      if (kind !== "folder") continue;
      for (const name of ignoreNotFound(() => this.#files.names(folder)) ?? []) {
        this.#noteTicket(`${folder}/${name}`, "running");
      }
    }
  }

  /** Remembers where a ticket is; notes what is none. Whether it is one. */
  #noteTicket(path: string, where: string): boolean {
    const ticket = parseTicket(path.slice(path.lastIndexOf("/") + 1));
    const kind = this.#files.info(path)?.kind;
    if (kind === undefined && ticket !== undefined) return true; // moved on meanwhile
    if (ticket === undefined || kind !== "file") {
      this.#findings.addUnexpected(
        path,
        ticket === undefined ? "does not belong here" : `is ${nameOf(kind!)}`,
      );
      return false;
    }
    const place: Place = { path, ticket, where };
    this.#places.set(ticket.id, [...this.#places.get(ticket.id) ?? [], place]);
    return true;
  }

  /** The ids of all jobs whose files can be read, when what can't has been noted. */
  #checkJobFiles(): Set<string> {
    const ids = new Set<string>();
    for (const folder of this.#files.names(`${this.#dataDir}/jobs`)) {
      const path = `${this.#dataDir}/jobs/${folder}`;
      if (!isJobId(folder) || folder.length > 2 || this.#files.info(path)?.kind !== "folder") {
        this.#findings.addUnexpected(path, "does not belong here");
        continue;
      }
      this.#findings.checkFolder(path);
      for (const name of this.#files.names(path)) {
        const log = /^(.+)\.\d+\.log$/.exec(name)?.[1];
        const id = log ?? /^(.+)\.jsonl$/.exec(name)?.[1];
        const info = this.#files.info(`${path}/${name}`);
        if (info === undefined) continue;
        if (id === undefined || !isJobId(id) || id.slice(0, 2) !== folder || info.kind !== "file") {
          this.#findings.addUnexpected(
            `${path}/${name}`,
            info.kind === "file" ? "does not belong here" : `is ${nameOf(info.kind)}`,
          );
          continue;
        }
        this.#findings.checkMode(`${path}/${name}`, info.mode, 0o600);
        if (log !== undefined) this.#logs.push({ id, path: `${path}/${name}` });
        else if (this.#checkJobFile(id, `${path}/${name}`)) ids.add(id);
      }
    }
    return ids;
  }

  #checkJobFile(id: string, path: string): boolean {
    try {
      const decoded = this.#jobs.read(id);
      if (decoded === undefined) return false; // removed meanwhile
      if (decoded.torn && this.#jobs.read(id)?.torn) {
        this.#findings.add(path, "has a line that can't be read", () => {
          if (heldTickets(this.#tickets).some(({ name }) => parseTicket(name)!.id === id)) {
            throw new Error("the job runs; try again when it has ended");
          }
          const aside = this.#findings.setAside(path);
          this.#jobs.rewrite(id, this.#files.readText(aside));
          return `its good lines were kept, the whole set aside as ${aside}`;
        });
      }
      return true;
    } catch (error) {
      const why = error instanceof QueueError
        ? "is damaged"
        : `can't be read: ${error instanceof Error ? error.message : error}`;
      this.#findings.addUnexpected(path, why);
      return false;
    }
  }

  /** A job has one ticket, where its state says. */
  #checkJob(id: string): void {
    const places = this.#places.get(id) ?? [];
    const job = this.#jobs.read(id)?.job;
    if (job === undefined || places.length === 1 && this.#isRight(job, places[0]!)) return;
    // It may have moved between two looks, so look at where it is now.
    const now = this.#jobs.read(id)?.job;
    if (now === undefined) return;
    const held = heldTickets(this.#tickets).filter(({ name }) => parseTicket(name)!.id === id);
    const there = places.filter((place) => this.#files.info(place.path) !== undefined);
    const found = this.#tickets.find(now);
    const elsewhere = there.filter((place) => place.path !== found && place.where !== "running");
    if (elsewhere.length === 0 && held.length + (found === undefined ? 0 : 1) === 1) return;
    // A ticket on its way lies in a staged batch; and a command's half-done work is not damage.
    if (
      there.length === 0 && held.length === 0 && found === undefined &&
      stagedIds(this.#dataDir, this.#files).has(id)
    ) return;
    this.#mendTickets(now, found, elsewhere, held.length > 0);
  }

  #isRight(job: Job, { where, path }: Place): boolean {
    if (where === "running") return true; // its holder, or whoever takes over from it, puts it right
    return this.#tickets.placesOf(job).some(([index, name]) =>
      path.startsWith(`${index.folder}/`) && path.endsWith(`/${name}`)
    );
  }

  #mendTickets(job: Job, found: string | undefined, elsewhere: Place[], isHeld: boolean): void {
    const path = jobPath(this.#dataDir, job.id);
    const keep = found !== undefined || isHeld;
    const surplus = keep ? elsewhere : elsewhere.slice(1);
    for (const place of surplus) {
      this.#findings.add(place.path, `is a second ticket of job ${job.id}`, () => {
        this.#files.remove(this.#opened(place.path));
        return "removed; the other stays";
      });
    }
    if (keep) return;
    const [place] = elsewhere;
    if (place === undefined) {
      this.#findings.add(path, "is a job without a ticket", () => {
        const ticket = `${this.#dataDir}/tmp/cli-check-${job.id}`;
        this.#files.link(path, ticket);
        this.#tickets.place(ticket, job, Date.now());
        return `put back as ${job.status.state}`;
      });
      return;
    }
    const { state } = job.status;
    this.#findings.add(place.path, `is the ticket of a job that is ${state}`, () => {
      // What has ended is not run again: after a power cut the last line of its file may be
      // missing, and its ticket tells.
      if (
        (state === "pending" || state === "failed") && place.where !== "ready" &&
        place.where !== "later"
      ) {
        const line = encodeState(stateOf(place.ticket.tag), place.ticket.at);
        this.#files.append(path, line);
        return `the job is ${place.where}`;
      }
      this.#tickets.place(this.#opened(place.path), job, Date.now());
      return `moved to where it belongs: ${state}`;
    });
  }

  #checkTicketWithoutJob(id: string, places: Place[]): void {
    for (const { path } of places) {
      if (this.#files.info(path) === undefined || this.#jobs.exists(id)) continue;
      this.#findings.add(path, `is the ticket of job ${id}, whose file is missing`, () => {
        const restored = this.#jobs.restore(id, path);
        if (restored !== undefined) return "the job's file was restored from it";
        return `set aside as ${this.#findings.setAside(this.#opened(path))}`;
      });
    }
  }

  /** The path of a ticket once its bucket is open for it to leave. */
  #opened(path: string): string {
    const [bucket, name] = path.split("/").slice(-2);
    const index = this.#indexes().find((index) => path.startsWith(`${index.folder}/`));
    const opened = index?.unseal(parseBucket(bucket!)!);
    return opened === undefined ? path : index!.path(opened.name, name!);
  }
}
