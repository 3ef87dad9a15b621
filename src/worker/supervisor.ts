// The supervisor: starts workers, starts one anew that died, and stops them. It never runs a job;
// nothing is lost when it dies.
import type { WorkerEvent } from "../queue/worker_event.ts";

/** A worker process, as its supervisor sees it. */
export interface Child {
  readonly pid: number;
  readonly ended: Promise<{ code: number; signal: string | null }>;
  /** Asks it to stop. */
  stop(kind: "graceful" | "force"): void;
}

export interface SupervisorParts {
  /** How many workers. */
  readonly count: number;
  /** Starts the worker at place `index`, from 0. */
  spawn(index: number): Child;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  now(): number;
  report(event: WorkerEvent): void;
}

/** One that dies sooner than this after its start is not started anew at once. */
const SHORT_LIFE = 5000;
const LONGEST_PAUSE = 5000;

/** Runs until all workers have ended: after `stopping`, or, where they drain, by themselves. */
export async function supervise(
  parts: SupervisorParts,
  stopping: AbortSignal,
  force: AbortSignal,
): Promise<void> {
  await Promise.all(
    Array.from({ length: parts.count }, (_, index) => keepAlive(index, parts, stopping, force)),
  );
}

async function keepAlive(
  index: number,
  parts: SupervisorParts,
  stopping: AbortSignal,
  force: AbortSignal,
): Promise<void> {
  for (let pause = 0; !stopping.aborted;) {
    const startedAt = parts.now();
    if (await runOne(index, parts, stopping, force)) return;
    const isShort = parts.now() - startedAt < SHORT_LIFE;
    // The first to die so is replaced at once: whoever killed it has done so for a reason of its
    // own.
    if (isShort && pause > 0) await parts.sleep(pause, stopping);
    pause = isShort ? Math.min(Math.max(pause * 2, 100), LONGEST_PAUSE) : 0;
  }
}

/** Runs one worker to its end. Whether that was as it should be. */
async function runOne(
  index: number,
  parts: SupervisorParts,
  stopping: AbortSignal,
  force: AbortSignal,
): Promise<boolean> {
  let child: Child;
  try {
    child = parts.spawn(index);
  } catch (error) {
    // Such as while the program is replaced by a newer one.
    const message = `Cannot start a worker, trying again: ${
      error instanceof Error ? error.message : error
    }`;
    parts.report({ kind: "warning", message });
    return false;
  }
  const graceful = () => child.stop("graceful");
  const forced = () => child.stop("force");
  stopping.addEventListener("abort", graceful);
  force.addEventListener("abort", forced);
  const { code, signal } = await child.ended;
  stopping.removeEventListener("abort", graceful);
  force.removeEventListener("abort", forced);
  if (code === 0 && signal === null) return true;
  parts.report({ kind: "worker_died", pid: child.pid, code, signal });
  return false;
}
