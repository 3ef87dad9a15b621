// Where things are in the data folder, and what their names mean. A ticket is an index entry: a
// hard link to the job's file. Its folder tells the job's state, and its name has what jobs are
// sorted and counted by. So claiming, counting and listing open only the files that they show.
import { join } from "../../system/paths.ts";
import { DEFAULT_QUEUE, isJobId, PRIORITY_LIMIT } from "../../queue/job.ts";

/** The folders of a data folder, parents first. */
export const FOLDERS = [
  "jobs",
  "queue",
  "queue/ready",
  "queue/later",
  "queue/blocked",
  "queue/dependents",
  "queue/running",
  "queue/completed",
  "queue/dead",
  "queue/cancelled",
  "workers",
  "control",
  "damaged",
  "tmp",
] as const;

/** Those of them that did not exist in earlier versions. */
export const ADDED_FOLDERS: readonly string[] = ["queue/blocked", "queue/dependents"];

/** Whether a restore replaces this one of `FOLDERS`. */
export function isOfQueue(folder: string): boolean {
  return /^(?:jobs|queue)/.test(folder);
}

/** The folder of a restored queue that has not yet replaced the old one. */
export const RESTORING = "restoring";

/**
 * The folder of schedules. It is made with the first schedule, so it is no damage if it is missing.
 */
export function schedulesFolder(dataDir: string): string {
  return join(dataDir, "schedules");
}

/** Where workers count what they did. Made with the first count. */
export function talliesFolder(dataDir: string): string {
  return join(dataDir, "tallies");
}

/**
 * The file with the settings of queues. It is made with the first setting, so it is no damage if it
 * is missing.
 */
export function queuesPath(dataDir: string): string {
  return join(dataDir, "queues.json");
}

/**
 * The folder for tickets that are set aside, with a folder for each queue. Made with the first of
 * them.
 */
export function heldFolder(dataDir: string): string {
  return join(dataDir, "queue", "held");
}

/**
 * The folder for the locks and begin times of queues with settings. Made with the first of them.
 */
export function gatesFolder(dataDir: string): string {
  return join(dataDir, "queue", "gates");
}

/** The folder of a job's files, named after the first two characters of its id. */
export function jobFolder(dataDir: string, id: string): string {
  return join(dataDir, "jobs", id.slice(0, 2));
}

/** The file of a job: its request, and a line for each change. */
export function jobPath(dataDir: string, id: string): string {
  return `${jobFolder(dataDir, id)}/${id}.jsonl`;
}

/** The log of an attempt. */
export function logPath(dataDir: string, id: string, attempt: number): string {
  return `${jobFolder(dataDir, id)}/${id}.${attempt}.log`;
}

/**
 * What a file in the job folder `folder` is by its name: the file of a job, or one of its logs.
 * Undefined if it is neither.
 */
export function parseJobFile(
  folder: string,
  name: string,
): { readonly kind: "job" | "log"; readonly id: string } | undefined {
  const log = /^(.+)\.\d+\.log$/.exec(name)?.[1];
  const id = log ?? /^(.+)\.jsonl$/.exec(name)?.[1];
  if (id === undefined || !isJobId(id) || id.slice(0, 2) !== folder) return undefined;
  return { kind: log === undefined ? "job" : "log", id };
}

/** The lock that a process which changes jobs holds while it lives. */
export function lockPath(dataDir: string, holder: string): string {
  return join(dataDir, "workers", `${holder}.lock`);
}

/** The journal that a worker's shell keeps of the jobs it runs. */
export function journalPath(dataDir: string, worker: string): string {
  return join(dataDir, "workers", `${worker}.runs`);
}

/** Holders whose names begin like this are commands that change a job, not workers that run one. */
export const COMMAND_HOLDER = "cli-";

/** A ticket's state in one letter; for a running job the worker's process id follows. */
export type Tag = "p" | "f" | "b" | "c" | "d" | "x" | `r${number}`;

/**
 * The data in a ticket's name. Depending on the ticket's folder, `at` is when the job is due, was
 * enqueued (if blocked), was claimed, or ended.
 */
export interface Ticket {
  readonly at: number;
  readonly priority: number;
  readonly createdAt: number;
  readonly sequence: number;
  readonly tag: Tag;
  readonly id: string;
  /** Its queue, in the form of `queueKey`; ended jobs' tickets do not have it. */
  readonly queue?: string;
}

/**
 * The longest queue name that is used unchanged in a ticket's name, since the length of file names
 * is limited.
 */
const LONGEST_KEY = 40;

/**
 * A queue in the names of tickets and folders: its name, or for a long name its beginning with a
 * hash.
 */
export function queueKey(queue: string): string {
  return queue.length <= LONGEST_KEY ? queue : `${queue.slice(0, 23)}=${hash(queue)}`;
}

/** Whether this is valid as the key of a queue. */
export function isQueueKey(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._=-]{0,39}$/.test(name);
}

/** Whether the key is not the queue's whole name. */
export function isCutKey(key: string): boolean {
  return key.includes("=");
}

/** A hash of 53 bits as 14 digits (cyrb53, which is in the public domain). */
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
 * A number with `width` digits. A number that does not fit is clamped (the job's file has the exact
 * one), so that every ticket has a valid name. Times fit until 2286.
 */
function digits(value: number, width: number): string {
  return String(Math.max(0, Math.min(Math.floor(value), 10 ** width - 1))).padStart(width, "0");
}
const time = (ms: number) => digits(ms, 13);
const rank = (priority: number) => digits(PRIORITY_LIMIT - priority, 7);
/** The start of the time slice that a time belongs to. */
const slice = (ms: number, length: number) => time(Number(time(ms)) - Number(time(ms)) % length);

/**
 * `<priority>.<due>.<created>.<sequence>.<tag>.<id>[@<queue>]`: sorts in the order of claiming. The
 * priority is inverted.
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

/** Whether this is a ticket's name, of either kind. */
export function isTicket(name: string): boolean {
  return NAME.test(name);
}

/**
 * Parses a ticket's name; undefined if it is not one. The two kinds differ in the widths of their
 * fields.
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

/** The `<created>.<sequence>` in a ticket's name, which is at the same position in both kinds. */
export function arrivalOf(name: string): string {
  return name.slice(22, 43);
}

/** When the job was enqueued, by its ticket's name. */
export function createdAtOf(name: string): number {
  return Number(name.slice(22, 35));
}

/** The part of a ticket's name, from the arrival on, that is the same wherever the job waits. */
export function lastingPart(name: string): string {
  return name.slice(22);
}

/** The letter of the state in a ticket's name. */
export function letterOf(name: string): string {
  return name.charAt(44);
}

/** A bucket of tickets; see bucketed_index.ts. */
export interface Bucket {
  readonly name: string;
  /** No ticket's name in it sorts before this. */
  readonly lower: string;
  /** No ticket in it arrived after this (`<created>.<sequence>`); undefined if not known. */
  readonly newest: string | undefined;
  /** The number of tickets if it is sealed; tickets are then neither added nor taken out. */
  readonly count: number | undefined;
  /** Distinguishes buckets with the same bound; after a `!`, the process that is sealing it. */
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

/** Single ready tickets share a bucket for each priority and each ten seconds of due time. */
export const READY_SLICE = 10_000;
/** Later tickets share one for each minute, and blocked ones for each minute of being enqueued. */
export const LATER_SLICE = 60_000;

/** The folders for tickets of jobs that wait to be run, or wait for other jobs. */
export type WaitingFolder = "ready" | "later" | "blocked";

/** The name of a ticket in one of these folders. */
export function waitingName(folder: WaitingFolder, ticket: Ticket): string {
  return folder === "ready" ? readyName(ticket) : timedName(ticket);
}

/** The bucket of a single ticket in one of these folders. */
export function waitingSlice(folder: WaitingFolder, ticket: Ticket): string {
  return folder === "ready" ? readySlice(ticket) : laterSlice(ticket);
}

export function readySlice(ticket: Ticket): string {
  return `${rank(ticket.priority)}.${slice(ticket.at, READY_SLICE)}`;
}

export function laterSlice(ticket: Pick<Ticket, "at">): string {
  return slice(ticket.at, LATER_SLICE);
}
