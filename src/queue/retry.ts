// The rules of retrying. Pure arithmetic: no clock, no randomness.
import type { Job } from "./job.ts";

export interface Backoff {
  /** Seconds; the wait before retry n is `base` to the power n. */
  readonly base: number;
  /** Seconds; no wait is longer. */
  readonly max: number;
}

/** Seconds to wait before retry `n` (1, 2, …): exponential backoff, capped. */
export function retryDelay(n: number, backoff: Backoff): number {
  return Math.min(backoff.base ** n, backoff.max);
}

/**
 * How many attempts of `job` count against its `maxRetries`: all since a user last retried it,
 * except released ones.
 */
export function countedAttempts(job: Job): number {
  return job.history.slice(job.countedFrom).filter((a) => a.outcome !== "released").length;
}
