// Removes completed and cancelled jobs that are older than `keep_completed`, while a `start` runs:
// a limited number at a time, and with at most a third of one processor's time. If there are
// several `start`s, one does it. Its parts are passed in; it knows no store.
import { isUnavailable, messageOf } from "../queue/errors.ts";
import type { JobStore } from "../queue/store.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

/** How many jobs are removed before a pause. */
const AT_ONCE = 100;
/** The pause, as a multiple of the time that the removal took. */
const SHARE = 2;
/** Milliseconds between looks, and of the shortest pause. */
const LOOK = 5000;
const SHORTEST = 100;

export interface HousekeeperParts {
  /** Seconds after which completed and cancelled jobs are removed; 0 for never. */
  keepCompleted(): Promise<number>;
  /** Whether this `start` is the one of several that does it. */
  isFirst(): Promise<boolean>;
  /** Opens the store. Called for each removal, since closing the store tidies up. */
  openJobs(): Promise<JobStore>;
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  report(event: WorkerEvent): void;
}

/** Removes old jobs until `stopping` aborts. */
export async function keepHouse(parts: HousekeeperParts, stopping: AbortSignal): Promise<void> {
  let told = "";
  while (!stopping.aborted) {
    let pause = LOOK;
    try {
      pause = await removeSome(parts);
      told = "";
    } catch (error) {
      const message = `Cannot remove old jobs: ${messageOf(error)}`;
      // That the store is away is told by whoever keeps an eye on it.
      if (message !== told && !isUnavailable(error)) parts.report({ kind: "warning", message });
      told = message;
    }
    await parts.sleep(pause, stopping);
  }
}

/**
 * Removes a limited number of jobs.
 * @returns milliseconds until the next look
 */
async function removeSome(parts: HousekeeperParts): Promise<number> {
  const seconds = await parts.keepCompleted();
  if (seconds <= 0 || !await parts.isFirst()) return LOOK;
  const { cleanUpSome } = await import("../queue/operations.ts");
  const begin = performance.now();
  const jobs = await parts.openJobs();
  try {
    const removed = await cleanUpSome(jobs, parts.now() - seconds * 1000, AT_ONCE);
    if (removed < AT_ONCE) return Math.min(LOOK, Math.max(seconds * 1000, SHORTEST));
  } finally {
    await jobs.close();
  }
  return Math.max(SHORTEST, SHARE * (performance.now() - begin));
}
