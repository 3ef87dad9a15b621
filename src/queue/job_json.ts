// A job as JSON: the field names that users, scripts and files see (snake_case, ISO 8601 in UTC,
// seconds).
import { attemptsBegun, type Job, updatedAt } from "./job.ts";
import type { Attempt } from "./outcome.ts";

export interface AttemptJson {
  attempt: number;
  worker: string;
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
  attempts: number;
  history?: AttemptJson[];
}

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export function isoTime(time: number): string {
  return new Date(time).toISOString();
}

/** The job as `--json` shows it, without its history. */
export function jobToJson(job: Job): JobJson {
  const { status } = job;
  const runAt = status.state === "pending" || status.state === "failed" ? status.runAt : null;
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
    attempts: attemptsBegun(job),
  };
}

export function attemptToJson(attempt: Attempt): AttemptJson {
  return {
    attempt: attempt.attempt,
    worker: attempt.worker,
    pid: attempt.pid,
    started_at: isoTime(attempt.startedAt),
    ended_at: isoTime(attempt.endedAt),
    outcome: attempt.outcome,
    exit_code: attempt.exitCode,
    signal: attempt.signal,
    error: attempt.error,
  };
}

/** Every attempt, the running one last: its end and outcome are null. */
export function historyToJson(job: Job): AttemptJson[] {
  const history = job.history.map(attemptToJson);
  if (job.status.state === "processing") {
    const { attempt, worker, pid, startedAt } = job.status.running;
    history.push({
      attempt,
      worker,
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
