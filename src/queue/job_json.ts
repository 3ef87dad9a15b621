// Jobs as JSON, with the field names that users, scripts and files see (snake_case, times as ISO
// 8601 in UTC, durations in seconds).
import { attemptsBegun, type Job, updatedAt } from "./job.ts";
import type { Attempt } from "./outcome.ts";

export interface AttemptJson {
  attempt: number;
  worker: string;
  host: string | null;
  pid: number;
  started_at: string;
  ended_at: string | null;
  outcome: string | null;
  exit_code: number | null;
  signal: string | null;
  error: string | null;
}

export interface JobJson {
  id: string;
  command: string;
  state: string;
  priority: number;
  cwd: string;
  env: Record<string, string>;
  max_retries: number;
  timeout: number;
  created_at: string;
  updated_at: string;
  run_at: string | null;
  queue: string;
  group: string | null;
  after: readonly string[];
  after_any: readonly string[];
  unique: string | null;
  start_by: string | null;
  schedule: string | null;
  attempts: number;
  reason: string | null;
  history?: AttemptJson[];
}

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export function isoTime(time: number): string {
  return new Date(time).toISOString();
}

/** The job as `--json` shows it, without its history. */
export function jobToJson(job: Job): JobJson {
  const { status } = job;
  const runAt = "runAt" in status ? status.runAt : null;
  return {
    id: job.id,
    command: job.command,
    state: status.state,
    priority: job.priority,
    cwd: job.cwd,
    env: { ...job.env },
    max_retries: job.maxRetries,
    timeout: job.timeout,
    created_at: isoTime(job.createdAt),
    updated_at: isoTime(updatedAt(job)),
    run_at: runAt === null ? null : isoTime(runAt),
    queue: job.queue,
    group: job.group,
    after: job.after,
    after_any: job.afterAny,
    unique: job.unique,
    start_by: job.startBy === null ? null : isoTime(job.startBy),
    schedule: job.schedule,
    attempts: attemptsBegun(job),
    reason: status.state === "cancelled" ? status.reason : null,
  };
}

export function attemptToJson(attempt: Attempt): AttemptJson {
  return {
    attempt: attempt.attempt,
    worker: attempt.worker,
    host: attempt.host,
    pid: attempt.pid,
    started_at: isoTime(attempt.startedAt),
    ended_at: isoTime(attempt.endedAt),
    outcome: attempt.outcome,
    exit_code: attempt.exitCode,
    signal: attempt.signal,
    error: attempt.error,
  };
}

/** All attempts. The running one comes last; its end and outcome are null. */
export function historyToJson(job: Job): AttemptJson[] {
  const history = job.history.map(attemptToJson);
  if (job.status.state === "processing") {
    const { attempt, worker, host, pid, startedAt } = job.status.running;
    history.push({
      attempt,
      worker,
      host,
      pid,
      started_at: isoTime(startedAt),
      ended_at: null,
      outcome: null,
      exit_code: null,
      signal: null,
      error: null,
    });
  }
  return history;
}
