// Changes of many jobs, step by step, so that others have their turn and progress can be told.
import { cancelJob } from "../queue/cancel_job.ts";
import { QueueError } from "../queue/errors.ts";
import type { JobState } from "../queue/job.ts";
import { removeEnded, type Results, retryEnded } from "../queue/operations.ts";
import type { Counts, JobStore, Query } from "../queue/store.ts";
import { Turns } from "../system/turns.ts";
import type { Target } from "./bulk_target.ts";
import { cancelParts } from "./cancel_parts.ts";
import type { ChangeProgress, Verb, Work } from "./changes.ts";
import { forMilliseconds } from "./deadline.ts";
import { queryOf, within } from "./filter.ts";
import { type Parts, withJobs } from "./parts.ts";

/** Milliseconds for which a count looks at jobs. */
const COUNTING = 10_000;
/** Running jobs that are called off at once: each takes until it has ended. */
const AT_ONCE = 50;

const ENDED: readonly JobState[] = ["completed", "dead", "cancelled"];
/** The running ones last: to end them takes time, in which others would begin. */
const UNENDED: readonly JobState[] = ["pending", "blocked", "failed", "processing"];

/** Finds the jobs that are meant, and changes one after the other. */
export function changeOf(verb: Verb, target: Target, parts: Parts): Work {
  return async (progress) => {
    try {
      await withJobs(parts, async (jobs) => {
        const ids = await idsOf(parts, jobs, verb, target, progress);
        if (progress.stop.aborted) return;
        progress.begins();
        if (verb === "cancel") await cancelEach(parts, jobs, ids, progress);
        else await changeEach(jobs, ids, verb === "retry" ? retryEnded : removeEnded, progress);
      });
    } finally {
      for (const one of Object.values(parts.remembered)) one.forget();
    }
  };
}

function queryFor(verb: Verb, target: Target, now: number): Query | undefined {
  if (target.filter === undefined) return undefined;
  return within(queryOf(target.filter, now), verb === "cancel" ? UNENDED : ENDED);
}

/** How many jobs are meant; `complete` is false if time ended the count. */
export async function countMeant(parts: Parts, verb: Verb, target: Target) {
  const query = queryFor(verb, target, parts.now());
  if (query === undefined) return { matched: target.ids!.length, complete: true };
  const { states = [], ...more } = query;
  if (Object.keys(more).length === 0) {
    const counts: Counts = await parts.remembered.counts.get();
    return { matched: states.reduce((sum, state) => sum + counts[state], 0), complete: true };
  }
  return await forMilliseconds(COUNTING, async (signal) => {
    let matched = 0;
    for await (const _ of parts.jobs.list(query, { signal, passed: () => {} })) matched++;
    return { matched, complete: !signal.aborted };
  });
}

/** The ids of all that are meant, by states in the order given. */
async function idsOf(
  { now }: Parts,
  jobs: JobStore,
  verb: Verb,
  target: Target,
  progress: ChangeProgress,
): Promise<string[]> {
  const query = queryFor(verb, target, now());
  const ids = new Set<string>(target.ids);
  const watching = { signal: progress.stop, passed: () => {} };
  if (query === undefined) ids.forEach(() => progress.found());
  for (const state of query?.states ?? []) {
    const wanted = { ...query, states: [state] };
    for await (const { id } of jobs.list(wanted, watching)) {
      if (ids.has(id)) continue;
      ids.add(id);
      progress.found();
    }
  }
  return [...ids];
}

async function changeEach(
  jobs: JobStore,
  ids: readonly string[],
  act: (jobs: JobStore, ids: string[]) => Promise<Results>,
  progress: ChangeProgress,
): Promise<void> {
  const turns = new Turns();
  for (const id of ids) {
    if (progress.stop.aborted) return;
    const { refused: [why] } = await act(jobs, [id]);
    if (why === undefined) progress.done();
    else progress.refused(why);
    await turns.give();
  }
}

async function cancelEach(
  parts: Parts,
  jobs: JobStore,
  ids: readonly string[],
  progress: ChangeProgress,
): Promise<void> {
  const tools = cancelParts({ ...parts, ending: progress.stop }, jobs);
  const left = ids.values();
  const turns = new Turns();
  const cancelOnes = async () => {
    for (const id of left) {
      if (progress.stop.aborted) return;
      try {
        await cancelJob(tools, id);
        progress.done();
      } catch (error) {
        if (progress.stop.aborted) return;
        if (!(error instanceof QueueError)) throw error;
        progress.refused(error);
      }
      await turns.give();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, cancelOnes));
}
