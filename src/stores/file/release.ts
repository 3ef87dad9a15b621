// Tells waiting jobs that a job they wait for has ended or was removed: takes the ticket of each,
// changes the job by the rules, and moves the ticket to its new place. Any number of processes may
// do so at once, and any may die meanwhile; marks tell what is left to do. See dependents.ts.
import { fateOf, isFinal, meaningOf, settled } from "../../queue/dependencies.ts";
import { QueueError } from "../../queue/errors.ts";
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

/** After this many jobs, other work of this process gets a turn. */
const AT_ONCE = 250;
/**
 * A ticket that another process holds is tried again: how often, and after how many milliseconds.
 */
const TRIES = 5;
const PAUSE = 5;

/**
 * The result for one waiting job. `moving`: another process holds it, so it could not be told yet.
 */
type Told = "told" | "waits" | "moving";

export class Release {
  readonly #parts: ReleaseParts;
  /** The bucket of the last ticket: jobs that were enqueued together are in the same bucket. */
  #bucket = "";
  /** Whether this process may still hold a ticket, for example because the disk was full. */
  #isStuck = false;

  constructor(parts: ReleaseParts) {
    this.#parts = parts;
  }

  /**
   * Tells all jobs that have to be told and, if they are cancelled by it, those that wait for them.
   *
   * @returns whether there were any
   */
  async all(): Promise<boolean> {
    const { holder, putBack, tickets: { dependents } } = this.#parts;
    if (this.#isStuck) putBack(await holder());
    this.#isStuck = false;
    const seen = new Set<string>();
    let isAny = false;
    for (;;) {
      const marks = [...dependents.marks()].map(([id, names]) =>
        [id, names.filter((name) => !seen.has(name))] as const
      ).filter(([, names]) => names.length > 0);
      if (marks.length === 0) return isAny;
      isAny = true;
      for (const [id, names] of marks) {
        names.forEach((name) => seen.add(name));
        if (await this.of(id)) dependents.unmark(names);
      }
    }
  }

  /**
   * Tells the jobs that wait for `id` its present state.
   *
   * @returns false if that has to be repeated, since other processes hold some of them
   */
  async of(id: string): Promise<boolean> {
    for (let tries = 0;; tries++) {
      if (await this.#once(id)) return true;
      if (tries === TRIES) return false;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  async #once(id: string): Promise<boolean> {
    const { files, jobs, tickets } = this.#parts;
    let fate: ReturnType<typeof fateOf>;
    try {
      fate = fateOf(jobs.read(id)?.job);
    } catch (error) {
      if (error instanceof QueueError) return false; // damaged: its state is not known
      throw error;
    }
    if (!isFinal(fate)) return true;
    const batches = tickets.dependents.of(id);
    const holder = batches.length === 0 ? "" : await this.#parts.holder();
    const done = batches.filter(({ all }) => all.length === 0);
    let [isComplete, count] = [true, 0];
    for (const waiters of batches) {
      let isDone = true;
      for (const waiter of waiters.all) {
        if (meaningOf(waiter, fate) === "wait") {
          isDone = false;
          continue;
        }
        const told = this.#tell(waiter, id, fate, holder);
        if (told !== "told") isDone = false;
        if (told === "moving") isComplete = false;
        if (++count % AT_ONCE === 0) {
          wake(files, tickets.ready);
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
      }
      if (isDone) done.push(waiters);
    }
    if (count > 0) { for (const index of [tickets.ready, tickets.later]) wake(files, index); }
    tickets.dependents.forget(id, done);
    return isComplete;
  }

  #tell(waiter: Waiter, id: string, fate: ReturnType<typeof fateOf>, holder: string): Told {
    const { jobs, tickets, now } = this.#parts;
    const path = this.#take(waiter.ticket, holder);
    if (path === undefined) return this.#whyNot(waiter, id);
    try {
      const decoded = jobs.read(waiter.ticket.id);
      // If the job's file is missing or damaged, the ticket is put back, and a check will find it.
      if (decoded === undefined) return this.#putBack(path, waiter.ticket);
      const { job, unended } = decoded;
      const after = settled(job, id, fate, now());
      if (after !== job) jobs.append(job, after, unended);
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

  /** Takes the ticket of a waiting job; undefined if it is not in its place. */
  #take(ticket: Ticket, holder: string): string | undefined {
    const { tickets } = this.#parts;
    const name = waitingName("blocked", ticket);
    const held: Ticket = { ...ticket, tag: `r${Deno.pid}` };
    const { blocked } = tickets;
    if (this.#bucket !== "") {
      const path = tickets.take(blocked.path(this.#bucket, name), holder, held);
      if (path !== undefined) return path;
    }
    const from = blocked.leave(name) ?? this.#leaveChanged(ticket);
    if (from === undefined) return undefined;
    this.#bucket = from.split("/").at(-2)!;
    return tickets.take(from, holder, held);
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

  #whyNot({ ticket }: Waiter, id: string): Told {
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
