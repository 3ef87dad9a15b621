// A job's file, in JSON lines. The first line has the request, and each further line a change.
// Lines are only appended, each in one write, so only the line that was written last can be torn;
// it counts as not written.
import {
  DEFAULT_QUEUE,
  isJobId,
  isName,
  type Job,
  JOB_STATES,
  type JobRequest,
  type JobState,
  lastAttempt,
  type Status,
} from "../../queue/job.ts";
import { attemptToJson, isoTime } from "../../queue/job_json.ts";
import { type Attempt, OUTCOMES } from "../../queue/outcome.ts";
import { created } from "../../queue/transitions.ts";
import { QueueError } from "../../queue/errors.ts";

/**
 * The version of the format; older versions must load for ever. Version 1 had no queues, groups,
 * dependencies or hosts.
 */
export const SCHEMA = 2;

/** The contents of a file. */
export interface Decoded {
  readonly job: Job;
  readonly torn: boolean;
  /**
   * Whether the file ends in the middle of a line, so that a line break must come before the next
   * line.
   */
  readonly unended: boolean;
  /** The job that the last line adds to the queue in the same step. */
  readonly adds: Job | undefined;
}

type Record_ = Readonly<Record<string, unknown>>;

/** The first line of a job's file. Fields that few jobs have are left out if they are not set. */
export function encodeRequest(job: JobRequest): string {
  return JSON.stringify({
    schema: SCHEMA,
    id: job.id,
    command: job.command,
    priority: job.priority,
    cwd: job.cwd,
    env: job.env,
    max_retries: job.maxRetries,
    timeout: job.timeout,
    created_at: isoTime(job.createdAt),
    sequence: job.sequence,
    run_at: job.runAt === null ? null : isoTime(job.runAt),
    queue: job.queue === DEFAULT_QUEUE ? undefined : job.queue,
    group: job.group ?? undefined,
    after: job.after.length === 0 ? undefined : job.after,
    after_any: job.afterAny.length === 0 ? undefined : job.afterAny,
    unique: job.unique ?? undefined,
    start_by: job.startBy === null ? undefined : isoTime(job.startBy),
    schedule: job.schedule ?? undefined,
  }) + "\n";
}

/**
 * The line for the change from `before` to `after`, and for the job that it adds; undefined if
 * nothing changed that is stored.
 */
export function encodeChange(before: Job, after: Job, adds?: Job): string | undefined {
  const { status } = after;
  const changed = encodeRevision(before, after);
  if (
    status.state === "processing" ||
    changed === undefined && after.history === before.history && status === unchanged(before)
  ) {
    return undefined;
  }
  const attempt = after.history.length > before.history.length ? after.history.at(-1) : undefined;
  return JSON.stringify({
    at: isoTime(status.since),
    state: status.state,
    run_at: "runAt" in status && status.runAt !== null ? isoTime(status.runAt) : undefined,
    met: status.state === "blocked" ? status.met.slice(metOf(before).length) : undefined,
    reason: "reason" in status && status.reason !== null ? status.reason : undefined,
    counted_from: after.countedFrom === before.countedFrom ? undefined : after.countedFrom,
    attempt: attempt && attemptToJson(attempt),
    changed,
    adds: adds && JSON.parse(encodeRequest(adds)),
  }) + "\n";
}

/** The fields of the request that a user has changed; undefined if there are none. */
export function encodeRevision(before: JobRequest, after: JobRequest): Record_ | undefined {
  const fields = [
    before.priority === after.priority ? {} : { priority: after.priority },
    before.queue === after.queue ? {} : { queue: after.queue },
    before.maxRetries === after.maxRetries ? {} : { max_retries: after.maxRetries },
    before.timeout === after.timeout ? {} : { timeout: after.timeout },
    before.runAt === after.runAt
      ? {}
      : { run_at: after.runAt === null ? null : isoTime(after.runAt) },
    before.startBy === after.startBy
      ? {}
      : { start_by: after.startBy === null ? null : isoTime(after.startBy) },
  ];
  const changed: Record_ = Object.assign({}, ...fields);
  return Object.keys(changed).length === 0 ? undefined : changed;
}

function metOf({ status }: Job): readonly string[] {
  return status.state === "blocked" ? status.met : [];
}

/** A line that says only that a job has been in this state since `at`. */
export function encodeState(state: JobState, at: number): string {
  return JSON.stringify({ at: isoTime(at), state }) + "\n";
}

/**
 * The lines of a file that can be read.
 * @throws QueueError `damaged` if the first can't be read
 */
export function goodLines(text: string, id: string, path: string): string {
  const [request, ...changes] = text.split("\n");
  const { job } = decode(`${request}\n`, id, path);
  return [request, ...changes.filter((line) => decodeChange(job, line) !== undefined)].join("\n") +
    "\n";
}

function unchanged(job: Job): Status {
  return job.status.state === "processing" ? job.status.before : job.status;
}

/**
 * The job that a file describes.
 *
 * @throws QueueError `damaged`, naming `path`, if the first line can't be read
 */
export function decode(text: string, id: string, path: string): Decoded {
  const lines = text.split("\n");
  const unended = lines.pop() !== "";
  const request = decodeRequest(lines[0] ?? "");
  if (request === undefined || request.id !== id) {
    throw damaged(id, path);
  }
  let job = created(request);
  let torn = unended;
  let last = "";
  for (let i = 1; i < lines.length; i++) {
    const next = decodeChange(job, lines[i]!);
    if (next === undefined) torn = true;
    else [job, last] = [next, lines[i]!];
  }
  return { job, torn, unended, adds: last.includes('"adds":') ? decodeAdds(last) : undefined };
}

function decodeAdds(line: string): Job | undefined {
  const { adds } = parse(line) ?? {};
  const request = adds === undefined ? undefined : decodeRequest(JSON.stringify(adds));
  return request && created(request);
}

export function damaged(id: string, path: string): QueueError {
  return new QueueError("damaged", `Cannot read job "${id}": ${path} is damaged`, {
    hint: "To see what can be repaired: queuectl storage check",
  });
}

function parse(line: string): Record_ | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Record_
      : undefined;
  } catch {
    return undefined;
  }
}

const isText = (value: unknown): value is string => typeof value === "string";
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);
const isIds = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((id) => isText(id) && isJobId(id));
const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);

/** An ISO time in milliseconds since 1970; NaN if it is invalid. */
function timeOf(value: unknown): number {
  return isText(value) ? Date.parse(value) : NaN;
}

function decodeRequest(line: string): JobRequest | undefined {
  const record = parse(line);
  if (record === undefined || !SCHEMAS.includes(record.schema)) return undefined;
  const { id, command, priority, cwd, env, max_retries, timeout, sequence, run_at } = record;
  const createdAt = timeOf(record.created_at);
  const runAt = run_at === null ? null : timeOf(run_at);
  if (
    !isText(id) || !isJobId(id) || !isText(command) || !isNumber(priority) || !isText(cwd) ||
    typeof env !== "object" || env === null || !Object.values(env).every(isText) ||
    !isNumber(max_retries) || !isNumber(timeout) || !isNumber(sequence) ||
    Number.isNaN(createdAt) ||
    Number.isNaN(runAt)
  ) return undefined;
  const added = decodeAdded(record);
  return added && {
    id,
    command,
    priority,
    cwd,
    env: env as Record<string, string>,
    maxRetries: max_retries,
    timeout,
    createdAt,
    sequence,
    runAt,
    ...added,
  };
}

const SCHEMAS: readonly unknown[] = [1, SCHEMA];

/** The fields that came with the second version. */
function decodeAdded(record: Record_) {
  const { queue = DEFAULT_QUEUE, group = null, after = [], after_any = [] } = record;
  const { unique = null, schedule = null } = record;
  const startBy = record.start_by === undefined ? null : timeOf(record.start_by);
  if (
    !isText(queue) || !isName(queue) || !isTextOrNull(group) || !isIds(after) ||
    !isIds(after_any) || !isTextOrNull(unique) || !isTextOrNull(schedule) || Number.isNaN(startBy)
  ) return undefined;
  return { queue, group, after, afterAny: after_any, unique, startBy, schedule };
}

function decodeChange(job: Job, line: string): Job | undefined {
  const record = parse(line);
  if (record === undefined) return undefined;
  const status = decodeStatus(record, metOf(job));
  const attempt = record.attempt === undefined
    ? undefined
    : decodeAttempt(record.attempt as Record_);
  const revised = record.changed === undefined ? job : decodeRevision(job, record.changed);
  if (
    status === undefined || revised === undefined ||
    attempt === undefined && record.attempt !== undefined
  ) return undefined;
  // A worker that got an error may have written the line all the same, and then written it again.
  const isNew = attempt !== undefined && attempt.attempt > lastAttempt(job);
  return {
    ...revised,
    status,
    history: isNew ? [...job.history, attempt] : job.history,
    countedFrom: isNumber(record.counted_from) ? record.counted_from : job.countedFrom,
  };
}

function decodeRevision(job: Job, value: unknown): Job | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const record = value as Record_;
  const { priority = job.priority, queue = job.queue, timeout = job.timeout } = record;
  const { max_retries = job.maxRetries, run_at } = record;
  const timeIn = (value: unknown, before: number | null) =>
    value === undefined ? before : value === null ? null : timeOf(value);
  const runAt = timeIn(run_at, job.runAt);
  const startBy = timeIn(record.start_by, job.startBy);
  if (
    !isNumber(priority) || !isText(queue) || !isName(queue) || !isNumber(max_retries) ||
    !isNumber(timeout) || Number.isNaN(runAt) || Number.isNaN(startBy)
  ) return undefined;
  return { ...job, priority, queue, maxRetries: max_retries, timeout, runAt, startBy };
}

/** `met` comes from the lines before. */
function decodeStatus(record: Record_, met: readonly string[]): Status | undefined {
  const since = timeOf(record.at);
  const runAt = record.run_at === undefined ? null : timeOf(record.run_at);
  const state = JOB_STATES.find((name) => name === record.state);
  if (Number.isNaN(since) || Number.isNaN(runAt) || state === undefined || state === "processing") {
    return undefined;
  }
  if (state === "pending") return { state, since, runAt };
  if (state === "blocked") {
    return { state, since, runAt, met: isIds(record.met) ? [...met, ...record.met] : met };
  }
  if (state === "failed") return runAt === null ? undefined : { state, since, runAt };
  if (state !== "cancelled") return { state, since };
  return { state, since, reason: isText(record.reason) ? record.reason : null };
}

function decodeAttempt(record: Record_): Attempt | undefined {
  const { attempt, worker, host, pid, exit_code, signal, error } = record;
  const startedAt = timeOf(record.started_at);
  const endedAt = timeOf(record.ended_at);
  const outcome = OUTCOMES.find((name) => name === record.outcome);
  if (
    !isNumber(attempt) || !isText(worker) || !isNumber(pid) || Number.isNaN(startedAt) ||
    Number.isNaN(endedAt) || outcome === undefined
  ) return undefined;
  return {
    attempt,
    worker,
    host: isText(host) ? host : null,
    pid,
    startedAt,
    endedAt,
    outcome,
    exitCode: isNumber(exit_code) ? exit_code : null,
    signal: isText(signal) ? signal : null,
    error: isText(error) ? error : null,
  };
}
