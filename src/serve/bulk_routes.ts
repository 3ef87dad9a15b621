// Routes that change all jobs that fit a filter: on the server, with a count before and after.
import { cancelJob } from "../queue/cancel_job.ts";
import { QueueError } from "../queue/errors.ts";
import { isJobId, type JobState } from "../queue/job.ts";
import { removeEnded, type Results, retryEnded } from "../queue/operations.ts";
import type { Counts, JobStore, Query } from "../queue/store.ts";
import { Turns } from "../system/turns.ts";
import { json } from "./answer.ts";
import { forMilliseconds } from "./deadline.ts";
import { type Filter, queryOf, within } from "./filter.ts";
import { cancelParts, FILTERS } from "./job_routes.ts";
import { type Parts, withJobs } from "./parts.ts";
import type { Asked, Route } from "./route.ts";
import { ref } from "./schemas.ts";

/** Milliseconds for which a count looks at jobs. */
const COUNTING = 10_000;
const MOST_IDS = 1000;
/** Refusals that are told. */
const TOLD = 20;
/** Running jobs that are called off at once: each takes until it has ended. */
const AT_ONCE = 50;

const ENDED: readonly JobState[] = ["completed", "dead", "cancelled"];
/** The running ones last: to end them takes time, in which others would begin. */
const UNENDED: readonly JobState[] = ["pending", "blocked", "failed", "processing"];

type Act = (parts: Parts, jobs: JobStore, ids: readonly string[]) => Promise<Results>;

export const BULK_ROUTES: readonly Route[] = [
  bulk("retry", "Put all ended jobs back that fit", ENDED, inTurns(retryEnded)),
  bulk(
    "remove",
    "Remove all ended jobs that fit, with history and logs",
    ENDED,
    inTurns(removeEnded),
  ),
  bulk("cancel", "Call all jobs off that fit and have not ended", UNENDED, cancelAll),
];

function bulk(verb: string, summary: string, states: readonly JobState[], act: Act): Route {
  return {
    method: "POST",
    path: `/api/jobs/${verb}`,
    summary,
    body: ref("Bulk"),
    answer: { schema: ref("BulkDone") },
    isLong: true,
    handle: (asked, parts) => changeAll(asked, parts, states, act),
  };
}

async function changeAll(
  { body }: Asked,
  parts: Parts,
  states: readonly JobState[],
  act: Act,
): Promise<Response> {
  const { filter, ids, isDry } = wishOf(body);
  const query = filter === undefined ? undefined : within(queryOf(filter, parts.now()), states);
  const nothing = { complete: true, done: 0, refused: 0, refusals: [] };
  if (isDry) {
    const counted = query === undefined
      ? { matched: ids!.length, complete: true }
      : await count(parts, query);
    return json({ ...nothing, ...counted });
  }
  return await withJobs(parts, async (jobs) => {
    const matched = query === undefined ? ids! : await idsOf(jobs, query, parts.ending);
    const { done, refused } = await act(parts, jobs, matched);
    const refusals = refused.slice(0, TOLD)
      .map(({ message, hint = null }) => ({ message, hint }));
    return json({
      matched: matched.length,
      complete: !parts.ending.aborted,
      done: done.length,
      refused: refused.length,
      refusals,
    });
  });
}

interface Wish {
  readonly filter: Filter | undefined;
  readonly ids: readonly string[] | undefined;
  readonly isDry: boolean;
}

/** @throws QueueError `usage` */
function wishOf(body: unknown): Wish {
  const { filter, ids, dry_run = false, ...unknown } = objectIn("the body", body);
  mustBeKnown("", unknown);
  if ((filter === undefined) === (ids === undefined)) {
    throw new QueueError("usage", 'Either "filter" or "ids" is needed', {
      hint: '"filter": {} means all',
    });
  }
  if (typeof dry_run !== "boolean") throw new QueueError("usage", "dry_run takes true or false");
  const isDry = dry_run;
  if (filter === undefined) {
    const isFine = Array.isArray(ids) && ids.length <= MOST_IDS && ids.every(isWholeId);
    if (isFine) return { filter, ids: [...new Set(ids as string[])], isDry };
    throw new QueueError("usage", `ids takes a list of whole ids, at most ${MOST_IDS}`);
  }
  const fields = objectIn("filter", filter);
  const wish: Record<string, string> = {};
  for (const { name } of FILTERS) {
    const { [name]: value } = fields;
    delete fields[name];
    if (value === undefined) continue;
    if (typeof value !== "string") throw new QueueError("usage", `filter.${name} takes text`);
    wish[name] = value;
  }
  mustBeKnown("filter.", fields);
  return { filter: wish, ids: undefined, isDry };
}

function isWholeId(id: unknown): boolean {
  return typeof id === "string" && isJobId(id);
}

function objectIn(what: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new QueueError("usage", `${what} takes an object`);
}

function mustBeKnown(where: string, unknown: Readonly<Record<string, unknown>>): void {
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw new QueueError("usage", `unknown field "${where}${name}"`);
}

/** How many jobs fit; `complete` is false if time ended the count. */
async function count({ jobs, remembered }: Parts, query: Query) {
  const { states = [], ...more } = query;
  if (Object.keys(more).length === 0) {
    const counts: Counts = await remembered.counts.get();
    return { matched: states.reduce((sum, state) => sum + counts[state], 0), complete: true };
  }
  return await forMilliseconds(COUNTING, async (signal) => {
    let matched = 0;
    for await (const _ of jobs.list(query, { signal, passed: () => {} })) matched++;
    return { matched, complete: !signal.aborted };
  });
}

/** The ids of all that fit, by states in the order given. */
async function idsOf(jobs: JobStore, query: Query, signal: AbortSignal): Promise<string[]> {
  const ids = new Set<string>();
  for (const state of query.states ?? []) {
    const wanted = { ...query, states: [state] };
    for await (const { id } of jobs.list(wanted, { signal, passed: () => {} })) ids.add(id);
  }
  return [...ids];
}

/** One after the other, so that other requests have their turn between. */
function inTurns(act: (jobs: JobStore, ids: string[]) => Promise<Results>): Act {
  return async ({ ending }, jobs, ids) => {
    const [done, refused]: [string[], QueueError[]] = [[], []];
    const turns = new Turns();
    for (const id of ids) {
      if (ending.aborted) break;
      const results = await act(jobs, [id]);
      done.push(...results.done);
      refused.push(...results.refused);
      await turns.give();
    }
    return { done, refused };
  };
}

async function cancelAll(parts: Parts, jobs: JobStore, ids: readonly string[]): Promise<Results> {
  const tools = cancelParts(parts, jobs);
  const [done, refused]: [string[], QueueError[]] = [[], []];
  const left = ids.values();
  const turns = new Turns();
  const cancelOnes = async () => {
    for (const id of left) {
      if (parts.ending.aborted) return;
      try {
        await cancelJob(tools, id);
        done.push(id);
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        refused.push(error);
      }
      await turns.give();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, cancelOnes));
  return { done, refused };
}
