// The default store: a folder of files, safe with any number of processes on one machine. A job's file says what happened;
// its one ticket lies where its state says. Facts are written first and the ticket moves second, so after a crash a ticket
// may lag behind the facts by one step: `place` is the one rule of where it belongs.
import { type Job, JOB_STATES } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import type { Claimant, Counts, JobStore, Query } from "../../queue/store.ts";
import { claimed, type Event } from "../../queue/transitions.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { decode, type Decoded, encodeChange } from "./codec.ts";
import { EndedShelf } from "./ended.ts";
import {
  COMMAND_HOLDER,
  FOLDERS,
  jobFolder,
  jobPath,
  LATER_SLICE,
  laterSlice,
  lockPath,
  logPath,
  parseTicket,
  readyName,
  readySlice,
  type Tag,
  type Ticket,
  timedName,
} from "./layout.ts";
import { countTickets, heldTickets, newestFirst, type Places } from "./listing.ts";
import { ReadyLine } from "./ready_line.ts";
import { ifFound, Shelf } from "./shelf.ts";
import { makeUnlessThere, resolveStaged, Staging, waitingTicket } from "./staging.ts";
import { Watch } from "../../system/watch.ts";

/** So many jobs that fall due at once are made ready at a time, so that a claim does not wait for all. */
const PROMOTE = 1000;

export interface FileStoreOptions {
  readonly files: FileSystem;
  readonly now?: () => number;
  /** Told of files that can't be read, once each. */
  readonly warn?: (message: string) => void;
}

/** Opens the store in a data folder, which is made if it is not there. */
export function openFileStore(dataDir: string, options: FileStoreOptions): FileStore {
  for (const folder of FOLDERS) {
    if (folder === "jobs" && options.files.info(`${dataDir}/tmp`) !== undefined) break;
    makeUnlessThere(options.files, `${dataDir}/${folder}`);
  }
  return new FileStore(dataDir, options);
}

/** A job that this process or a dead one holds: its ticket lies in the holder's folder. */
interface Held {
  readonly holder: string;
  readonly job: Job;
  readonly path: string;
  readonly unended: boolean;
}

export class FileStore implements JobStore {
  readonly #dataDir: string;
  readonly #files: FileSystem;
  readonly #now: () => number;
  readonly #warn: (message: string) => void;
  readonly #places: Places & { ended: Record<"completed" | "dead" | "cancelled", EndedShelf> };
  readonly #line: ReadyLine;
  readonly #held = new Map<string, Held>();
  readonly #unique = `${Deno.pid}x${crypto.randomUUID().slice(0, 8)}`;
  #lock: FileLock | undefined;
  #nextLater = -Infinity;
  #watch: Watch | undefined;

  /** Use `openFileStore`. */
  constructor(dataDir: string, { files, now = Date.now, warn = () => {} }: FileStoreOptions) {
    this.#dataDir = dataDir;
    this.#files = files;
    this.#now = now;
    this.#warn = warn;
    const ended = (state: string) => new EndedShelf(files, `${dataDir}/queue/${state}`, this.#unique);
    this.#places = {
      files,
      running: `${dataDir}/queue/running`,
      ready: new Shelf(files, `${dataDir}/queue/ready`),
      later: new Shelf(files, `${dataDir}/queue/later`),
      ended: { completed: ended("completed"), dead: ended("dead"), cancelled: ended("cancelled") },
    };
    this.#line = new ReadyLine(this.#places.ready);
  }

  add(jobs: Iterable<Job>): Promise<number> {
    return promised(() => {
      const staging = new Staging(this.#files, this.#dataDir, this.#places, this.#holder());
      const added = staging.add(jobs, this.#now());
      this.#forgetWhatIsKnown();
      return added;
    });
  }

  get(id: string): Promise<Job | undefined> {
    return promised(() => this.#get(id));
  }

  idsBeginning(prefix: string, limit: number): Promise<string[]> {
    return promised(() => {
      const ids: string[] = [];
      for (const folder of this.#files.names(`${this.#dataDir}/jobs`)) {
        if (!folder.startsWith(prefix.slice(0, 2))) continue;
        for (const file of ifFound(() => this.#files.names(`${this.#dataDir}/jobs/${folder}`)) ?? []) {
          if (!file.endsWith(".jsonl") || !file.startsWith(prefix)) continue;
          ids.push(file.slice(0, -".jsonl".length));
          if (ids.length >= limit) return ids;
        }
      }
      return ids;
    });
  }

  async *list({ states = JOB_STATES, since = 0, where, limit = Infinity }: Query): AsyncGenerator<Job> {
    const seen = new Set<string>();
    for (const { name, worker } of newestFirst(this.#places, new Set(states))) {
      if (seen.size >= limit) return;
      const ticket = parseTicket(name)!;
      if (ticket.createdAt < since) return;
      if (seen.has(ticket.id)) continue;
      const job = this.#readOrWarn(ticket.id)?.job;
      if (job === undefined) continue;
      const shown = worker === undefined ? job : running(job, worker, ticket);
      // It may have moved on since its ticket was seen.
      if (!states.includes(shown.status.state) || where !== undefined && !where(shown)) continue;
      seen.add(ticket.id);
      yield shown;
      if (seen.size >= limit) return;
    }
  }

  count(): Promise<Counts> {
    return promised(() => countTickets(this.#places));
  }

  claim(by: Claimant, now: number): Promise<Job | undefined> {
    return promised(() => {
      this.#promote(now);
      for (;;) {
        const found = this.#line.next(performance.now());
        if (found === undefined) return undefined;
        const ticket = { ...parseTicket(found.name)!, at: now, tag: `r${by.pid}` as Tag };
        const path = this.#take(found.path, by.worker, ticket);
        this.#line.took(path !== undefined);
        if (path === undefined) continue;
        const decoded = this.#readOrWarn(ticket.id);
        if (decoded === undefined) this.#setAside(path, ticket);
        else {
          const job = claimed(decoded.job, by, now);
          if (!(job instanceof QueueError)) {
            this.#held.set(ticket.id, { holder: by.worker, job, path, unended: decoded.unended });
            return job;
          }
          this.#place(path, decoded.job); // the ticket lagged behind the facts
        }
      }
    });
  }

  heldBy(worker: string): Promise<Job[]> {
    return promised(() => this.#heldBy(worker).map((held) => held.job));
  }

  change(id: string, event: Event, holder?: string): Promise<Job> {
    return promised(() =>
      holder === undefined ? this.#changeWaiting(id, event) : this.#changeHeld(id, event, holder)
    );
  }

  remove(id: string, unless: (job: Job) => QueueError | undefined): Promise<void> {
    return promised(() => {
      this.#withTicket(id, (held) => {
        const refusal = unless(held.job);
        if (refusal !== undefined) {
          this.#place(held.path, held.job);
          throw refusal;
        }
        // The ticket goes last: one without a job, in a command's hands, tells that a removal was begun.
        this.#files.remove(jobPath(this.#dataDir, id));
        this.#dropRemains(id, held.path, held.job.history.length);
      }, unless);
    });
  }

  nextDue(): Promise<number | undefined> {
    return promised(() => {
      const { later } = this.#places;
      const now = this.#now();
      for (const bucket of later.buckets()) {
        const due = later.tickets(bucket).map((name) => parseTicket(name)!.at).find((at) => at > now);
        if (due !== undefined) return due;
      }
      return undefined;
    });
  }

  unfinished(): Promise<boolean> {
    return promised(() => {
      const { ready, later } = this.#places;
      if (heldTickets(this.#places).length > 0) return true;
      if (ready.buckets().some((bucket) => ready.tickets(bucket).length > 0)) return true;
      const now = this.#now();
      return later.buckets().some((bucket) =>
        // What was laid in as a batch and never touched waits for a time given by the user.
        (bucket.count === undefined || Number(bucket.lower.slice(0, 13)) <= now) &&
        later.tickets(bucket).map((name) => parseTicket(name)!).some((t) => t.tag === "f" || t.at <= now)
      );
    });
  }

  changed(timeout: number, signal?: AbortSignal): Promise<void> {
    if (this.#watch === undefined) {
      const folders = [this.#places.ready.folder, this.#places.later.folder];
      this.#watch = new Watch(folders, () => this.#forgetWhatIsKnown());
      this.#forgetWhatIsKnown(); // what came before it was watched
    }
    return this.#watch.next(timeout, signal);
  }

  recover(): Promise<void> {
    return promised(() => this.#recover());
  }

  close(): void {
    this.#watch?.close();
    if (this.#lock === undefined) return;
    this.#forgetHolder(this.#holderName());
    this.#lock.release();
    this.#lock = undefined;
  }

  #recover(): void {
    for (const file of this.#files.names(`${this.#dataDir}/workers`)) {
      if (!file.startsWith(COMMAND_HOLDER) || !file.endsWith(".lock")) continue;
      const holder = file.slice(0, -".lock".length);
      if (holder === this.#holderName()) continue;
      const lock = ifFound(() => this.#files.lock(`${this.#dataDir}/workers/${file}`));
      if (lock === undefined) continue;
      try {
        resolveStaged(this.#files, this.#dataDir, this.#places, holder);
        for (const held of this.#heldBy(holder)) this.#place(held.path, held.job);
        this.#forgetHolder(holder);
      } finally {
        lock.release();
      }
    }
  }

  #forgetWhatIsKnown(): void {
    this.#line.forget();
    this.#nextLater = -Infinity;
  }

  #get(id: string): Job | undefined {
    for (;;) {
      const decoded = this.#read(id);
      if (decoded === undefined) return undefined;
      const { state } = decoded.job.status;
      if (state !== "pending" && state !== "failed") return decoded.job;
      const held = heldTickets(this.#places).find(({ name }) => parseTicket(name)!.id === id);
      if (held !== undefined) return running(decoded.job, held.worker!, parseTicket(held.name)!);
      // It may have ended between the two looks.
      if (this.#read(id)?.job.history.length === decoded.job.history.length) return decoded.job;
    }
  }

  /** @throws QueueError `damaged` */
  #read(id: string): Decoded | undefined {
    const path = jobPath(this.#dataDir, id);
    const text = ifFound(() => this.#files.readText(path));
    return text === undefined ? undefined : decode(text, id, path);
  }

  #readOrWarn(id: string): Decoded | undefined {
    try {
      return this.#read(id);
    } catch (error) {
      this.#warn(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** Takes a ticket: moves it into the holder's folder. Undefined if somebody else was faster. */
  #take(from: string, holder: string, ticket: Ticket): string | undefined {
    const folder = `${this.#places.running}/${holder}`;
    const path = `${folder}/${timedName(ticket)}`;
    for (;;) {
      if (ifFound(() => (this.#files.rename(from, path), true))) return path;
      if (this.#files.info(folder) !== undefined) return undefined;
      makeUnlessThere(this.#files, folder);
    }
  }

  /** Moves a ticket to where the facts say it belongs. */
  #place(from: string, job: Job): void {
    const { status } = job;
    switch (status.state) {
      case "processing":
        return this.#place(from, { ...job, status: status.before });
      case "pending":
      case "failed": {
        const { ticket, ready } = waitingTicket(job, status, this.#now());
        const { ready: readyShelf, later } = this.#places;
        if (ready) readyShelf.put(from, readySlice(ticket), readyName(ticket));
        else later.put(from, laterSlice(ticket), timedName(ticket));
        // Wakes the workers that wait, this one included.
        this.#forgetWhatIsKnown();
        return this.#files.touch(ready ? readyShelf.folder : later.folder);
      }
      default:
        return this.#places.ended[status.state].add(from, endedTicket(job, status));
    }
  }

  #changeHeld(id: string, event: Event, holder: string): Job {
    const known = this.#held.get(id);
    const held = known?.holder === holder ? known : this.#heldBy(holder).find((other) => other.job.id === id);
    // A late word of one who has lost the claim must change nothing, so look before the facts are written.
    if (held === undefined || this.#files.info(held.path) === undefined) {
      if (this.#get(id) === undefined) throw notFound(id);
      throw new QueueError("claim_lost", `Cannot change job "${id}": ${holder} no longer has it`);
    }
    const job = this.#apply(held, event);
    this.#held.delete(id);
    return job;
  }

  /** Writes what `event` makes of a held job, then moves its ticket. */
  #apply(held: Held, event: Event): Job {
    const after = event(held.job);
    if (after instanceof QueueError) throw after;
    const line = encodeChange(held.job, after);
    if (line !== undefined) {
      this.#files.append(jobPath(this.#dataDir, after.id), held.unended ? `\n${line}` : line);
    }
    this.#place(held.path, after);
    return after;
  }

  #changeWaiting(id: string, event: Event): Job {
    const refusal = (job: Job) => {
      const after = event(job);
      return after instanceof QueueError ? after : undefined;
    };
    return this.#withTicket(id, (held) => {
      const refused = refusal(held.job);
      if (refused === undefined) return this.#apply(held, event);
      this.#place(held.path, held.job);
      throw refused;
    }, refusal);
  }

  /**
   * Takes the ticket of a job that no worker has, and hands both to `action`, which must move or remove the ticket.
   * @throws what `unless` returns for the job, before anything is moved
   */
  #withTicket<T>(id: string, action: (held: Held) => T, unless: (job: Job) => QueueError | undefined): T {
    for (let tries = 0; tries < 1000; tries++) {
      const job = this.#get(id);
      if (job === undefined) throw notFound(id);
      const refusal = unless(job);
      if (refusal !== undefined) throw refusal;
      if (job.status.state === "processing") {
        throw new QueueError("wrong_state", `Cannot change job "${id}": it is running`);
      }
      const found = this.#findTicket(job);
      if (found === undefined) {
        // It is on its way: a worker's, or that of a command which may have died over it.
        if (tries % 50 === 49) this.#recover();
        continue;
      }
      const ticket = parseTicket(found.slice(found.lastIndexOf("/") + 1))!;
      const path = this.#take(found, this.#holder(), { ...ticket, tag: `r${Deno.pid}` });
      const decoded = path === undefined ? undefined : this.#read(id);
      if (path !== undefined && decoded !== undefined) {
        return action({ holder: this.#holder(), job: decoded.job, path, unended: decoded.unended });
      }
    }
    throw new QueueError("damaged", `Cannot change job "${id}": its ticket is not where it should be`, {
      hint: "Look for what is damaged: queuectl storage check --repair",
    });
  }

  /** Where the ticket of a job lies that no worker has. */
  #findTicket(job: Job): string | undefined {
    const { status } = job;
    const { ready, later, ended } = this.#places;
    if (status.state === "processing") return undefined;
    if (status.state === "pending" || status.state === "failed") {
      const { ticket } = waitingTicket(job, status, 0);
      return later.leave(timedName(ticket)) ?? ready.leave(readyName(ticket));
    }
    return ended[status.state].leave(timedName(endedTicket(job, status)));
  }

  /** The jobs of a holder. Tickets that lag behind the facts are put where they belong, those without a job aside. */
  #heldBy(holder: string): Held[] {
    const folder = `${this.#places.running}/${holder}`;
    const result: Held[] = [];
    for (const name of ifFound(() => this.#files.names(folder)) ?? []) {
      const ticket = parseTicket(name);
      if (ticket === undefined) continue;
      const path = `${folder}/${name}`;
      const decoded = this.#readOrWarn(ticket.id);
      if (decoded === undefined) {
        const gone = this.#files.info(jobPath(this.#dataDir, ticket.id)) === undefined;
        if (gone && holder.startsWith(COMMAND_HOLDER)) this.#dropRemains(ticket.id, path);
        else this.#setAside(path, ticket);
        continue;
      }
      const job = running(decoded.job, holder, ticket);
      if (job.status.state === "processing") result.push({ holder, job, path, unended: decoded.unended });
      else this.#place(path, job);
    }
    return result;
  }

  /** Removes the logs and the ticket of a job whose file is gone. */
  #dropRemains(id: string, ticket: string, attempts?: number): void {
    if (attempts === undefined) {
      const folder = jobFolder(this.#dataDir, id);
      for (const name of this.#files.names(folder)) {
        if (name.startsWith(`${id}.`) && /^\d+\.log$/.test(name.slice(id.length + 1))) {
          this.#files.remove(`${folder}/${name}`);
        }
      }
    } else {
      for (let n = 1; n <= attempts + 1; n++) {
        ifFound(() => this.#files.remove(logPath(this.#dataDir, id, n)));
      }
    }
    this.#files.remove(ticket);
  }

  /** Takes a ticket out of the queue whose job can't be read, so that all others go on; `storage check` finds it. */
  #setAside(path: string, ticket: Ticket): void {
    ifFound(() => this.#files.rename(path, `${this.#dataDir}/damaged/${timedName(ticket)}`));
    this.#warn(`Set aside the ticket of job "${ticket.id}": its file is missing or damaged`);
  }

  /** Makes at most some of the jobs that have fallen due ready. */
  #promote(now: number): void {
    if (now < this.#nextLater) return;
    this.#nextLater = Infinity;
    const { ready, later } = this.#places;
    let promoted = 0;
    for (const sealed of later.buckets()) {
      const lower = Number(sealed.lower.slice(0, 13));
      if (lower > now) {
        this.#nextLater = Math.min(this.#nextLater, lower);
        break;
      }
      const bucket = later.unseal(sealed);
      const names = bucket === undefined ? [] : later.tickets(bucket);
      if (bucket === undefined) continue;
      if (names.length === 0 && lower + LATER_SLICE < now) later.removeIfEmpty(bucket);
      for (const name of names) {
        const ticket = parseTicket(name)!;
        if (ticket.at > now) {
          this.#nextLater = Math.min(this.#nextLater, ticket.at);
          break;
        }
        ifFound(() => ready.put(later.path(bucket.name, name), readySlice(ticket), readyName(ticket)));
        if (++promoted >= PROMOTE) {
          this.#nextLater = -Infinity;
          break;
        }
      }
    }
    if (promoted > 0) this.#line.forget();
  }

  /** The name under which this process takes tickets and stages jobs; its lock is held from the first use on. */
  #holder(): string {
    const name = this.#holderName();
    if (this.#lock === undefined) {
      this.#lock = this.#files.lock(lockPath(this.#dataDir, name));
      if (this.#lock === undefined) {
        throw new QueueError("io", `Cannot lock ${lockPath(this.#dataDir, name)}`);
      }
    }
    return name;
  }

  #holderName(): string {
    return COMMAND_HOLDER + this.#unique;
  }

  #forgetHolder(holder: string): void {
    ifFound(() => this.#files.removeFolder(`${this.#places.running}/${holder}`));
    ifFound(() => this.#files.remove(lockPath(this.#dataDir, holder)));
  }
}

/** A job as it is while a worker holds its ticket; as it stands if the ticket only lags behind. */
function running(job: Job, worker: string, ticket: Ticket): Job {
  const { status } = job;
  const last = job.history.at(-1);
  if (status.state !== "pending" && status.state !== "failed") return job;
  if (worker.startsWith(COMMAND_HOLDER)) return job;
  if (last !== undefined && last.startedAt === ticket.at && last.worker === worker) return job;
  const after = claimed(job, { worker, pid: Number(ticket.tag.slice(1)) }, ticket.at);
  return after instanceof QueueError ? job : after;
}

function endedTicket(job: Job, status: { state: "completed" | "dead" | "cancelled"; since: number }): Ticket {
  const { priority, createdAt, sequence, id } = job;
  const tag = status.state === "completed" ? "c" : status.state === "dead" ? "d" : "x";
  return { at: status.since, priority, createdAt, sequence, tag, id };
}

function notFound(id: string): QueueError {
  return new QueueError("not_found", `No job "${id}"`);
}

/** The files are synchronous, the port is not: what `action` throws becomes a rejection. */
function promised<T>(action: () => T): Promise<T> {
  return new Promise((resolve) => resolve(action()));
}
