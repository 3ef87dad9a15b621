// Counts and lists by names. A bucket is read only if it may have tickets that are asked for.
import { QueueError } from "../../queue/errors.ts";
import { type EndedState, isWaiting, type Job, type JobState } from "../../queue/job.ts";
import type { Arrival, Counts } from "../../queue/store.ts";
import { claimed } from "../../queue/transitions.ts";
import type { FileSystem } from "../../system/file_system.ts";
import {
  arrival,
  arrivalOf,
  type Bucket,
  COMMAND_HOLDER,
  isTicket,
  lastingPart,
  LATER_SLICE,
  letterOf,
  READY_SLICE,
  type Ticket,
} from "./layout.ts";
import { type BucketedIndex, namesIn } from "./bucketed_index.ts";
import type { HeldTickets } from "./held.ts";

/** A ticket, and its holder. */
export interface Found {
  readonly name: string;
  /** The worker that holds it, if any. */
  readonly worker: string | undefined;
}

export interface Places {
  readonly files: FileSystem;
  readonly running: string;
  readonly ready: BucketedIndex;
  readonly later: BucketedIndex;
  readonly blocked: BucketedIndex;
  readonly held: HeldTickets;
  readonly ended: Readonly<Record<EndedState, BucketedIndex>>;
}

const STATE_OF: Readonly<Record<string, JobState>> = {
  p: "pending",
  f: "failed",
  b: "blocked",
  r: "processing",
  c: "completed",
  d: "dead",
  x: "cancelled",
};

const NONE: Counts = {
  pending: 0,
  blocked: 0,
  processing: 0,
  completed: 0,
  failed: 0,
  dead: 0,
  cancelled: 0,
};

/** The state for a ticket's tag, or for its first letter. */
export function stateOf(tag: string): JobState {
  return STATE_OF[tag[0]!]!;
}

/** The tickets held by workers and by commands that change a job, or those of one holder. */
export function heldTickets(places: Pick<Places, "files" | "running">, holder?: string): Found[] {
  const found: Found[] = [];
  for (const worker of holder === undefined ? places.files.names(places.running) : [holder]) {
    for (const name of namesIn(places.files, `${places.running}/${worker}`)) {
      if (isTicket(name)) found.push({ name, worker });
    }
  }
  return found;
}

/**
 * A job whose ticket is held: running if a worker holds the ticket; unchanged if the ticket only
 * lags behind the job's file, or a command holds it.
 *
 * @param host returns the worker's machine; see `hostOf`
 */
export function whileHeld(
  job: Job,
  holder: string,
  ticket: Ticket,
  host: () => string | null,
): Job {
  const { status } = job;
  const last = job.history.at(-1);
  if (!isWaiting(status)) return job;
  if (holder.startsWith(COMMAND_HOLDER)) return job;
  if (last !== undefined && last.startedAt === ticket.at && last.worker === holder) return job;
  const pid = Number(ticket.tag.slice(1));
  const after = claimed(job, { worker: holder, pid, host: host() }, ticket.at);
  return after instanceof QueueError ? job : after;
}

/** The machine in a worker's record; null if it is not known. */
export function hostOf(files: FileSystem, dataDir: string, worker: string): string | null {
  try {
    const { host } = JSON.parse(files.readText(`${dataDir}/workers/${worker}.json`));
    return typeof host === "string" ? host : null;
  } catch {
    return null; // it is gone, or damaged
  }
}

/**
 * The indexes of tickets that wait to be claimed. Tickets move between `ready` and those set aside
 * in both directions, so the latter come twice: a ticket that moves meanwhile is seen twice rather
 * than not at all. See `lastingPart` in layout.ts.
 */
export function* whereTicketsWait(
  { later, ready, held }: Pick<Places, "later" | "ready" | "held">,
): Generator<BucketedIndex> {
  yield later;
  yield* held.all();
  yield ready;
  yield* held.all(); // again, with those that were added meanwhile
}

/** What the tickets in a bucket come to, if that is known: see bucket_sums.ts. */
export type Known = (
  index: BucketedIndex,
  bucket: Bucket,
) => { readonly count: number; readonly failed: number } | undefined;

/**
 * Counts the jobs in each state. Sealed buckets have the count in their names; of others the names
 * of tickets are read, unless it is known what they come to.
 */
export function countTickets(places: Places, known: Known = () => undefined): Counts {
  const counts = { ...NONE };
  // Counted before the folders that its tickets move to, so that none is missed.
  counts.blocked = countIn(places.blocked, known);
  const seen = places.held.mayBe() ? new Set<string>() : undefined;
  const isNew = (what: string) => seen === undefined || !seen.has(what) && seen.add(what);
  const [summed, read] = [new Set<string>(), new Set<string>()];
  for (const index of whereTicketsWait(places)) {
    for (const bucket of index.buckets()) {
      // A sealed bucket here is a batch of which no job has run; it keeps its name when it moves.
      if (bucket.count !== undefined) {
        if (isNew(bucket.name)) counts.pending += bucket.count;
        continue;
      }
      const path = index.path(bucket.name);
      if (summed.has(path)) continue;
      const sum = read.has(path) ? undefined : known(index, bucket);
      if (sum !== undefined) {
        summed.add(path);
        counts.failed += sum.failed;
        counts.pending += sum.count - sum.failed;
        continue;
      }
      read.add(path);
      for (const name of index.tickets(bucket)) {
        if (isNew(lastingPart(name))) counts[stateOf(letterOf(name))]++;
      }
    }
  }
  counts.processing = heldTickets(places).length;
  for (const state of ["completed", "dead", "cancelled"] as const) {
    counts[state] = countIn(places.ended[state], known);
  }
  return counts;
}

function countIn(index: BucketedIndex, known: Known): number {
  return index.buckets().reduce(
    (sum, bucket) =>
      sum + (bucket.count ?? known(index, bucket)?.count ?? index.tickets(bucket).length),
    0,
  );
}

/**
 * The tickets of jobs in these states, newest arrival first. Reads only as far as the caller does.
 */
export function* newestFirst(
  places: Places,
  states: ReadonlySet<JobState>,
  before?: Arrival,
  known: Known = () => undefined,
): Generator<Found> {
  const end = before === undefined ? "9" : arrival(before) + before.id;
  const pool: { found: Found; order: string }[] = [];
  const take = (found: Found) => {
    const order = orderOf(found.name);
    if (order < end) pool.push({ found, order });
  };
  const read = (index: BucketedIndex, bucket: Bucket) => {
    const isKept = bucket.count !== undefined && Object.values(places.ended).includes(index);
    const oldest = index.oldest.get(bucket.name);
    if (oldest !== undefined && oldest > end) return;
    const names = index.tickets(bucket);
    if (isKept) index.oldest.set(bucket.name, oldestOf(names));
    for (const name of names) {
      if (states.has(stateOf(letterOf(name)))) take({ name, worker: undefined });
    }
  };
  const unread = bucketsOf(places, states, read, known).sort((a, b) =>
    a.newest < b.newest ? -1 : 1
  );
  if (states.has("processing")) heldTickets(places).forEach(take);
  let sorted = false;
  for (;;) {
    // A ticket in the pool may be returned once no unread bucket can have a newer one.
    const bound = unread.at(-1)?.newest;
    if (!sorted) pool.sort((a, b) => a.order < b.order ? -1 : 1);
    sorted = true;
    const last = pool.at(-1);
    if (last !== undefined && (bound === undefined || arrivalOf(last.found.name) > bound)) {
      pool.pop();
      yield last.found;
    } else if (bound !== undefined) {
      const { index, bucket } = unread.pop()!;
      read(index, bucket);
      sorted = false;
    } else return;
  }
}

/** Sorts by arrival, then by id. */
function orderOf(name: string): string {
  const queue = name.indexOf("@", 44);
  return arrivalOf(name) +
    name.slice(name.indexOf(".", 44) + 1, queue === -1 ? undefined : queue);
}

function oldestOf(names: readonly string[]): string {
  let oldest = "9";
  for (const name of names) {
    const arrival = arrivalOf(name);
    if (arrival < oldest) oldest = arrival;
  }
  return oldest;
}

/**
 * The buckets that may have tickets in these states, each with the newest arrival that it may have.
 * Buckets whose tickets fall due are read at once, before the buckets that those tickets move to
 * are listed. So each ticket is seen in one place or the other.
 */
function bucketsOf(
  places: Places,
  states: ReadonlySet<JobState>,
  read: (index: BucketedIndex, bucket: Bucket) => void,
  known: Known,
) {
  const result: { index: BucketedIndex; bucket: Bucket; newest: string }[] = [];
  const soon = Date.now() + LATER_SLICE;
  // Where jobs wait, those in a sealed bucket are all pending.
  const mayHave = (index: BucketedIndex, bucket: Bucket) =>
    states.has("pending") || bucket.count === undefined && known(index, bucket)?.failed !== 0;
  const isEnded = (index: BucketedIndex) => Object.values(places.ended).includes(index);
  const add = (index: BucketedIndex, bound: (bucket: Bucket) => string) => {
    for (const bucket of index.buckets()) {
      if (index !== places.blocked && !isEnded(index) && !mayHave(index, bucket)) continue;
      const isFallingDue = index === places.later && Number(bucket.lower.slice(0, 13)) <= soon;
      if (isFallingDue) read(index, bucket);
      else result.push({ index, bucket, newest: bucket.newest ?? bound(bucket) });
    }
  };
  // A ticket arrived before it is due, so before the end of its slice of due times.
  const upTo = (time: string, slice: number) =>
    arrival({ createdAt: Number(time.slice(0, 13)) + slice, sequence: 0 });
  if (states.has("blocked")) add(places.blocked, (bucket) => upTo(bucket.lower, LATER_SLICE));
  if (states.has("pending") || states.has("failed")) {
    add(places.later, (bucket) => upTo(bucket.lower, LATER_SLICE));
    const atOnce = (indexes: BucketedIndex[]) => {
      for (const index of indexes) {
        for (const bucket of index.buckets()) if (mayHave(index, bucket)) read(index, bucket);
      }
    };
    // Tickets move between `ready` and those set aside in both directions. All are read at once,
    // with those set aside twice, so that each is seen at least once. A ticket that is seen twice
    // is listed once.
    if (places.held.mayBe()) atOnce([...places.held.all(), places.ready]);
    else add(places.ready, (bucket) => upTo(bucket.lower.slice(8), READY_SLICE));
    atOnce(places.held.all());
  }
  for (const state of ["completed", "dead", "cancelled"] as const) {
    if (states.has(state)) add(places.ended[state], () => "9"); // not sealed: any arrival fits
  }
  return result;
}
