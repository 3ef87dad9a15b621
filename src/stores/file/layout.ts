// Where things lie in the data folder, and what their names say. A ticket is an index entry: a hard
// link to the job's file, whose folder says the job's state and whose name holds what is sorted and
// counted by. So claiming, counting and listing open no file but those they show.
import { join } from "../../system/paths.ts";
import { DEFAULT_QUEUE, PRIORITY_LIMIT } from "../../queue/job.ts";

/** The folders that a data folder consists of, parents first. */
export const FOLDERS = [
  "jobs",
  "queue",
  "queue/ready",
  "queue/later",
  "queue/blocked",
  "queue/running",
  "queue/completed",
  "queue/dead",
  "queue/cancelled",
  "workers",
  "control",
  "damaged",
  "tmp",
] as const;

/** Of these, what folders of earlier versions don't have. */
export const ADDED_FOLDERS: readonly string[] = ["queue/blocked"];

/** Whether a restore puts another one in the place of this one of `FOLDERS`. */
export function isOfQueue(folder: string): boolean {
  return /^(?:jobs|queue)/.test(folder);
}

/** A folder of this name in the data folder is a restored queue that has yet to take its place. */
export const RESTORING = "restoring";

/** Made with the first schedule: one that is not there is no damage. */
export function schedulesFolder(dataDir: string): string {
  return join(dataDir, "schedules");
}

/** Where workers count what they did. Made with the first count. */
export function talliesFolder(dataDir: string): string {
  return join(dataDir, "tallies");
}

/** What is set of queues: made with the first setting, so one that is not there is no damage. */
export function queuesPath(dataDir: string): string {
  return join(dataDir, "queues.json");
}

/**
 * The folder in which tickets are set aside that their queues don't let begin, in a folder for each
 * queue. Made with the first of them.
 */
export function heldFolder(dataDir: string): string {
  return join(dataDir, "queue", "held");
}

/** Where queues that have settings keep their locks and the times of begins. Made with the first. */
export function gatesFolder(dataDir: string): string {
  return join(dataDir, "queue", "gates");
}

/** The folder of a job's own files: the first two characters of its id. */
export function jobFolder(dataDir: string, id: string): string {
  return join(dataDir, "jobs", id.slice(0, 2));
}

/** What was asked for, and a line for each change since. */
export function jobPath(dataDir: string, id: string): string {
  return `${jobFolder(dataDir, id)}/${id}.jsonl`;
}

/** What attempt `attempt` printed. */
export function logPath(dataDir: string, id: string, attempt: number): string {
  return `${jobFolder(dataDir, id)}/${id}.${attempt}.log`;
}

/** A process that changes jobs holds a lock of this name while it lives. */
export function lockPath(dataDir: string, holder: string): string {
  return join(dataDir, "workers", `${holder}.lock`);
}

/** The journal that a worker's shell keeps of the jobs it runs. */
export function journalPath(dataDir: string, worker: string): string {
  return join(dataDir, "workers", `${worker}.runs`);
}

/** Holders whose names begin so are commands that change a job, not workers that run one. */
export const COMMAND_HOLDER = "cli-";

/** A ticket's state in one letter; a running one's is followed by the worker's process id. */
export type Tag = "p" | "f" | "b" | "c" | "d" | "x" | `r${number}`;

/**
 * What the name of a ticket says. `at` is when it is due, was enqueued (of a blocked job), was
 * claimed, or ended, according to where it lies.
 */
export interface Ticket {
  readonly at: number;
  readonly priority: number;
  readonly createdAt: number;
  readonly sequence: number;
  readonly tag: Tag;
  readonly id: string;
  /** Its queue, as `queueKey` has it; left out of the tickets of jobs that have ended. */
  readonly queue?: string;
}

/** The longest name of a queue that a ticket's name has as it is: file names are limited. */
const LONGEST_KEY = 40;

/**
 * A queue as names of tickets and folders have it: its name, or the beginning of a long one, with
 * what tells it from others.
 */
export function queueKey(queue: string): string {
  return queue.length <= LONGEST_KEY ? queue : `${queue.slice(0, 23)}=${hash(queue)}`;
}

/** Whether this may be the key of a queue. */
export function isQueueKey(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._=-]{0,39}$/.test(name);
}

/** Whether a queue's name can't be told from its key. */
export function isCutKey(key: string): boolean {
  return key.includes("=");
}

/** 53 bits of a text, as 14 digits (cyrb53, which is in the public domain). */
function hash(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 2654435761);
    b = Math.imul(b ^ text.charCodeAt(i), 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(16).padStart(14, "0");
}

/** The key of the queue in a ticket's name. */
export function queueOf(name: string): string {
  const at = name.indexOf("@", 44);
  return at === -1 ? DEFAULT_QUEUE : name.slice(at + 1);
}

/**
 * A number in so many digits. What does not fit is cut to what does (the job's file has it as it
 * is): any job whatever then has a name that can be read, and the latest time there is comes in 2286.
 */
function digits(value: number, width: number): string {
  return String(Math.max(0, Math.min(Math.floor(value), 10 ** width - 1))).padStart(width, "0");
}
const time = (ms: number) => digits(ms, 13);
const rank = (priority: number) => digits(PRIORITY_LIMIT - priority, 7);
/** The beginning of the slice of time that a time falls into. */
const slice = (ms: number, length: number) => time(Number(time(ms)) - Number(time(ms)) % length);

/**
 * `<priority>.<due>.<created>.<sequence>.<tag>.<id>[@<queue>]`: sorts in claim order. The priority is
 * inverted.
 */
export function readyName(ticket: Ticket): string {
  return `${rank(ticket.priority)}.${time(ticket.at)}.${tail(ticket)}`;
}

/** `<time>.<priority>.<created>.<sequence>.<tag>.<id>[@<queue>]`: sorts by time. */
export function timedName(ticket: Ticket): string {
  return `${time(ticket.at)}.${rank(ticket.priority)}.${tail(ticket)}`;
}

function tail(ticket: Ticket): string {
  const { tag, id, queue = DEFAULT_QUEUE } = ticket;
  const name = `${arrival(ticket)}.${tag}.${id}`;
  return queue === DEFAULT_QUEUE ? name : `${name}@${queueKey(queue)}`;
}

/** `<created>.<sequence>`: sorts by arrival. */
export function arrival(ticket: { createdAt: number; sequence: number }): string {
  return `${time(ticket.createdAt)}.${digits(ticket.sequence, 7)}`;
}

const NAME =
  /^(?:(\d{7})\.(\d{13})|(\d{13})\.(\d{7}))\.(\d{13})\.(\d{7})\.([pfbcdx]|r\d+)\.([A-Za-z0-9_][A-Za-z0-9._-]{0,127})(?:@([A-Za-z0-9_][A-Za-z0-9._=-]{0,39}))?$/;

/** Whether this is the name of a ticket, of either kind. */
export function isTicket(name: string): boolean {
  return NAME.test(name);
}

/**
 * What a ticket's name says; undefined if it is not the name of one. Knows both kinds by their
 * widths.
 */
export function parseTicket(name: string): Ticket | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, readyRank, readyAt, timedAt, timedRank, createdAt, sequence, tag, id, queue] = match;
  return {
    at: Number(readyAt ?? timedAt),
    priority: PRIORITY_LIMIT - Number(readyRank ?? timedRank),
    createdAt: Number(createdAt),
    sequence: Number(sequence),
    tag: tag as Tag,
    id: id!,
    ...(queue !== undefined && { queue }),
  };
}

/** The `<created>.<sequence>` in a ticket's name, which stands at the same place in both kinds. */
export function arrivalOf(name: string): string {
  return name.slice(22, 43);
}

/** The part of a ticket's name that stays the same wherever it waits: from the arrival on. */
export function lastingPart(name: string): string {
  return name.slice(22);
}

/** The letter of a ticket's state, from its name. */
export function letterOf(name: string): string {
  return name.charAt(44);
}

/** A bucket of tickets; see bucketed_index.ts. */
export interface Bucket {
  readonly name: string;
  /** No name in it sorts before this. */
  readonly lower: string;
  /**
   * No ticket in it arrived after this (`<created>.<sequence>`); undefined if that is not known.
   */
  readonly newest: string | undefined;
  /** How many tickets lie in it, if it is sealed: nothing is put in or taken out then. */
  readonly count: number | undefined;
  /** What tells it from others of the same bound; after a `!` who is sealing it at this moment. */
  readonly unique: string;
}

const BUCKET = /^([\d.]+)(?:_(\d{13}\.\d{7}))?(?:\+(\d+))?(?:~([A-Za-z0-9]+(?:![A-Za-z0-9]*)?))?$/;

/** `<lower>[_<newest>][+<count>][~<unique>]`. */
export function bucketName(bucket: Omit<Bucket, "name">): string {
  const { lower, newest, count, unique } = bucket;
  return lower + (newest === undefined ? "" : `_${newest}`) +
    (count === undefined ? "" : `+${count}`) +
    (unique === "" ? "" : `~${unique}`);
}

export function parseBucket(name: string): Bucket | undefined {
  const match = BUCKET.exec(name);
  if (match === null) return undefined;
  const [, lower, newest, count, unique] = match;
  return {
    name,
    lower: lower!,
    newest,
    count: count === undefined ? undefined : Number(count),
    unique: unique ?? "",
  };
}

/**
 * Ready tickets that come one by one share a bucket for ten seconds of due time and each priority.
 */
export const READY_SLICE = 10_000;
/** Later ones, and blocked ones by when they were enqueued, for a minute. */
export const LATER_SLICE = 60_000;

/** The folders of those that wait to be run, and of those that wait for other jobs first. */
export type WaitingFolder = "ready" | "later" | "blocked";

/** The name of a ticket in one of these folders. */
export function waitingName(folder: WaitingFolder, ticket: Ticket): string {
  return folder === "ready" ? readyName(ticket) : timedName(ticket);
}

/** The bucket of a ticket that comes into one of these folders alone. */
export function waitingSlice(folder: WaitingFolder, ticket: Ticket): string {
  return folder === "ready" ? readySlice(ticket) : laterSlice(ticket);
}

export function readySlice(ticket: Ticket): string {
  return `${rank(ticket.priority)}.${slice(ticket.at, READY_SLICE)}`;
}

export function laterSlice(ticket: Pick<Ticket, "at">): string {
  return slice(ticket.at, LATER_SLICE);
}
