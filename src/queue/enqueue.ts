// Makes new jobs: what the user gave, with defaults from the configuration. Every `enqueue` loads
// this, so it imports little.
import { DEFAULT_QUEUE, isEnvName, isJobId, isName, type Job } from "./job.ts";
import { QueueError } from "./errors.ts";
import type { Settings } from "./settings.ts";
import type { JobStore } from "./store.ts";
import { isUniqueKey } from "./unique.ts";
import { created } from "./transitions.ts";

/**
 * What a user gives for a new job. Anything left out gets its default, for some fields from the
 * configuration.
 */
export interface NewJob {
  readonly command: string;
  readonly cwd: string;
  readonly id?: string | undefined;
  readonly priority?: number | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly maxRetries?: number | undefined;
  /** Seconds; 0 for none. */
  readonly timeout?: number | undefined;
  /** Milliseconds since 1970. */
  readonly runAt?: number | undefined;
  readonly queue?: string | undefined;
  readonly group?: string | undefined;
  /**
   * The ids of the jobs that have to complete first (`after`), or to end first in any way
   * (`afterAny`).
   */
  readonly after?: readonly string[] | undefined;
  readonly afterAny?: readonly string[] | undefined;
  /** At most one job with this key has not ended. */
  readonly unique?: string | undefined;
  /** Milliseconds since 1970: if it has not begun by then, it is cancelled. */
  readonly startBy?: number | undefined;
  /** The schedule that enqueues it. */
  readonly schedule?: string | undefined;
}

/** What completes a `NewJob`; the same for all jobs of a batch. */
export interface JobDefaults {
  readonly settings: Pick<Settings, "max_retries" | "job_timeout">;
  readonly now: number;
  readonly newId: () => string;
}

/** How many jobs of a batch can have the same `createdAt`. */
const PLACES = 10_000_000;
/** The latest time that a `Date` can hold. */
const LAST_TIME = 8.64e15;

/**
 * Makes a job.
 *
 * @param sequence its place in the batch, from 0
 *
 * @throws QueueError `usage` if a field is invalid
 */
export function makeJob(newJob: NewJob, defaults: JobDefaults, sequence: number): Job {
  const { settings, now, newId } = defaults;
  const { command, cwd, id, env = {}, queue, group, unique } = newJob;
  if (command.trim() === "") throw new QueueError("usage", "The command is empty");
  checkText("command", command);
  checkText("folder", cwd);
  if (id !== undefined && !isJobId(id)) throw badName("a job's id", id);
  if (queue !== undefined) checkName("queue", queue);
  if (group !== undefined) checkName("group", group);
  if (unique !== undefined && !isUniqueKey(unique)) {
    throw new QueueError(
      "usage",
      `"${unique}" cannot be a key: it takes 1 to 256 characters, and no control characters`,
    );
  }
  for (const [name, value] of Object.entries(env)) {
    if (!isEnvName(name)) {
      throw new QueueError("usage", `"${name}" cannot name an environment variable`);
    }
    checkText(`value of ${name}`, value);
  }
  const runAt = newJob.runAt === undefined ? null : checkedTime(newJob.runAt);
  return created({
    id: id ?? newId(),
    command,
    priority: newJob.priority ?? 0,
    cwd,
    env,
    maxRetries: newJob.maxRetries ?? settings.max_retries,
    timeout: newJob.timeout ?? settings.job_timeout,
    // When all places in a millisecond are taken, the next millisecond is used: stores keep a fixed
    // number of digits of both.
    createdAt: now + Math.floor(sequence / PLACES),
    sequence: sequence % PLACES,
    runAt,
    queue: queue ?? DEFAULT_QUEUE,
    group: group ?? null,
    after: distinct(newJob.after),
    afterAny: distinct(newJob.afterAny).filter((other) => !newJob.after?.includes(other)),
    unique: unique ?? null,
    startBy: startByOf(newJob.startBy, runAt, now),
    schedule: newJob.schedule ?? null,
  });
}

/** Of what a program can be given, and every store can keep. */
function checkText(what: string, text: string): void {
  if (text.includes("\0")) throw new QueueError("usage", `The ${what} contains a NUL character`);
  if (text.isWellFormed()) return;
  throw new QueueError("usage", `The ${what} contains half of a character (a lone surrogate)`);
}

function startByOf(wanted: number | undefined, runAt: number | null, now: number): number | null {
  if (wanted === undefined) return null;
  const startBy = Math.round(wanted);
  if (!(Math.abs(startBy) <= LAST_TIME)) {
    throw new QueueError("usage", "The time by which the job must begin is too far away");
  }
  if (startBy <= now) {
    throw new QueueError("usage", "The time by which the job must begin must lie in the future");
  }
  if (runAt !== null && startBy <= runAt) {
    throw new QueueError("usage", "The job may not run before the time by which it must begin");
  }
  return startBy;
}

function distinct(ids: readonly string[] = []): string[] {
  return [...new Set(ids)];
}

/**
 * The time, rounded to milliseconds.
 * @throws QueueError `usage` if it is too far away
 */
export function checkedTime(time: number): number {
  const rounded = Math.round(time);
  if (Math.abs(rounded) <= LAST_TIME) return rounded;
  throw new QueueError("usage", "The time at which the job is to run is too far away");
}

/** @throws QueueError `usage` if a queue or a group can't have this name */
export function checkName(of: "queue" | "group", name: string): void {
  if (!isName(name)) throw badName(`the name of a ${of}`, name);
}

function badName(what: string, name: string): QueueError {
  // Such as a script's variable that is not set.
  if (name === "") return new QueueError("usage", `${capitalized(what)} is empty`);
  return new QueueError(
    "usage",
    `"${name}" cannot be ${what}: it takes 1 to 128 of A-Z a-z 0-9 . _ - ` +
      "and does not begin with . or -",
  );
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * Enqueues one job.
 * @throws QueueError `usage`; `duplicate_id` if its id is taken
 */
export async function enqueue(
  store: Pick<JobStore, "add">,
  newJob: NewJob,
  defaults: JobDefaults,
): Promise<Job> {
  const job = makeJob(newJob, defaults, 0);
  await store.add([job]);
  return job;
}

/**
 * Enqueues all jobs or none. They are made one by one as the store takes them, so a million jobs
 * need little memory.
 *
 * @param each called with each job when it is made
 *
 * @param taken see `JobStore.add`
 *
 * @returns how many were added
 */
export function enqueueAll(
  store: Pick<JobStore, "add">,
  newJobs: Iterable<NewJob>,
  defaults: JobDefaults,
  each: (job: Job) => void,
  taken?: (job: Job, holder: string) => void,
): Promise<number> {
  function* jobs(): Iterable<Job> {
    let sequence = 0;
    for (const newJob of newJobs) {
      const job = makeJob(newJob, defaults, sequence++);
      each(job);
      yield job;
    }
  }
  return store.add(jobs(), taken);
}
