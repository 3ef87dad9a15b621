// The default store: a folder of files, safe with any number of processes on one machine. A job's
// file says what happened, and its ticket is where its state says. The file is written first and
// the ticket moves second, so after a crash a ticket may be one step behind the file. Whoever finds
// it like that moves it to its place.
import {
  type Claim,
  type EndedState,
  hasEnded,
  isClaimOn,
  isDue,
  type Job,
} from "../../queue/job.ts";
import { messageOf, QueueError } from "../../queue/errors.ts";
import { expired, hasExpired } from "../../queue/start_by.ts";
import type {
  Adds,
  Claimant,
  Counts,
  JobStore,
  Query,
  WaitingEnds,
  Watching,
} from "../../queue/store.ts";
import {
  claimed,
  mustNotRun,
  noJob,
  type Transition,
  waitingStatus,
} from "../../queue/transitions.ts";
import { keyTaken, needsKey } from "../../queue/unique.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { nameOf } from "../../system/paths.ts";
import { Watch } from "../../system/watch.ts";
import type { Decoded } from "./codec.ts";
import { FileInbox, uniqueName } from "./inbox.ts";
import { Deadlines } from "./deadlines.ts";
import { FallingDue } from "./falling_due.ts";
import { JobFiles } from "./job_files.ts";
import { COMMAND_HOLDER, lockPath, parseTicket, queueKey, queueOf, type Ticket } from "./layout.ts";
import { heldTickets, hostOf, whileHeld } from "./listing.ts";
import { isBeingRestored, RESTORE } from "./maintenance.ts";
import { prepareFolder } from "./prepare_folder.ts";
import { promised } from "./promised.ts";
import { Reader } from "./reader.ts";
import { ReadyLine } from "./ready_line.ts";
import { Gates } from "./gates.ts";
import { QueueSieve } from "./queue_sieve.ts";
import { Release } from "./release.ts";
import { type BucketedIndex, ignoreNotFound, removeIfEmpty } from "./bucketed_index.ts";
import { resolveStaged, stagedIds } from "./staging.ts";
import { Tickets } from "./tickets.ts";
import { UniqueKeys } from "./unique_keys.ts";
import { WaitLines } from "./wait_lines.ts";

/**
 * How often a ticket that another process is moving is looked for: first without a pause, then for
 * five seconds.
 */
const TRIES_AT_ONCE = 50;
const TRIES = 550;
/** Milliseconds between two looks. */
const PAUSE = 10;
/** Milliseconds for telling jobs when a process ends. Marks say what is left for others. */
const LAST_TELLING = 1000;

export interface FileStoreOptions {
  readonly files: FileSystem;
  readonly now?: () => number;
  /** Called about files that can't be read. */
  readonly warn?: (message: string) => void;
}

/** Opens the store in a data folder. */
export async function openFileStore(
  dataDir: string,
  options: FileStoreOptions,
): Promise<FileStore> {
  await prepareFolder(dataDir, options.files);
  return new FileStore(dataDir, options);
}

/** A job whose ticket is in its holder's folder. */
interface Held {
  readonly holder: string;
  readonly job: Job;
  readonly path: string;
  /** Whether the job's file ends in the middle of a line. */
  unended: boolean;
}

export class FileStore implements JobStore {
  readonly #dataDir: string;
  readonly #files: FileSystem;
  readonly #now: () => number;
  readonly #warn: (message: string) => void;
  readonly #warned = new Set<string>();
  readonly #inbox: FileInbox;
  readonly #jobs: JobFiles;
  readonly #tickets: Tickets;
  readonly #reader: Reader;
  readonly #gates: Gates;
  /** The lines, by the queues that they take jobs from. */
  readonly #lines = new Map<string, ReadyLine>();
  /**
   * Jobs that were claimed through this object, so that recording their ends reads nothing again.
   */
  readonly #held = new Map<string, Held>();
  readonly #fallingDue: FallingDue;
  readonly #release: Release;
  readonly #keys: UniqueKeys;
  readonly #deadlines: Deadlines;
  #hasTidied = false;
  #watch: Watch | undefined;

  /** Use `openFileStore`. */
  constructor(dataDir: string, { files, now = Date.now, warn = () => {} }: FileStoreOptions) {
    this.#dataDir = dataDir;
    this.#files = files;
    this.#now = now;
    this.#warn = warn;
    this.#jobs = new JobFiles(files, dataDir);
    const unique = uniqueName();
    this.#tickets = new Tickets(files, dataDir, unique);
    const { dependents } = this.#tickets;
    const deadlines = this.#deadlines = new Deadlines(files, dataDir, unique);
    const makeLines = (stage: string) => new WaitLines(dependents, deadlines, stage);
    this.#inbox = new FileInbox(dataDir, files, this.#tickets, now, unique, makeLines);
    this.#reader = new Reader(dataDir, this.#tickets, this.#jobs, warn);
    this.#gates = new Gates({
      dataDir,
      files,
      tickets: this.#tickets,
      warn: (message) => this.#warnOnce(message),
      unique,
      now,
    });
    this.#fallingDue = new FallingDue(this.#tickets);
    this.#keys = new UniqueKeys(files, dataDir);
    this.#release = new Release({
      files,
      jobs: this.#jobs,
      tickets: this.#tickets,
      now,
      holder: () => {
        this.#inbox.tookTicket();
        return this.#inbox.holder();
      },
      putBack: (holder) => this.#putBack(holder),
    });
  }

  async add(
    jobs: Iterable<Job>,
    taken?: (job: Job, holder: string) => void,
  ): Promise<number> {
    const added = await this.#inbox.add(jobs, taken, (job, holder) => this.#callOff(job, holder));
    this.#forgetWhatIsKnown();
    await this.#tellDependents();
    return added;
  }

  get(id: string): Promise<Job | undefined> {
    return this.#reader.get(id);
  }

  findIdsByPrefix(prefix: string, limit: number): Promise<string[]> {
    return this.#reader.findIdsByPrefix(prefix, limit);
  }

  list(query: Query, watching?: Watching): AsyncIterable<Job> {
    return this.#reader.list(query, watching);
  }

  count(): Promise<Counts> {
    return this.#reader.count();
  }

  idsEndedBefore(states: readonly EndedState[], before: number, limit: number): Promise<string[]> {
    return this.#reader.idsEndedBefore(states, before, limit);
  }

  lastFailures(limit: number): Promise<Job[]> {
    return this.#reader.lastFailures(limit);
  }

  countEndedSince(since: number): Promise<Record<EndedState, number>> {
    return this.#reader.countEndedSince(since);
  }

  dependentsOf(id: string): Promise<string[]> {
    return this.#reader.dependentsOf(id);
  }

  waitingEnds(now: number): Promise<WaitingEnds> {
    return this.#reader.waitingEnds(now);
  }

  async claim(
    by: Claimant,
    now: number,
    queues?: readonly string[],
  ): Promise<Job | undefined> {
    // A portion each time, so that nobody waits for long behind a job that many wait for.
    if (this.#release.isOwed) await this.#tellSome(() => this.#release.some());
    for (;;) {
      const job = await this.#claim(by, now, queues);
      if (job !== undefined) return job;
      if (!await this.#tellSome(() => this.#release.whileIdle())) return undefined;
    }
  }

  async #claim(
    by: Claimant,
    now: number,
    queues: readonly string[] | undefined,
  ): Promise<Job | undefined> {
    const line = this.#lineOf(queues);
    this.#promote(now);
    if (this.#gates.openings.lookAround(now)) this.#forgetLines();
    for (;;) {
      const next = line.next();
      if (next === undefined) {
        if (this.#fallingDue.isDone(now)) return undefined;
        this.#promote(now);
        continue;
      }
      let ticket: Ticket = { ...parseTicket(next.name)!, at: now, tag: `r${by.pid}` };
      let path: string | undefined;
      if (this.#gates.isFree(next.name)) {
        path = this.#tickets.take(next.path, by.worker, ticket);
        line.took(path !== undefined);
        if (path === undefined || !this.#gates.mayKeep(path, next.name)) continue;
      } else {
        const taken = await this.#gates.take(line, next, by.worker, ticket.tag);
        if (taken === "gone" || taken === "closed") continue;
        ({ path, ticket } = taken);
      }
      const decoded = this.#readTaken(path, ticket);
      if (decoded === undefined) continue;
      if (hasExpired(decoded.job, now)) {
        const held = { holder: by.worker, job: decoded.job, path, unended: decoded.unended };
        await this.#settled(this.#apply(held, (job) => expired(job, now)));
        continue;
      }
      const job = claimed(decoded.job, by, ticket.at);
      if (!(job instanceof QueueError)) {
        this.#held.set(ticket.id, { holder: by.worker, job, path, unended: decoded.unended });
        return job;
      }
      this.#settle(path, decoded); // the ticket lagged behind the file
    }
  }

  #lineOf(queues: readonly string[] | undefined): ReadyLine {
    const key = queues?.join() ?? "";
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = new ReadyLine(this.#tickets.ready, new QueueSieve(this.#gates, queues));
      this.#lines.set(key, line);
    }
    return line;
  }

  claimedBy(worker: string): Promise<Job[]> {
    return promised(() => this.#claimedBy(worker).map((held) => held.job));
  }

  async change(id: string, transition: Transition, claim?: Claim, adds?: Adds): Promise<Job> {
    // Who has run it has other things to do: its next claims tell those that wait for it.
    if (claim !== undefined) {
      return await this.#settled(this.#changeHeld(id, transition, claim, adds));
    }
    try {
      await this.#tellWhatCounts(id);
      const seen = this.#reader.jobNow(id);
      return seen === undefined || seen.unique === null || !hasEnded(seen)
        ? await this.#changeFree(id, transition)
        : await this.#keys.whileLocked(() => this.#changeKeyed(id, transition));
    } finally {
      await this.#tellDependents();
    }
  }

  /** Lets the next job of a queue with a limit begin, since this one has ended. */
  async #settled(job: Job): Promise<Job> {
    this.#gates.known.refresh(); // whoever takes over a dead worker has made no claim yet
    if (!this.#gates.known.isAny) return job;
    try {
      if (await this.#gates.openings.settled(queueKey(job.queue), this.#now())) this.#forgetLines();
    } catch (error) {
      // The end of the job is recorded, which is what matters; the next claim puts back what may
      // begin.
      this.#warnOnce(`Cannot let the next job of queue ${job.queue} begin: ${messageOf(error)}`);
    }
    return job;
  }

  async remove(id: string, unless: (job: Job) => QueueError | undefined): Promise<void> {
    try {
      await this.#tellWhatCounts(id);
      await this.#withTicket(id, unless, (held) => {
        // The ticket is removed last: a ticket without a job that a command holds tells that a
        // removal was begun. As soon as the job's file is gone, its id may be used again.
        this.#jobs.remove(held.job);
        this.#tickets.markIfAwaited(id);
        if (held.job.unique !== null) this.#keys.forget(held.job.unique, id);
        ignoreNotFound(() => this.#files.remove(held.path));
      });
    } finally {
      await this.#tellDependents();
    }
  }

  nextDue(): Promise<number | undefined> {
    return promised(() => {
      const { later } = this.#tickets;
      const now = this.#now();
      let next = this.#gates.openings.nextOpening(now);
      for (const bucket of later.buckets()) {
        if (next !== undefined && Number(bucket.lower.slice(0, 13)) >= next) break;
        const due = later.tickets(bucket).map((name) => parseTicket(name)!.at).find((at) =>
          at > now
        );
        if (due !== undefined && due < (next ?? Infinity)) next = due;
      }
      return next;
    });
  }

  async hasWork(queues?: readonly string[]): Promise<boolean> {
    await this.#release.all(); // what a dead process has left to tell
    return await promised(() => {
      this.#gates.known.refresh();
      const { ready, later, held } = this.#tickets;
      const served = queues && new Set(queues.map(queueKey));
      const isServed = (name: string) => served?.has(queueOf(name)) ?? true;
      const counts = (name: string) =>
        isServed(name) && this.#gates.known.of(queueOf(name))?.paused !== true;
      if (heldTickets(this.#tickets).some(({ name }) => isServed(name))) return true;
      const waits = (index: BucketedIndex) =>
        index.buckets().some((bucket) => index.tickets(bucket).some(counts));
      // Tickets that are put back move from `held` to `ready`, so look in this order.
      if (this.#gates.known.isAny && held.all().some(waits)) return true;
      if (waits(ready)) return true;
      const now = this.#now();
      return later.buckets().some((bucket) =>
        // A batch that was never opened waits for a time given by the user.
        (bucket.count === undefined || Number(bucket.lower.slice(0, 13)) <= now) &&
        later.tickets(bucket).filter(counts).map((name) => parseTicket(name)!).some((t) =>
          t.tag === "f" || t.at <= now
        )
      );
    });
  }

  waitForChange(timeout: number, signal?: AbortSignal): Promise<void> {
    if (this.#watch === undefined) {
      const folders = [this.#tickets.ready.folder, this.#tickets.later.folder];
      this.#watch = new Watch(folders, () => this.#forgetWhatIsKnown());
      this.#forgetWhatIsKnown(); // jobs may have come before the watch began
    }
    return this.#watch.next(timeout, signal);
  }

  async recover(patience?: number): Promise<void> {
    await promised(() => this.#recover());
    try {
      if (await this.#tellFor(patience)) this.#forgetWhatIsKnown();
    } catch (error) {
      this.#warnOnce(`Cannot tell jobs that wait for others: ${messageOf(error)}`);
    }
    try {
      await this.#callOffExpired();
      if (this.#release.isOwed) await this.#tellSome(() => this.#tellFor(patience));
    } catch (error) {
      this.#warnOnce(`Cannot call off jobs that have not begun in time: ${messageOf(error)}`);
    }
  }

  async #callOffExpired(): Promise<void> {
    const now = this.#now();
    for (const due of this.#deadlines.due(now)) {
      let isDone = true;
      for (const { id } of due.tickets) {
        try {
          const seen = this.#reader.jobNow(id);
          if (seen !== undefined && hasExpired(seen, now)) {
            await this.#changeFree(id, (job) => expired(job, now), TRIES_AT_ONCE);
          }
        } catch (error) {
          if (!(error instanceof QueueError)) throw error;
          // Another process holds it, perhaps a dead worker, or it is being moved: it is looked at
          // again later, and not waited for. Other refusals do not matter here.
          if (error.code === "refused" || error.code === "damaged") isDone = false;
        }
      }
      if (isDone) this.#deadlines.forget(due);
    }
  }

  async close(): Promise<void> {
    this.#watch?.close();
    if (this.#release.isOwed) await this.#tellSome(() => this.#tellFor(LAST_TELLING));
    await promised(() => {
      this.#tidy(() => this.#tickets.tidy());
      this.#inbox.release((holder) => this.#settleHolder(holder));
    });
  }

  /**
   * Changes an ended job that has a unique key. It goes on only if no other job has its key now.
   */
  async #changeKeyed(id: string, transition: Transition): Promise<Job> {
    const holder = (job: Job) => this.#keys.holderOf(job.unique!);
    const ifFree: Transition = (job, now) => {
      const after = transition(job, now);
      if (after instanceof QueueError || !needsKey(job, after)) return after;
      const other = holder(job);
      return other === undefined || other.id === id ? after : keyTaken(job, other.id);
    };
    const seen = this.#reader.jobNow(id);
    const wanted = seen && transition(seen, this.#now());
    if (wanted !== undefined && !(wanted instanceof QueueError) && needsKey(seen!, wanted)) {
      const other = holder(seen!);
      if (other !== undefined) this.#callOff(other, await this.#inbox.holder());
      // The key is taken first: if the change then fails, the key belongs to an ended job and counts
      // for nothing.
      const isFree = !(ifFree(seen!, this.#now()) instanceof QueueError);
      if (isFree) this.#keys.hold(wanted.unique!, id, true);
    }
    return await this.#changeFree(id, ifFree);
  }

  /** Tells the jobs that wait for jobs which this process has ended or removed. */
  async #tellDependents(): Promise<void> {
    if (this.#release.isOwed) await this.#tellSome(() => this.#release.all());
  }

  /** Tells jobs for so many milliseconds; all of them if it is undefined. */
  #tellFor(patience: number | undefined): Promise<boolean> {
    return patience === undefined ? this.#release.all() : this.#release.forAtMost(patience);
  }

  /** Whether any were told by `telling`. */
  async #tellSome(telling: () => Promise<boolean>): Promise<boolean> {
    try {
      if (!await telling()) return false;
      this.#forgetWhatIsKnown();
      return true;
    } catch {
      // What was to be done is done. The marks stay, and whoever comes next does the rest.
      return false;
    }
  }

  /**
   * Called before an ended job is removed or retried: the jobs that wait for it must be told of the
   * end first, even if the process that recorded it died before it could tell them.
   */
  async #tellWhatCounts(id: string): Promise<void> {
    await this.#inbox.holder(); // from here on no restore can replace the queue
    if (!this.#tickets.dependents.areThere(id) || await this.#release.of(id)) return;
    this.#reader.jobNow(id); // throws if it is damaged
    throw new QueueError(
      "refused",
      `Cannot change job "${id}": another process is changing one that waits for it`,
      { hint: "Try again in a moment" },
    );
  }

  #recover(): void {
    for (const file of this.#files.names(`${this.#dataDir}/workers`)) {
      if (!file.startsWith(COMMAND_HOLDER) || !file.endsWith(".lock")) continue;
      const holder = file.slice(0, -".lock".length);
      if (this.#inbox.isOwn(holder)) continue;
      try {
        const lock = this.#files.lock(`${this.#dataDir}/workers/${file}`);
        if (lock === undefined) continue;
        try {
          // A restore looks for held locks, so it sees this one, unless it has begun before.
          const isLate = holder !== RESTORE && isBeingRestored(this.#dataDir, this.#files);
          if (isLate) return;
          this.#settleHolder(holder);
        } finally {
          lock.release();
        }
        this.#hasTidied = false;
      } catch (error) {
        // The other holders must not wait for it.
        this.#warnOnce(`Cannot complete what ${holder} has left: ${messageOf(error)}`);
      }
    }
    if (this.#hasTidied) return;
    this.#hasTidied = true;
    const { ended, blocked } = this.#tickets;
    this.#tidy(() => [blocked, ...Object.values(ended)].forEach((index) => index.tidyAll()));
  }

  /**
   * Completes or undoes what a command has left, and removes its traces. This process holds its
   * lock.
   */
  #settleHolder(holder: string): void {
    resolveStaged(this.#files, this.#dataDir, this.#tickets, holder);
    let failure: unknown;
    for (const { path, ticket } of this.#tickets.claimedBy(holder)) {
      try {
        const held = this.#heldAt(holder, path, ticket);
        if (held !== undefined) this.#placeNow(held);
      } catch (error) {
        failure ??= error; // the other tickets must not wait for it
      }
    }
    if (failure !== undefined) throw failure; // its lock file stays, so that this is tried again
    removeIfEmpty(this.#files, `${this.#tickets.running}/${holder}`);
    ignoreNotFound(() => this.#files.remove(lockPath(this.#dataDir, holder)));
  }

  #placeNow(held: Held): void {
    this.#tickets.place(held.path, held.job, this.#now());
    // If another link to the same file was there already, the rename has left both.
    ignoreNotFound(() => this.#files.remove(held.path));
    this.#forgetWhatIsKnown();
  }

  #tidy(action: () => void): void {
    try {
      action();
    } catch {
      // Without it some things are only slower: buckets stay empty, or are counted by reading them.
    }
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#warn(message);
  }

  #forgetWhatIsKnown(): void {
    this.#forgetLines();
    this.#fallingDue.forget();
  }

  #forgetLines(): void {
    for (const line of this.#lines.values()) line.forget();
  }

  /**
   * The job of a ticket that this process has taken. The ticket is set aside if the job can't be
   * read.
   */
  #readTaken(path: string, ticket: Ticket): Decoded | undefined {
    try {
      const decoded = this.#jobs.read(ticket.id) ?? this.#jobs.restore(ticket.id, path);
      if (decoded !== undefined) return decoded;
      this.#warn(`Set aside the ticket of job "${ticket.id}": its file is missing`);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error; // it may be readable the next time
      this.#warn(error.message);
    }
    this.#tickets.setAside(path, ticket);
    return undefined;
  }

  #changeHeld(id: string, transition: Transition, claim: Claim, adds?: Adds): Job {
    const known = this.#held.get(id);
    const held = known !== undefined && isClaimOn(known.job, claim)
      ? known
      : this.#claimedBy(claim.worker).find(({ job }) => job.id === id && isClaimOn(job, claim));
    // A caller that has lost the claim must change nothing, so this is checked before anything is
    // written.
    const ticket = held && this.#files.info(held.path);
    const isLeftover = ticket !== undefined && ticket.links < 2 &&
      this.#jobs.isLeftover(id, ticket);
    if (held === undefined || ticket === undefined || isLeftover) {
      this.#held.delete(id);
      if (held !== undefined && isLeftover) this.#tickets.setAside(held.path, parse(held.path));
      if (this.#reader.jobNow(id) === undefined) throw noJob(id);
      throw new QueueError(
        "claim_lost",
        `Cannot change job "${id}": ${claim.worker} no longer has it`,
      );
    }
    if (ticket.links < 2) this.#restoreFile(held);
    const job = this.#apply(held, transition, adds);
    this.#held.delete(id);
    return job;
  }

  /**
   * Puts the file of a held job back if somebody has removed it.
   *
   * @throws QueueError `damaged` if that is not possible; then its ticket is set aside
   */
  #restoreFile({ job: { id }, path }: Held): void {
    if (this.#jobs.exists(id)) return;
    if (this.#jobs.restore(id, path) !== undefined) {
      this.#warn(`The file of job "${id}" was missing and has been restored`);
      return;
    }
    this.#tickets.setAside(path, parse(path));
    throw new QueueError("damaged", `Cannot change job "${id}": its file is missing`);
  }

  /**
   * Writes the result of `transition` for a held job, together with the job that it adds; then adds
   * that job; then moves the ticket. If a crash comes in between, whoever finds the ticket
   * completes it with `#settle`.
   */
  #apply(held: Held, transition: Transition, adds?: Adds): Job {
    const after = transition(held.job, this.#now());
    if (after instanceof QueueError) throw after;
    const added = adds?.(after, this.#now());
    try {
      this.#jobs.append(held.job, after, held.unended, added);
    } catch (error) {
      held.unended = true; // how much of the line was written is not known
      throw error;
    }
    if (added !== undefined) this.#addOnce(added);
    const now = this.#now();
    this.#tickets.place(held.path, after, now);
    const waiting = waitingStatus(after);
    if (waiting === undefined) return after;
    if (isDue(waiting, now)) this.#forgetLines();
    else this.#fallingDue.expect(waiting.runAt!);
    return after;
  }

  /**
   * Adds the job that the end of this one adds, and then moves the ticket to its place. Not for
   * tickets that commands hold: for those this was done before, and the added job may have been
   * removed since.
   */
  #settle(path: string, { job, adds }: Pick<Decoded, "job" | "adds">): void {
    if (adds !== undefined) this.#addOnce(adds);
    this.#tickets.placeLate(path, job, this.#now());
  }

  /** Adds the job that the last line of a job's file adds, if any. */
  addOwed(id: string): void {
    const adds = this.#jobs.read(id)?.adds;
    if (adds !== undefined) this.#addOnce(adds);
  }

  /** Adds a job unless it exists. */
  #addOnce(job: Job): void {
    for (let tries = 0; tries < 3; tries++) {
      try {
        this.#inbox.addNow([job]);
        return this.#forgetWhatIsKnown();
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        // Another error must not count as a refusal of the change itself, so that it is tried
        // again.
        if (error.code !== "duplicate_id") throw new Error(error.message);
        if (!stagedIds(this.#dataDir, this.#files).has(job.id)) return;
        // A dead process left it half enqueued; that is undone first.
        this.#inbox.settleStaged();
        this.#recover();
      }
    }
    throw new Error(`Another process is adding job "${job.id}"`);
  }

  #changeFree(id: string, transition: Transition, tries = TRIES): Promise<Job> {
    const unless = (job: Job) => {
      const after = transition(job, this.#now());
      return after instanceof QueueError ? after : undefined;
    };
    return this.#withTicket(id, unless, (held) => this.#apply(held, transition), tries);
  }

  /**
   * Takes the ticket of a job that no worker has, and hands both to `action`, which moves or
   * removes the ticket.
   *
   * @param most how often the ticket is looked for; few times if the caller will try again anyway
   *
   * @throws what `unless` returns for the job; then nothing is changed
   */
  async #withTicket<T>(
    id: string,
    unless: (job: Job) => QueueError | undefined,
    action: (held: Held) => T,
    most = TRIES,
  ): Promise<T> {
    const holder = await this.#inbox.holder();
    for (let tries = 0; tries < most; tries++) {
      if (tries >= TRIES_AT_ONCE) await new Promise((resolve) => setTimeout(resolve, PAUSE));
      const seen = this.#reader.jobNow(id);
      if (seen === undefined) throw noJob(id);
      const refusal = unless(seen);
      if (refusal !== undefined) throw refusal;
      mustNotRun(seen);
      const path = this.#takeFree(seen, holder);
      if (path === undefined) {
        // It is on its way: a worker's, or that of a command, which may have died over it.
        if (tries % TRIES_AT_ONCE === TRIES_AT_ONCE - 1) this.#recover();
        continue;
      }
      try {
        const decoded = this.#readTaken(path, parse(path));
        if (decoded === undefined) continue;
        const { job, unended } = decoded;
        const late = unless(job);
        if (late !== undefined) throw late;
        return action({ holder, job, path, unended });
      } catch (error) {
        // The ticket goes to where it belongs now. If that fails too, it is done when this process
        // ends, or by the next one.
        this.#putBack(holder);
        throw error;
      }
    }
    if (heldTickets(this.#tickets).some(({ name }) => parseTicket(name)!.id === id)) {
      throw new QueueError("refused", `Cannot change job "${id}": another process is changing it`, {
        hint: "Try again in a moment",
      });
    }
    throw new QueueError(
      "damaged",
      `Cannot change job "${id}": its ticket is not where it should be`,
      {
        hint: "To repair it: queuectl storage check --repair",
      },
    );
  }

  /**
   * Calls off a job if it has not begun in time, and nobody has it in hand. Whether it has ended.
   */
  #callOff({ id }: Job, holder: string): boolean {
    const now = this.#now();
    const seen = this.#reader.jobNow(id);
    if (seen === undefined || hasEnded(seen)) return true;
    if (!hasExpired(seen, now)) return false;
    const path = this.#takeFree(seen, holder);
    if (path === undefined) return false;
    try {
      const decoded = this.#readTaken(path, parse(path));
      if (decoded === undefined) return true;
      this.#apply({ holder, path, ...decoded }, (job) => expired(job, now));
      return true;
    } catch (error) {
      this.#putBack(holder);
      if (error instanceof QueueError) return false;
      throw error;
    }
  }

  /** Takes the ticket of a job that nobody holds; undefined if it is on its way. */
  #takeFree(seen: Job, holder: string): string | undefined {
    const from = this.#tickets.leave(seen);
    if (from === undefined) return undefined;
    this.#inbox.tookTicket(); // from here on there is a folder to remove, at least
    return this.#tickets.take(from, holder, { ...parse(from), tag: `r${Deno.pid}` });
  }

  #putBack(holder: string): void {
    for (const held of this.#claimedBy(holder)) {
      this.#tickets.place(held.path, held.job, this.#now());
    }
  }

  #claimedBy(holder: string): Held[] {
    return this.#tickets.claimedBy(holder).flatMap(({ path, ticket }) =>
      this.#heldAt(holder, path, ticket) ?? []
    );
  }

  /**
   * The job of a ticket in a holder's folder. Undefined if the ticket lags behind the file, and is
   * moved to its place, or if it has no job, and is set aside.
   */
  #heldAt(holder: string, path: string, ticket: Ticket): Held | undefined {
    const isCommand = holder.startsWith(COMMAND_HOLDER);
    if (isCommand && this.#isOfRemovedJob(path, ticket.id)) {
      this.#tickets.markIfAwaited(ticket.id);
      ignoreNotFound(() => this.#files.remove(path));
      return undefined;
    }
    const decoded = this.#readTaken(path, ticket);
    if (decoded === undefined) return undefined;
    const host = () => hostOf(this.#files, this.#dataDir, holder);
    const job = whileHeld(decoded.job, holder, ticket, host);
    if (job.status.state === "processing" || isCommand) {
      return { holder, job, path, unended: decoded.unended };
    }
    this.#settle(path, { job, adds: decoded.adds });
    return undefined;
  }

  /** Whether a ticket that a command holds was left by an interrupted removal. */
  #isOfRemovedJob(path: string, id: string): boolean {
    const ticket = this.#files.info(path);
    return ticket === undefined || !this.#jobs.exists(id) || this.#jobs.isLeftover(id, ticket);
  }

  #promote(now: number): void {
    if (this.#fallingDue.promote(now) > 0) this.#forgetLines();
  }
}

/** The ticket at a path. */
function parse(path: string): Ticket {
  return parseTicket(nameOf(path))!;
}
