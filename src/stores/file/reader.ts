// Reads the jobs of a data folder. It imports as little as possible, because commands that only
// show something load nothing else of the store.
import { messageOf } from "../../queue/errors.ts";
import { stillAwaitedBy } from "../../queue/dependencies.ts";
import { type EndedState, isWaiting, type Job, JOB_STATES } from "../../queue/job.ts";
import { matches } from "../../queue/query.ts";
import type { Counts, JobReader, Query, WaitingEnds, Watching } from "../../queue/store.ts";
import { waitingStatus } from "../../queue/transitions.ts";
import type { FileSystem } from "../../system/file_system.ts";
import type { BucketSums } from "./bucket_sums.ts";
import type { Decoded } from "./codec.ts";
import { countEndedSince, idsEndedBefore } from "./ended_times.ts";
import { HeldTickets } from "./held.ts";
import { JobFiles } from "./job_files.ts";
import { parseTicket, type Ticket } from "./layout.ts";
import {
  countTickets,
  heldTickets,
  hostOf,
  type Known,
  newestFirst,
  type Places,
  whileHeld,
} from "./listing.ts";
import { refusedByRestore, unlessRestored, watchForRestore } from "./maintenance.ts";
import { prepareFolder } from "./prepare_folder.ts";
import { promised } from "./promised.ts";
import { waitingEnds } from "./waiting_ends.ts";
import { BucketedIndex, namesIn } from "./bucketed_index.ts";

/** Opens a data folder for reading. `warn` is called about files that can't be read. */
export async function openReader(
  dataDir: string,
  files: FileSystem,
  warn: (message: string) => void,
): Promise<Reader> {
  await prepareFolder(dataDir, files);
  const index = (name: string) => new BucketedIndex(files, `${dataDir}/queue/${name}`);
  const places: Places = {
    files,
    running: `${dataDir}/queue/running`,
    ready: index("ready"),
    later: index("later"),
    blocked: new BucketedIndex(files, `${dataDir}/queue/blocked`, true),
    held: new HeldTickets(files, dataDir),
    ended: { completed: index("completed"), dead: index("dead"), cancelled: index("cancelled") },
  };
  return new Reader(dataDir, places, new JobFiles(files, dataDir), warn);
}

export class Reader implements JobReader {
  readonly #dataDir: string;
  readonly #places: Places;
  readonly #jobs: JobFiles;
  readonly #warn: (message: string) => void;
  /** See `countEndedSince` in ended_times.ts. */
  readonly #lastEnds = new Map<string, number>();
  #hasCounted = false;
  #sums: BucketSums | undefined;

  constructor(dataDir: string, places: Places, jobs: JobFiles, warn: (message: string) => void) {
    this.#dataDir = dataDir;
    this.#places = places;
    this.#jobs = jobs;
    this.#warn = warn;
  }

  get(id: string): Promise<Job | undefined> {
    return this.#look(() => this.jobNow(id));
  }

  findIdsByPrefix(prefix: string, limit: number): Promise<string[]> {
    return this.#look(() => {
      const { files } = this.#places;
      const ids: string[] = [];
      for (const folder of files.names(`${this.#dataDir}/jobs`)) {
        if (!folder.startsWith(prefix.slice(0, 2))) continue;
        for (const file of namesIn(files, `${this.#dataDir}/jobs/${folder}`)) {
          if (!file.endsWith(".jsonl") || !file.startsWith(prefix)) continue;
          ids.push(file.slice(0, -".jsonl".length));
          if (ids.length >= limit) return ids;
        }
      }
      return ids;
    });
  }

  async *list(query: Query, watching?: Watching): AsyncGenerator<Job> {
    const isReplaced = watchForRestore(this.#dataDir, this.#places.files);
    const turns = watching && new (await import("../../system/turns.ts")).Turns();
    try {
      for (const { ticket, job } of this.#list(query, await matches(query))) {
        if (job !== undefined) yield job;
        watching?.passed(ticket);
        await turns?.give();
        if (watching?.signal.aborted) return;
      }
    } catch (error) {
      throw isReplaced() ? refusedByRestore() : error;
    }
    if (isReplaced()) throw refusedByRestore();
  }

  /** The tickets that are looked at, each with its job if that is wanted. */
  *#list(
    { states = JOB_STATES, since = 0, limit = Infinity, before }: Query,
    isWanted: (job: Job) => boolean,
  ): Generator<{ ticket: Ticket; job: Job | undefined }> {
    const seen = new Set<string>();
    if (limit <= 0) return;
    const known: Known = (index, bucket) => this.#sums?.total(index, bucket);
    for (const { name, worker } of newestFirst(this.#places, new Set(states), before, known)) {
      const ticket = parseTicket(name)!;
      if (ticket.createdAt < since) return;
      if (seen.has(ticket.id)) continue;
      const job = this.#readOrWarn(ticket.id)?.job;
      if (job === undefined) continue;
      const shown = worker === undefined ? job : this.#whileHeld(job, worker, ticket);
      // The job may have changed since its ticket was seen.
      const isIt = isWanted(shown);
      if (isIt) seen.add(ticket.id);
      yield { ticket, job: isIt ? shown : undefined };
      if (seen.size >= limit) return;
    }
  }

  async count(): Promise<Counts> {
    // Most processes count once. One that counts again remembers what has not changed since.
    const known = this.#hasCounted ? await this.#knownSums() : undefined;
    this.#hasCounted = true;
    this.#sums?.begin();
    return await this.#look(() => countTickets(this.#places, known));
  }

  async #knownSums(): Promise<Known> {
    const { BucketSums } = await import("./bucket_sums.ts");
    const sums = this.#sums ??= new BucketSums(this.#places.files);
    return (index, bucket) => sums.total(index, bucket);
  }

  idsEndedBefore(states: readonly EndedState[], before: number, limit: number): Promise<string[]> {
    return this.#look(() => idsEndedBefore(this.#places, states, before, limit));
  }

  async countEndedSince(since: number): Promise<Record<EndedState, number>> {
    const isReplaced = watchForRestore(this.#dataDir, this.#places.files);
    const counting = countEndedSince(this.#places, since, this.#lastEnds);
    const turns = new (await import("../../system/turns.ts")).Turns();
    try {
      for (;;) {
        const { done, value } = counting.next();
        if (done && isReplaced()) throw refusedByRestore();
        if (done) return value;
        await turns.give();
      }
    } catch (error) {
      throw isReplaced() ? refusedByRestore() : error;
    }
  }

  waitingEnds(now: number): Promise<WaitingEnds> {
    return this.#look(() => {
      const { oldest, next } = waitingEnds(this.#places, now);
      // It may have been claimed since.
      const waiting = (ticket: Ticket | undefined) => {
        const job = ticket && this.#readOrWarn(ticket.id)?.job;
        return job && waitingStatus(job) && job;
      };
      return { oldest: waiting(oldest), next: waiting(next) };
    });
  }

  async lastFailures(limit: number): Promise<Job[]> {
    const [{ lastFailures }, { latestFailures }, known] = await Promise.all([
      import("./last_failures.ts"),
      import("../../queue/failures.ts"),
      this.#knownSums(),
    ]);
    return await this.#look(() => {
      const ids = [...lastFailures(this.#places, limit, known)];
      return latestFailures(ids.flatMap((id) => this.#readOrWarn(id)?.job ?? []), limit);
    });
  }

  claimedBy(worker: string): Promise<Job[]> {
    return promised(() =>
      heldTickets(this.#places, worker).flatMap(({ name }) => {
        const ticket = parseTicket(name)!;
        const job = this.#readOrWarn(ticket.id)?.job;
        const held = job && this.#whileHeld(job, worker, ticket);
        return held?.status.state === "processing" ? [held] : [];
      })
    );
  }

  async dependentsOf(id: string): Promise<string[]> {
    const { Dependents } = await import("./dependents.ts");
    const { files } = this.#places;
    const ids = new Set<string>();
    for (const { ticket } of new Dependents(files, this.#dataDir, "").of(id)) {
      const job = this.#readOrWarn(ticket.id)?.job;
      if (job && stillAwaitedBy(job).some((one) => one.id === id)) ids.add(job.id);
    }
    return [...ids];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * The job as it is now.
   * @throws QueueError `damaged`
   */
  jobNow(id: string): Job | undefined {
    for (;;) {
      const decoded = this.#jobs.read(id);
      if (decoded === undefined) return undefined;
      if (!isWaiting(decoded.job.status)) return decoded.job;
      const held = heldTickets(this.#places).find(({ name }) => parseTicket(name)!.id === id);
      if (held !== undefined) {
        return this.#whileHeld(decoded.job, held.worker!, parseTicket(held.name)!);
      }
      // It may have ended between the two reads.
      if (this.#jobs.read(id)?.job.history.length === decoded.job.history.length) {
        return decoded.job;
      }
    }
  }

  #whileHeld(job: Job, worker: string, ticket: Ticket): Job {
    return whileHeld(job, worker, ticket, () => hostOf(this.#places.files, this.#dataDir, worker));
  }

  #look<T>(look: () => T): Promise<T> {
    return promised(() => unlessRestored(this.#dataDir, this.#places.files, look));
  }

  #readOrWarn(id: string): Decoded | undefined {
    try {
      return this.#jobs.read(id);
    } catch (error) {
      this.#warn(messageOf(error));
      return undefined;
    }
  }
}
