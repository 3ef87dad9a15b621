// A job as a text in the hash `jobs`, which says how it is while nobody runs it; who runs it is a text of
// its own in `running`.
import { type Job, lastAttempt, type Status } from "../../queue/job.ts";

/** A job as it is in the store, by which a change sees whether somebody else was quicker. */
export interface Stored {
  readonly job: Job;
  readonly record: string;
  readonly running: string | undefined;
}

type Resting = Exclude<Status, { state: "processing" }>;

/** Of the form of the record; an older one must load for ever. */
const FORMAT = 1;

export function encode(job: Job): string {
  return JSON.stringify({
    format: FORMAT,
    id: job.id,
    command: job.command,
    priority: job.priority,
    cwd: job.cwd,
    env: job.env,
    max_retries: job.maxRetries,
    timeout: job.timeout,
    created_at: job.createdAt,
    sequence: job.sequence,
    not_before: job.runAt,
    queue: job.queue,
    group: job.group,
    after: job.after,
    after_any: job.afterAny,
    unique: job.unique,
    start_by: job.startBy,
    schedule: job.schedule,
    status: statusToJson(resting(job)),
    history: job.history.map((attempt) => ({
      attempt: attempt.attempt,
      worker: attempt.worker,
      host: attempt.host,
      pid: attempt.pid,
      started_at: attempt.startedAt,
      ended_at: attempt.endedAt,
      outcome: attempt.outcome,
      exit_code: attempt.exitCode,
      signal: attempt.signal,
      error: attempt.error,
    })),
    counted_from: job.countedFrom,
  });
}

/** @throws Error if it is not a record */
export function decode(record: string, running?: string | null): Stored {
  const json = JSON.parse(record);
  if (typeof json.id !== "string" || !(json.format <= FORMAT)) throw new Error("not a job");
  const job: Job = {
    id: json.id,
    command: json.command,
    priority: json.priority,
    cwd: json.cwd,
    env: json.env,
    maxRetries: json.max_retries,
    timeout: json.timeout,
    createdAt: json.created_at,
    sequence: json.sequence,
    runAt: json.not_before,
    queue: json.queue,
    group: json.group,
    after: json.after,
    afterAny: json.after_any,
    unique: json.unique,
    startBy: json.start_by,
    schedule: json.schedule,
    status: statusFromJson(json.status),
    // deno-lint-ignore no-explicit-any -- of a text that `encode` has made
    history: json.history.map((attempt: any) => ({
      attempt: attempt.attempt,
      worker: attempt.worker,
      host: attempt.host,
      pid: attempt.pid,
      startedAt: attempt.started_at,
      endedAt: attempt.ended_at,
      outcome: attempt.outcome,
      exitCode: attempt.exit_code,
      signal: attempt.signal,
      error: attempt.error,
    })),
    countedFrom: json.counted_from,
  };
  if (typeof running !== "string") return { job, record, running: undefined };
  return { job: runningJob(job, running), record, running };
}

/** The status of a job; of one that runs, the one before it was claimed. */
export function resting({ status }: Job): Resting {
  return status.state === "processing" ? status.before : status;
}

/** A job by whom it was claimed: a text of the script in script_claim.ts. */
function runningJob(job: Job, running: string): Job {
  const [, startedAt, pid, worker, host] = /^(\S+) (\S+) (\S+) (.*)$/s.exec(running)!;
  const { status: before } = job;
  if (before.state !== "pending" && before.state !== "failed") {
    throw new Error(`it is ${before.state}, and runs`);
  }
  return {
    ...job,
    status: {
      state: "processing",
      before,
      running: {
        attempt: lastAttempt(job) + 1,
        worker: worker!,
        pid: Number(pid),
        host: host!,
        startedAt: Number(startedAt),
      },
    },
  };
}

function statusToJson(status: Resting): Record<string, unknown> {
  return {
    state: status.state,
    since: status.since,
    ...("runAt" in status ? { run_at: status.runAt } : {}),
    ...("met" in status ? { met: status.met } : {}),
    ...("reason" in status ? { reason: status.reason } : {}),
  };
}

// deno-lint-ignore no-explicit-any -- of a text that `encode` has made
function statusFromJson({ state, since, run_at: runAt, met, reason }: any): Resting {
  switch (state) {
    case "pending":
      return { state, since, runAt };
    case "blocked":
      return { state, since, runAt, met };
    case "failed":
      return { state, since, runAt };
    case "cancelled":
      return { state, since, reason };
    case "completed":
    case "dead":
      return { state, since };
    default:
      throw new Error(`no such state: ${state}`);
  }
}
