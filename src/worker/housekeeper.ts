// Removes completed and cancelled jobs after the time that `keep_completed` says, while a `start`
// runs: a bounded number at a time, and no more than a third of one processor's time. Of several
// `start`s one does it. Its parts are passed in; it knows no store.
import { messageOf } from "../queue/errors.ts";
import type { JobStore } from "../queue/store.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

/** So many jobs are removed before there is a pause. */
const AT_ONCE = 100;
/** The pause, in times of what the removal took. */
const SHARE = 2;
/** Milliseconds between looks; the shortest pause. */
const LOOK = 5000;
const SHORTEST = 100;

export interface HousekeeperParts {
  /** Seconds after which completed and cancelled jobs are removed; 0 for never. */
  keepCompleted(): Promise<number>;
  /** Whether this is the one `start` of several that does it. */
  isFirst(): Promise<boolean>;
  /** Opened for each removal, so that what it leaves is tidied up. */
  openJobs(): Promise<JobStore>;
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  report(event: WorkerEvent): void;
}

/** Keeps house until `stopping` aborts. */
export async function keepHouse(parts: HousekeeperParts, stopping: AbortSignal): Promise<void> {
  let told = "";
  while (!stopping.aborted) {
    let pause = LOOK;
    try {
      pause = await removeSome(parts);
      told = "";
    } catch (error) {
      const message = `Cannot remove old jobs: ${messageOf(error)}`;
      if (message !== told) parts.report({ kind: "warning", message });
      told = message;
    }
    await parts.sleep(pause, stopping);
  }
}

/** Removes at most some jobs. @returns milliseconds until it is worth to look again */
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
