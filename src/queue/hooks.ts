// Hooks: a shell command of the configuration that becomes a job of its own when a job completes or
// dies.
//
// Why exactly once: the end of a job and the hook's job are one step of the store, both or neither
// (`JobStore.change`), so no crash comes between them. And the hook's id is made of the attempt that
// ended and of when that one began: who records the same end again, having been told of an error,
// makes the same id, which is taken once only. A job that is retried and ends again has another
// attempt, and so another hook. Jobs of the queue `hooks` have none, or they would never end.
//
// It runs in "/": the folder of the job may be what is missing.
import { makeJob } from "./enqueue.ts";
import { attemptsBegun, type Job } from "./job.ts";
import type { Attempt } from "./outcome.ts";
import { NO_HOOK, type Settings } from "./settings.ts";

/** The queue of all jobs that hooks make. */
export const HOOK_QUEUE = "hooks";

/** Of a longer command the rest is left out: a system hands on some 128 KB in a variable. */
const COMMAND_LIMIT = 30_000;
/** An id has at most 128 characters. */
const ID_ROOM = 80;

export type HookSettings = Pick<
  Settings,
  "on_completed" | "on_dead" | "max_retries" | "job_timeout"
>;

/** The job to enqueue for a job that has just ended; undefined if none is wanted. */
export function hookFor(job: Job, settings: HookSettings, now: number): Job | undefined {
  const { state } = job.status;
  if (state !== "completed" && state !== "dead" || job.queue === HOOK_QUEUE) return undefined;
  const command = state === "completed" ? settings.on_completed : settings.on_dead;
  const last = job.history.at(-1);
  if (command === NO_HOOK || last === undefined) return undefined;
  const env = {
    QUEUECTL_HOOK_JOB_ID: job.id,
    QUEUECTL_HOOK_STATE: state,
    QUEUECTL_HOOK_COMMAND: job.command.slice(0, COMMAND_LIMIT),
    QUEUECTL_HOOK_QUEUE: job.queue,
    QUEUECTL_HOOK_ATTEMPTS: String(attemptsBegun(job)),
    QUEUECTL_HOOK_EXIT_CODE: String(last.exitCode ?? ""),
  };
  const id = hookId(job.id, last);
  const newJob = { command, cwd: "/", env, id, queue: HOOK_QUEUE };
  return makeJob(newJob, { settings, now, newId: () => id }, 0);
}

/** An id may be used again once its job was removed, but not with an attempt of the same moment. */
function hookId(id: string, { attempt, startedAt }: Attempt): string {
  const short = id.length <= ID_ROOM ? id : `${id.slice(0, ID_ROOM)}.${checksum(id)}`;
  return `hook-${short}-${attempt}-${startedAt.toString(36)}`;
}

/** FNV-1a, so that ids that begin alike stay apart. */
function checksum(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const char of text) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(char.codePointAt(0)!)) * 0x100000001b3n);
  }
  return hash.toString(36);
}
