// Jobs for tests.
import type { Job, JobRequest } from "../../src/queue/job.ts";
import type { Ending, Outcome } from "../../src/queue/outcome.ts";
import { created } from "../../src/queue/transitions.ts";

export const EPOCH = Date.parse("2026-01-02T03:04:05.678Z");

/** A request of plain values, all but those given. */
export function aRequest(values: Partial<JobRequest> = {}): JobRequest {
  return {
    id: "a",
    command: "true",
    priority: 0,
    cwd: "/",
    env: {},
    maxRetries: 3,
    timeout: 0,
    createdAt: EPOCH,
    sequence: 0,
    runAt: null,
    queue: "default",
    group: null,
    after: [],
    afterAny: [],
    unique: null,
    startBy: null,
    schedule: null,
    ...values,
  };
}

export function aJob(values: Partial<JobRequest> = {}): Job {
  return created(aRequest(values));
}

export function anEnding(outcome: Outcome): Ending {
  return outcome === "succeeded"
    ? { outcome, exitCode: 0, signal: null, error: null }
    : { outcome, exitCode: outcome === "failed" ? 1 : null, signal: null, error: outcome };
}
