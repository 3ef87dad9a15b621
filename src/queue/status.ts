// What a store is at at this moment: counts, workers and what they do, what waits, what has ended.
import { type EndedState, type Job, turnTime } from "./job.ts";
import type { Counts, JobReader, WaitingEnds } from "./store.ts";
import { waitingStatus } from "./transitions.ts";
import type { WorkerInfo, Workers } from "./workers.ts";

export interface WorkerView extends WorkerInfo {
  /** What it runs; undefined if it is idle. */
  readonly job: Job | undefined;
}

export interface Activity {
  readonly counts: Counts;
  /** In the order in which they were started. */
  readonly workers: readonly WorkerView[];
  /** How many jobs run whose worker is gone. */
  readonly orphans: number;
}

/** Counts and workers. */
export async function readActivity(jobs: JobReader, living: Workers): Promise<Activity> {
  const counts = await jobs.count();
  const workers: WorkerView[] = [];
  for (const worker of await living.live()) {
    workers.push({ ...worker, job: (await jobs.claimedBy(worker.name))[0] });
  }
  workers.sort((a, b) => a.startedAt - b.startedAt || (a.name < b.name ? -1 : 1));
  const busy = workers.filter(({ job }) => job !== undefined).length;
  // Looked for only where the counts leave room for any.
  const orphans = counts.processing > busy ? (await orphansAmong(jobs, workers)).length : 0;
  return { counts, workers, orphans };
}

/** The running jobs whose worker is none of these. */
export async function orphansAmong(
  jobs: JobReader,
  living: readonly { readonly name: string }[],
): Promise<Job[]> {
  const running = await Array.fromAsync(jobs.list({ states: ["processing"] }));
  return running.filter(({ status }) =>
    status.state === "processing" && !living.some(({ name }) => name === status.running.worker)
  );
}

/** Whether a job runs whose worker is gone. */
export async function isOrphaned(workers: Workers, { status }: Job): Promise<boolean> {
  return status.state === "processing" && await workers.find(status.running.worker) === undefined;
}

export interface Figures extends WaitingEnds {
  readonly ended: Readonly<Record<"minute" | "hour" | "day", Readonly<Record<EndedState, number>>>>;
}

/** Since when a job that waits may run, or will. */
export function dueAt(job: Job): number {
  const waiting = waitingStatus(job);
  return waiting === undefined ? job.createdAt : turnTime(job, waiting);
}

const MINUTE = 60_000;

/** What waits at the ends of the line, and what has ended of late. */
export async function readFigures(jobs: JobReader, now: number): Promise<Figures> {
  const since = (minutes: number) => jobs.countEndedSince(now - minutes * MINUTE);
  return {
    ...await jobs.waitingEnds(now),
    ended: { minute: await since(1), hour: await since(60), day: await since(24 * 60) },
  };
}
