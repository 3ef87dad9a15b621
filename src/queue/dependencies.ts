// The rules of jobs that wait for other jobs. Pure.
//
// A blocked job's own record says which of the jobs it waits for count as met (`met`). They count
// for good, even if they are retried or cleaned up later. Nothing scans all blocked jobs: for each
// job, a store keeps which jobs wait for it, and applies `settled` to those when it has ended or is
// removed. Each step is one change of one job, so several processes may do them at the same time,
// and a repeated step changes nothing. Cancelling passes on to dependents, since a cancelled job
// has ended too. A dead job changes nothing for jobs that need its success: they wait until a
// person retries or removes it.
import type { Job, JobRequest, JobState } from "./job.ts";
import { expired, hasExpired } from "./start_by.ts";
import { cancelled, unblocked } from "./transitions.ts";
import { QueueError } from "./errors.ts";

/** The state of a job that others wait for, or that it was removed. */
export type Fate = JobState | "removed";

export function fateOf(job: Job | undefined): Fate {
  return job === undefined ? "removed" : job.status.state;
}

/** Whether a job stays as it is unless a person changes it. */
export function isFinal(fate: Fate): boolean {
  return fate === "completed" || fate === "dead" || fate === "cancelled" || fate === "removed";
}

/** A job that another one waits for. */
export interface Awaited {
  readonly id: string;
  /** Whether it may end in any way (`--after-any`). */
  readonly any: boolean;
}

/** All jobs that a job waits for, or has waited for. */
export function awaitedBy({ after, afterAny }: JobRequest): Awaited[] {
  return [
    ...after.map((id) => ({ id, any: false })),
    ...afterAny.filter((id) => !after.includes(id)).map((id) => ({ id, any: true })),
  ];
}

/** The jobs that a job still waits for. */
export function stillAwaitedBy(job: Job): Awaited[] {
  if (job.status.state !== "blocked") return [];
  const met = new Set(job.status.met);
  return awaitedBy(job).filter(({ id }) => !met.has(id));
}

/**
 * What the fate of an awaited job means for the one that waits: it is met, it still has to wait, or
 * it waits in vain.
 */
export function meaningOf({ any }: Pick<Awaited, "any">, fate: Fate): "met" | "wait" | "vain" {
  if (!isFinal(fate)) return "wait";
  if (any || fate === "completed") return "met";
  return fate === "dead" ? "wait" : "vain";
}

/** The job after learning the fate of `id`; the same object if that changes nothing. */
export function settled(job: Job, id: string, fate: Fate, now: number): Job {
  const { status } = job;
  const awaited = stillAwaitedBy(job);
  const one = awaited.find((other) => other.id === id);
  if (status.state !== "blocked" || one === undefined) return job;
  switch (meaningOf(one, fate)) {
    case "wait":
      return job;
    case "vain":
      return must(cancelled(job, now, `job "${id}" was ${fate}`));
    case "met": {
      const met = { ...job, status: { ...status, met: [...status.met, id] } };
      if (awaited.length > 1) return met;
      return must(hasExpired(met, now) ? expired(met, now) : unblocked(met, now));
    }
  }
}

/**
 * Applies `settled` for every job that this one still waits for. For stores that have all jobs at
 * hand.
 */
export function settledAll(job: Job, find: (id: string) => Job | undefined, now: number): Job {
  return stillAwaitedBy(job).reduce(
    (one, { id }) => settled(one, id, fateOf(find(id)), now),
    job,
  );
}

/**
 * Ids of jobs that wait for one another in a circle, with the first one again at the end; undefined
 * if there is no circle.
 *
 * @param waitsFor for each id, the ids that it waits for
 */
export function findCircle(
  waitsFor: ReadonlyMap<string, readonly string[]>,
): string[] | undefined {
  const done = new Set<string>();
  for (const start of waitsFor.keys()) {
    const path: string[] = [];
    const onPath = new Set<string>();
    const stack = [{ id: start, next: 0 }];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      if (top.next === 0) {
        if (onPath.has(top.id)) return [...path.slice(path.indexOf(top.id)), top.id];
        if (done.has(top.id)) {
          stack.pop();
          continue;
        }
        path.push(top.id);
        onPath.add(top.id);
      }
      const other = waitsFor.get(top.id)?.[top.next++];
      if (other !== undefined) stack.push({ id: other, next: 0 });
      else {
        done.add(top.id);
        onPath.delete(path.pop()!);
        stack.pop();
      }
    }
  }
  return undefined;
}

function must(result: Job | QueueError): Job {
  if (result instanceof QueueError) throw result;
  return result;
}
