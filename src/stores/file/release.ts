// Tells waiting jobs that a job they wait for has ended or was removed: takes the ticket of each,
// changes the job by the rules, and moves the ticket to its new place. That is done in portions, so
// that a worker can run jobs in between. Any number of processes may do so at once, and any may die
// meanwhile; marks tell what is left to do. See dependents.ts.
import { type Fate, fateOf, isFinal, meaningOf, settled } from "../../queue/dependencies.ts";
import { QueueError } from "../../queue/errors.ts";
import { pause } from "../../system/delay.ts";
import type { FileSystem } from "../../system/file_system.ts";
import type { Waiter } from "./dependents.ts";
import type { JobFiles } from "./job_files.ts";
import { arrival, type Ticket, waitingName, waitingSlice } from "./layout.ts";
import type { Tickets } from "./tickets.ts";
import { waitingTicket, wake } from "./staging.ts";

export interface ReleaseParts {
  readonly files: FileSystem;
  readonly jobs: JobFiles;
  readonly tickets: Tickets;
  readonly now: () => number;
  /** The name under which tickets are taken; its lock is held. */
  readonly holder: () => Promise<string>;
  /** Moves the tickets that this process still holds to where they belong. */
  readonly putBack: (holder: string) => void;
}

/** A portion: after this many jobs told and files read, other work gets a turn. */
let PORTION = 100;
/**
 * A ticket that another process holds is tried again: how often, and after how many milliseconds.
 */
const TRIES = 5;
const PAUSE = 5;

/** For tests: with small portions a few jobs show what otherwise takes hundreds. */
export function setPortion(size: number): void {
  PORTION = size;
}

/**
 * The result for one waiting job. `moving`: another process holds it, so it could not be told yet.
 */
type Told = "told" | "waits" | "moving";

/** The results so far of telling jobs. */
class Progress {
  told = 0;
  /** Whether other processes held some, which have yet to be told. */
  isMoving = false;
  /** What is left of the portion. */
  left = PORTION;
}

export class Release {
  readonly #parts: ReleaseParts;
  /** The bucket of the last ticket: jobs that were enqueued together are in the same bucket. */
  #bucket = "";
  /** Whether this process may still hold a ticket, for example because the disk was full. */
  #isStuck = false;
  /** What `some` goes on with. */
  #begun: { readonly progress: Progress; readonly portions: Iterator<void> } | undefined;
  /** How often `whileIdle` has waited without success for tickets that others hold. */
  #vain = 0;

  constructor(parts: ReleaseParts) {
    this.#parts = parts;
  }

  /** Whether jobs have yet to be told of something that this process has ended or removed. */
  get isOwed(): boolean {
    return this.#begun !== undefined || this.#parts.tickets.dependents.hasNews;
  }

  /**
   * Tells one portion of the jobs that have to be told, and goes on from there the next time.
   *
   * @returns whether any were told
   */
  async some(): Promise<boolean> {
    return (await this.#nextPortion()).told > 0;
  }

  async #nextPortion(): Promise<{ told: number; isOver: boolean; isMoving: boolean }> {
    const { dependents } = this.#parts.tickets;
    if (this.#begun === undefined) {
      dependents.hasNews = false; // what is marked from here on is news
      if (dependents.marks().size === 0) return { told: 0, isOver: true, isMoving: false };
    }
    const holder = await this.#hands();
    const { progress, portions } = this.#begun ?? this.#begin(holder);
    const before = progress.told;
    this.#begun = undefined;
    try {
      if (portions.next().done !== true) this.#begun = { progress, portions };
    } catch (error) {
      dependents.hasNews = true;
      throw error;
    }
    const isOver = this.#begun === undefined;
    const { isMoving } = progress;
    if (isOver && isMoving) dependents.hasNews = true;
    return { told: progress.told - before, isOver, isMoving };
  }

  /**
   * Like `some`, for a worker that has nothing else to do: waits a moment for tickets that others
   * hold.
   *
   * @returns whether any were told
   */
  async whileIdle(): Promise<boolean> {
    // A round that was begun earlier may miss what was marked since.
    let isWhole = this.#begun === undefined;
    for (;;) {
      const { told, isOver, isMoving } = await this.#nextPortion();
      if (told > 0) this.#vain = 0;
      if (told > 0) return true;
      const isVain = isOver && isWhole;
      // A ticket may stay away, such as a damaged one: it must not be waited for again and again.
      if (isVain && (!isMoving || this.#vain++ >= TRIES)) return false;
      await pause(isVain ? PAUSE : 0);
      isWhole ||= isOver;
    }
  }

  /**
   * Tells portions for so many milliseconds. `some` and `whileIdle` go on from there.
   *
   * @returns whether any were told
   */
  async forAtMost(milliseconds: number): Promise<boolean> {
    const until = performance.now() + milliseconds;
    let isAny = false;
    // A round that was begun earlier may miss what was marked since.
    let isWhole = this.#begun === undefined;
    for (;;) {
      const { told, isOver } = await this.#nextPortion();
      isAny ||= told > 0;
      if (isOver && isWhole && told === 0 || performance.now() >= until) return isAny;
      isWhole ||= isOver;
      await pause(0);
    }
  }

  /**
   * Tells all jobs that have to be told and, if they are cancelled by it, those that wait for them.
   *
   * @returns whether there were any
   */
  async all(): Promise<boolean> {
    const { dependents } = this.#parts.tickets;
    const seen = new Set<string>();
    this.#begun = undefined;
    this.#vain = 0;
    for (;;) {
      dependents.hasNews = false;
      const marks = unseen(dependents.marks(), seen);
      if (marks.length === 0) return seen.size > 0;
      try {
        for (const [id, names] of marks) {
          names.forEach((name) => seen.add(name));
          if (await this.of(id)) dependents.unmark(names);
        }
      } catch (error) {
        dependents.hasNews = true;
        throw error;
      }
    }
  }

  /**
   * Tells the jobs that wait for `id` its present state.
   *
   * @returns false if that has to be repeated, since other processes hold some of them
   */
  async of(id: string): Promise<boolean> {
    const holder = await this.#hands();
    for (let tries = 0;; tries++) {
      const portions = this.#tellThoseOf(id, holder, new Progress());
      let step = portions.next();
      for (; step.done !== true; step = portions.next()) await pause(0);
      if (step.value) return true;
      if (tries === TRIES) return false;
      await pause(PAUSE);
    }
  }

  /** The name under which tickets are taken, after putting back those left by an earlier error. */
  async #hands(): Promise<string> {
    const holder = await this.#parts.holder();
    if (this.#isStuck) this.#parts.putBack(holder);
    this.#isStuck = false;
    return holder;
  }

  #begin(holder: string) {
    const progress = new Progress();
    return { progress, portions: this.#tellMarked(holder, progress) };
  }

  *#tellMarked(holder: string, progress: Progress): Generator<void, void> {
    const { dependents } = this.#parts.tickets;
    for (const [id, names] of dependents.marks()) {
      if (yield* this.#tellThoseOf(id, holder, progress)) dependents.unmark(names);
    }
  }

  /** @returns false if some have to be told again */
  *#tellThoseOf(id: string, holder: string, progress: Progress): Generator<void, boolean> {
    const { dependents } = this.#parts.tickets;
    let isComplete = true;
    for (const path of dependents.files(id)) {
      let isDone = true;
      let fate: Fate | undefined;
      for (const waiter of dependents.read(path)) {
        // Read after the lines, so that it holds for all of them: they were waiting by then.
        fate ??= this.#fate(id);
        if (fate === undefined) return false;
        if (!isFinal(fate)) return true;
        const told = meaningOf(waiter, fate) === "wait"
          ? "waits"
          : this.#tell(waiter, id, fate, holder, progress);
        if (told !== "told") isDone = false;
        if (told === "moving") [isComplete, progress.isMoving] = [false, true];
        if (told !== "waits" && --progress.left <= 0) {
          yield this.#endPortion(progress);
          fate = undefined;
        }
      }
      if (isDone) dependents.forget(path);
      if (--progress.left <= 0) yield this.#endPortion(progress);
    }
    dependents.tidy(id);
    this.#wake(progress);
    return isComplete;
  }

  #endPortion(progress: Progress): void {
    progress.left = PORTION;
    this.#wake(progress);
  }

  /** Wakes waiting workers if some jobs were told. */
  #wake({ told }: Progress): void {
    const { files, tickets } = this.#parts;
    if (told > 0) { for (const index of [tickets.ready, tickets.later]) wake(files, index); }
  }

  /** Undefined if the job's file is damaged. */
  #fate(id: string): Fate | undefined {
    try {
      return fateOf(this.#parts.jobs.read(id)?.job);
    } catch (error) {
      if (error instanceof QueueError) return undefined; // damaged
      throw error;
    }
  }

  #tell(waiter: Waiter, id: string, fate: Fate, holder: string, progress: Progress): Told {
    const { jobs, tickets, now } = this.#parts;
    const path = this.#takeNear(waiter.ticket, holder) ?? this.#find(waiter, id, holder);
    if (path === "told" || path === "waits" || path === "moving") return path;
    try {
      const decoded = jobs.read(waiter.ticket.id);
      // If the job's file is missing or damaged, the ticket is put back, and a check will find it.
      if (decoded === undefined) return this.#putBack(path, waiter.ticket);
      const { job, unended } = decoded;
      const after = settled(job, id, fate, now());
      if (after !== job) {
        jobs.append(job, after, unended);
        progress.told++;
      }
      tickets.place(path, after, now(), false);
      return "told";
    } catch (error) {
      if (error instanceof QueueError) return this.#putBack(path, waiter.ticket);
      this.#isStuck = true;
      throw error;
    }
  }

  #putBack(path: string, ticket: Ticket): Told {
    const { blocked } = this.#parts.tickets;
    blocked.put(path, waitingSlice("blocked", ticket), waitingName("blocked", ticket));
    return "waits";
  }

  /** The ticket of one that waits, in these hands, if it lies where the last one did. */
  #takeNear(ticket: Ticket, holder: string): string | undefined {
    if (this.#bucket === "") return undefined;
    const { tickets } = this.#parts;
    const from = tickets.blocked.path(this.#bucket, waitingName("blocked", ticket));
    return tickets.take(from, holder, inHands(ticket));
  }

  /** The same wherever it lies; or why it can't be had. */
  #find(waiter: Waiter, id: string, holder: string): string {
    const { tickets } = this.#parts;
    const { ticket } = waiter;
    const stand = this.#standOf(waiter, id);
    if (stand !== "moving") return stand;
    const name = waitingName("blocked", ticket);
    const from = tickets.blocked.leave(name) ?? this.#leaveChanged(ticket);
    if (from === undefined) return this.#standOf(waiter, id);
    this.#bucket = from.split("/").at(-2)!;
    return tickets.take(from, holder, inHands(ticket)) ?? this.#standOf(waiter, id);
  }

  /**
   * Finds the ticket of a job whose priority or queue was changed, which changes the ticket's name.
   */
  #leaveChanged(ticket: Ticket): string | undefined {
    const { jobs, tickets, now } = this.#parts;
    const job = jobs.read(ticket.id)?.job;
    if (job?.status.state !== "blocked" || arrival(job) !== arrival(ticket)) return undefined;
    const changed = waitingTicket(job, job.status, now()).ticket;
    return tickets.blocked.leave(waitingName("blocked", changed));
  }

  /** Whether one that can't be had has been told; `moving` if not. */
  #standOf({ ticket }: Waiter, id: string): Told {
    try {
      const job = this.#parts.jobs.read(ticket.id)?.job;
      // A later job with the same id is a different one.
      if (job === undefined || arrival(job) !== arrival(ticket)) return "told";
      if (job.status.state !== "blocked" || job.status.met.includes(id)) return "told";
      return "moving";
    } catch (error) {
      if (error instanceof QueueError) return "waits";
      throw error;
    }
  }
}

function inHands(ticket: Ticket): Ticket {
  return { ...ticket, tag: `r${Deno.pid}` };
}

function unseen(marks: ReadonlyMap<string, string[]>, seen: ReadonlySet<string>) {
  return [...marks].map(([id, names]) => [id, names.filter((name) => !seen.has(name))] as const)
    .filter(([, names]) => names.length > 0);
}
