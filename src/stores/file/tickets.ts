// Where the tickets of jobs are, and how they move. Each job has one ticket, and its place tells
// the job's state. It moves by rename: if several processes try, one succeeds, and that one has the
// job. `place` is the one rule for where a ticket belongs.
import type { EndedState, Job } from "../../queue/job.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { Dependents } from "./dependents.ts";
import { EndedIndex } from "./ended_index.ts";
import { HeldTickets } from "./held.ts";
import {
  parseTicket,
  queueKey,
  type Ticket,
  timedName,
  waitingName,
  waitingSlice,
} from "./layout.ts";
import { heldTickets, type Places } from "./listing.ts";
import { BucketedIndex, ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";
import { waitingTicket, wake } from "./staging.ts";

export class Tickets implements Places {
  readonly files: FileSystem;
  readonly running: string;
  readonly ready: BucketedIndex;
  readonly later: BucketedIndex;
  readonly blocked: BucketedIndex;
  readonly held: HeldTickets;
  readonly ended: Readonly<Record<EndedState, EndedIndex>>;
  readonly dependents: Dependents;
  readonly #damaged: string;

  /** `unique`: letters and digits that no other process has. */
  constructor(files: FileSystem, dataDir: string, unique: string) {
    const ended = (state: EndedState) => new EndedIndex(files, `${dataDir}/queue/${state}`, unique);
    this.files = files;
    this.running = `${dataDir}/queue/running`;
    this.ready = new BucketedIndex(files, `${dataDir}/queue/ready`);
    this.later = new BucketedIndex(files, `${dataDir}/queue/later`);
    this.blocked = new BucketedIndex(files, `${dataDir}/queue/blocked`, true);
    this.held = new HeldTickets(files, dataDir);
    this.ended = {
      completed: ended("completed"),
      dead: ended("dead"),
      cancelled: ended("cancelled"),
    };
    this.dependents = new Dependents(files, dataDir, unique);
    this.#damaged = `${dataDir}/damaged`;
  }

  /**
   * Takes the ticket at `from` for a holder.
   * @returns its new path; undefined if another process was faster
   */
  take(from: string, holder: string, ticket: Ticket): string | undefined {
    const folder = `${this.running}/${holder}`;
    const path = `${folder}/${timedName(ticket)}`;
    for (;;) {
      if (ignoreNotFound(() => (this.files.rename(from, path), true))) return path;
      if (this.files.info(folder) !== undefined) return undefined;
      makeUnlessThere(this.files, folder);
    }
  }

  /**
   * Moves a ticket to where the job's state says. If the job can be claimed now or later, waiting
   * workers are woken. If it has ended and other jobs wait for it, it is marked first, so that they
   * are told; the mark must be there before the ticket reaches its place.
   *
   * @param wakes false if the caller wakes them
   */
  place(from: string, job: Job, now: number, wakes = true): void {
    const { status } = job;
    if (status.state === "processing") {
      return this.place(from, { ...job, status: status.before }, now, wakes);
    }
    if (status.state === "completed" || status.state === "dead" || status.state === "cancelled") {
      this.markIfAwaited(job.id);
      return this.ended[status.state].add(from, endedTicket(job, status));
    }
    const { ticket, folder } = waitingTicket(job, status, now);
    this[folder].put(from, waitingSlice(folder, ticket), waitingName(folder, ticket));
    if (folder !== "blocked" && wakes) wake(this.files, this[folder]);
  }

  /** Marks a job that has ended or was removed, if any other waits for it. */
  markIfAwaited(id: string): void {
    if (this.dependents.areThere(id)) this.dependents.mark(id);
  }

  /**
   * Moves a ticket that lags behind the job's file to its place. A power cut may have lost the line
   * which says that the job no longer waits for others, so what it waits for is looked at again.
   */
  placeLate(from: string, job: Job, now: number): void {
    this.dependents.layAgain(job);
    this.place(from, job, now);
  }

  /**
   * The path of the ticket of a job that nobody holds, ready to be moved; undefined if it is not in
   * its place.
   */
  leave(job: Job): string | undefined {
    for (const [index, name] of this.placesOf(job)) {
      const path = index.leave(name);
      if (path !== undefined) return path;
    }
    return undefined;
  }

  /**
   * The path of the ticket of a job that nobody holds, if it is in its place. Nothing is moved or
   * opened.
   */
  find(job: Job): string | undefined {
    for (const [index, name] of this.placesOf(job)) {
      const found = index.find(name);
      if (found !== undefined) return found.path;
    }
    return undefined;
  }

  /** Where the ticket of a job that nobody holds may be, with its name. */
  placesOf(job: Job): [BucketedIndex, string][] {
    const { status } = job;
    if (status.state === "processing") return [];
    if (status.state === "completed" || status.state === "dead" || status.state === "cancelled") {
      return [[this.ended[status.state], timedName(endedTicket(job, status))]];
    }
    const { ticket } = waitingTicket(job, status, 0);
    if (status.state === "blocked") return [[this.blocked, waitingName("blocked", ticket)]];
    const name = waitingName("ready", ticket);
    const held = this.held.of(queueKey(job.queue));
    return [[this.later, waitingName("later", ticket)], [this.ready, name], [held, name]];
  }

  /** The tickets of a holder. */
  claimedBy(holder: string): { path: string; ticket: Ticket }[] {
    return heldTickets(this, holder).map(({ name }) => ({
      path: `${this.running}/${holder}/${name}`,
      ticket: parseTicket(name)!,
    }));
  }

  /**
   * Takes the ticket of a job that can't be read out of the queue, so that all others go on.
   * `storage check` finds it.
   */
  setAside(path: string, ticket: Ticket): void {
    ignoreNotFound(() => this.files.rename(path, `${this.#damaged}/${timedName(ticket)}`));
  }

  /** All indexes: every ticket that nobody holds is in one of them. */
  indexes(): BucketedIndex[] {
    return [...this.#always(), ...this.held.all()];
  }

  /**
   * Removes the buckets that this process has emptied, and seals those again that it has opened.
   */
  tidy(): void {
    for (const index of [...this.#always(), ...this.held.used()]) index.tidy();
  }

  #always(): BucketedIndex[] {
    return [this.ready, this.later, this.blocked, ...Object.values(this.ended)];
  }
}

export function endedTicket(job: Job, status: { state: EndedState; since: number }): Ticket {
  const { priority, createdAt, sequence, id } = job;
  const tag = status.state === "completed" ? "c" : status.state === "dead" ? "d" : "x";
  return { at: status.since, priority, createdAt, sequence, tag, id };
}
