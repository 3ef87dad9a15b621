// Jobs that wait for others, as rules. Pure.
//
// A blocked job keeps in its own record which of the others count already (`met`): what has ended
// in time counts for good, also when it is retried or cleaned up later. Nothing looks at blocked
// jobs one by one: a store keeps, for each job, who waits for it, and applies `settled` to those
// when it has ended or is removed. Each of those steps is one change of one job, so several
// processes may take them at once, and who comes late changes nothing. Cancelling goes on down the
// line, since a job that is cancelled has ended, too. A dead job settles nothing for those that
// need its success: they wait until a person retries or removes it.
import type { Job, JobRequest, JobState } from "./job.ts";
import { expired, hasExpired } from "./start_by.ts";
import { cancelled, unblocked } from "./transitions.ts";
import { QueueError } from "./errors.ts";

/** How a job that others wait for stands. */
export type Fate = JobState | "removed";

export function fateOf(job: Job | undefined): Fate {
  return job === undefined ? "removed" : job.status.state;
}

/** Whether nothing more becomes of a job by itself. */
export function isFinal(fate: Fate): boolean {
  return fate === "completed" || fate === "dead" || fate === "cancelled" || fate === "removed";
}

/** A job that another one waits for. */
export interface Awaited {
  readonly id: string;
  /** Whether it may end whichever way. */
  readonly any: boolean;
}

/** All that a job waits for, or has waited for. */
export function awaitedBy({ after, afterAny }: JobRequest): Awaited[] {
  return [
    ...after.map((id) => ({ id, any: false })),
    ...afterAny.filter((id) => !after.includes(id)).map((id) => ({ id, any: true })),
  ];
}

/** What a job still waits for. */
export function stillAwaitedBy(job: Job): Awaited[] {
  if (job.status.state !== "blocked") return [];
  const met = new Set(job.status.met);
  return awaitedBy(job).filter(({ id }) => !met.has(id));
}

/** What the fate of one that is awaited means: it counts, nothing yet, or that all is in vain. */
export function meaningOf({ any }: Pick<Awaited, "any">, fate: Fate): "met" | "wait" | "vain" {
  if (!isFinal(fate)) return "wait";
  if (any || fate === "completed") return "met";
  return fate === "dead" ? "wait" : "vain";
}

/** The job when `id` stands so; the same job if that means nothing to it, or nothing yet. */
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

/** A job without what it waited for, if those have all ended well by now: for stores that keep all. */
export function settledAll(job: Job, find: (id: string) => Job | undefined, now: number): Job {
  return stillAwaitedBy(job).reduce(
    (one, { id }) => settled(one, id, fateOf(find(id)), now),
    job,
  );
}

/**
 * Ids that wait for one another in a circle, the first one again at the end; undefined if none do.
 * @param waitsFor the ids that each one waits for
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
