// Jobs for tests.
import { type Claim, claimOf, type Job, type JobRequest } from "../../src/queue/job.ts";
import type { Adds, JobStore } from "../../src/queue/store.ts";
import type { Ending, Outcome } from "../../src/queue/outcome.ts";
import { claimed, created, ended, type Transition } from "../../src/queue/transitions.ts";

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

/** A job that came at `EPOCH`, while it runs, and when that attempt has ended. */
export function anAttempt(
  queue: string,
  outcome: Outcome,
  startedAt: number,
  endedAt: number,
): [Job, Job] {
  const job = claimed(aJob({ queue }), { worker: "w", pid: 1, host: "box" }, startedAt) as Job;
  return [job, ended(job, anEnding(outcome), { base: 2, max: 60 }, endedAt) as Job];
}

/** A claim that nobody has. */
export function lostClaim(worker: string): Claim {
  return { worker, pid: 1, attempt: 0, startedAt: 0 };
}

/** Changes a job as the worker that has claimed it; as one that has lost it, if it has not. */
export async function changeAs(
  store: JobStore,
  worker: string,
  id: string,
  transition: Transition,
  adds?: Adds,
): Promise<Job> {
  const held = (await store.claimedBy(worker)).find((job) => job.id === id);
  return await store.change(id, transition, held ? claimOf(held) : lostClaim(worker), adds);
}
