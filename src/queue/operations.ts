// What commands do to existing jobs, as functions that take the store and return values. They print
// nothing.
import type { Job } from "./job.ts";
import { QueueError } from "./errors.ts";
import type { JobReader, JobStore, Query, Watching } from "./store.ts";
import { removableOnceEnded, retriedOnceEnded, type Revision, updated } from "./revise.ts";
import { cancelled, removableByCleanup, removableFromDlq, retried } from "./transitions.ts";

/** The result for several jobs: those that were changed, and why the others were not. */
export interface Results {
  readonly done: string[];
  readonly refused: QueueError[];
}

/** Called by a long operation to report its progress. */
export type Progress = (done: number, total: number) => void;

/**
 * Cancels a waiting job. A running one is cancelled by its worker.
 *
 * @throws QueueError `wrong_state`
 */
export function cancel(store: JobStore, id: string): Promise<Job> {
  return store.change(id, (job, now) => cancelled(job, now));
}

/** Puts dead jobs back to pending. */
export function retryDead(store: JobStore, ids: Iterable<string>): Promise<Results> {
  return eachOf(ids, async (id) => {
    await store.change(id, retried);
  });
}

/** Removes jobs from the dead letter queue, with their history and logs. */
export function removeDead(store: JobStore, ids: Iterable<string>): Promise<Results> {
  return eachOf(ids, (id) => store.remove(id, removableFromDlq));
}

/** Puts ended jobs back to pending, whatever their state. */
export function retryEnded(store: JobStore, ids: Iterable<string>): Promise<Results> {
  return eachOf(ids, async (id) => {
    await store.change(id, retriedOnceEnded);
  });
}

/** Removes ended jobs, with their history and logs. */
export function removeEnded(store: JobStore, ids: Iterable<string>): Promise<Results> {
  return eachOf(ids, (id) => store.remove(id, removableOnceEnded));
}

/**
 * Changes a job that waits.
 * @throws QueueError `wrong_state`
 */
export function update(store: JobStore, id: string, revision: Revision): Promise<Job> {
  return store.change(id, (job) => updated(job, revision));
}

/** The ids of all dead jobs, or of those whose command matches a pattern. */
export function deadIds(store: JobReader, command?: string): Promise<string[]> {
  return idsOf(store, { states: ["dead"], ...(command !== undefined && { command }) });
}

/** Removes completed and cancelled jobs that ended before `cutoff`, and their logs. */
export async function cleanUp(
  store: JobStore,
  cutoff: number,
  progress: Progress,
): Promise<Results> {
  const ids = await idsOf(store, { states: ["completed", "cancelled"], endedBefore: cutoff });
  let done = 0;
  return await eachOf(ids, async (id) => {
    await store.remove(id, (job) => removableByCleanup(job, cutoff));
    progress(++done, ids.length);
  });
}

/**
 * The same for at most `most` jobs.
 *
 * @returns how many were removed
 */
export async function cleanUpSome(store: JobStore, cutoff: number, most: number): Promise<number> {
  const ids = await store.idsEndedBefore(["completed", "cancelled"], cutoff, most);
  const remove = (id: string) => store.remove(id, (job) => removableByCleanup(job, cutoff));
  return (await eachOf(ids, remove)).done.length;
}

/** Figures about the dead letter queue. They are maps, since commands may be any text. */
export interface DlqStats {
  readonly total: number;
  /** When the first and the last one died; null if there are none. */
  readonly oldestAt: number | null;
  readonly newestAt: number | null;
  readonly byOutcome: ReadonlyMap<string, number>;
  /** `none` stands for attempts that left no exit code. */
  readonly byExitCode: ReadonlyMap<string, number>;
  readonly byCommand: ReadonlyMap<string, number>;
}

/**
 * Counts dead jobs by the result of their last attempt.
 * @param seen called with each of them
 */
export async function dlqStats(
  store: JobReader,
  watching?: Watching,
  seen: (job: Job) => void = () => {},
): Promise<DlqStats> {
  let [total, oldest, newest] = [0, Infinity, -Infinity];
  const byOutcome = new Map<string, number>();
  const byExitCode = new Map<string, number>();
  const byCommand = new Map<string, number>();
  for await (const job of store.list({ states: ["dead"] }, watching)) {
    if (job.status.state !== "dead") continue;
    seen(job);
    const last = job.history.at(-1);
    total += 1;
    oldest = Math.min(oldest, job.status.since);
    newest = Math.max(newest, job.status.since);
    countIn(byOutcome, last?.outcome ?? "none");
    countIn(byExitCode, String(last?.exitCode ?? "none"));
    countIn(byCommand, job.command);
  }
  const oldestAt = total === 0 ? null : oldest;
  const newestAt = total === 0 ? null : newest;
  return { total, oldestAt, newestAt, byOutcome, byExitCode, byCommand };
}

function countIn(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

async function idsOf(store: JobReader, query: Query): Promise<string[]> {
  const ids: string[] = [];
  for await (const job of store.list(query)) ids.push(job.id);
  return ids;
}

// Applies `act` to each job. If one is refused, or was removed meanwhile, the others are done all
// the same.
async function eachOf(ids: Iterable<string>, act: (id: string) => Promise<void>): Promise<Results> {
  const results: Results = { done: [], refused: [] };
  for (const id of ids) {
    try {
      await act(id);
      results.done.push(id);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      results.refused.push(error);
    }
  }
  return results;
}
