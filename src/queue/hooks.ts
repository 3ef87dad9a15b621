// Hooks: a shell command of the configuration that becomes a job of its own when a job completes or
// dies.
//
// Each hook runs exactly once. The end of a job and the hook's job are one atomic step of the store
// (`JobStore.change`), so no crash comes between them. And the hook's id is made of the attempt's
// number and start: if the same end is recorded again after an error, the id is the same, and an id
// is used only once. A job that is retried and ends again has another attempt, and so another hook.
// Jobs in the queue `hooks` have no hooks, or hooks would start hooks for ever.
//
// Hooks run in "/", since the job's folder may not exist.
import { makeJob } from "./enqueue.ts";
import { attemptsBegun, type Job } from "./job.ts";
import type { Attempt } from "./outcome.ts";
import { NO_HOOK, type Settings } from "./settings.ts";

/** The queue of all jobs that hooks make. */
export const HOOK_QUEUE = "hooks";

/** Characters of the command that the hook gets; a system passes about 128 KB in a variable. */
const COMMAND_LIMIT = 30_000;
/** Characters of the job's id in the hook's id, which has at most 128. */
const ID_ROOM = 80;

export type HookSettings = Pick<
  Settings,
  "on_completed" | "on_dead" | "max_retries" | "job_timeout"
>;

/** The hook's job for a job that has just ended; undefined if no hook is set. */
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

/**
 * Unique for each attempt: a job's id may be used again after the job was removed, but not with an
 * attempt that began at the same time.
 */
function hookId(id: string, { attempt, startedAt }: Attempt): string {
  const short = id.length <= ID_ROOM ? id : `${id.slice(0, ID_ROOM)}.${checksum(id)}`;
  return `hook-${short}-${attempt}-${startedAt.toString(36)}`;
}

/** FNV-1a, to tell ids apart that have the same beginning. */
function checksum(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const char of text) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(char.codePointAt(0)!)) * 0x100000001b3n);
  }
  return hash.toString(36);
}
