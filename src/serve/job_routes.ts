// Routes of jobs: the list, one, its graph; enqueueing, and what is done to one.
import { cancelJob } from "../queue/cancel_job.ts";
import { awaitedBy } from "../queue/dependencies.ts";
import { enqueueRelated } from "../queue/enqueue_related.ts";
import { findJob } from "../queue/find_job.ts";
import { attemptsBegun, type Job } from "../queue/job.ts";
import { isoTime } from "../queue/job_json.ts";
import { removeEnded, type Results, retryEnded } from "../queue/operations.ts";
import { isOrphaned } from "../queue/status.ts";
import type { Arrival, JobReader, JobStore } from "../queue/store.ts";
import { shownJob } from "../view/json.ts";
import { json, Problem } from "./answer.ts";
import { cancelParts } from "./cancel_parts.ts";
import { arrivalOf, cursorOf } from "./cursor.ts";
import { forMilliseconds } from "./deadline.ts";
import { queryOf } from "./filter.ts";
import { FILTERS } from "./filters.ts";
import { listedWithEnd } from "./listed.ts";
import { type Parts, withJobs } from "./parts.ts";
import type { Asked, Route } from "./route.ts";
import { ref } from "./schemas.ts";

const PAGE = 50;
const MOST = 500;
/** Of the attempts of a job, the logs of so many are named, the last. */
const LOGS = 100;
const MOST_NODES = 300;

const DONE = { schema: ref("Done") };

export const JOB_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/jobs",
    summary: "List jobs, the newest first, page by page",
    query: [
      ...FILTERS,
      { name: "limit", kind: "whole", max: MOST, about: `At most so many; ${PAGE} if left out` },
      { name: "cursor", about: "next_cursor of the page before" },
    ],
    answer: { schema: ref("Jobs") },
    handle: listJobs,
  },
  {
    method: "GET",
    path: "/api/failures",
    summary: "List jobs that are dead or wait for a retry, the last failure first",
    query: [{ name: "limit", kind: "whole", max: MOST, about: "At most so many; 10 if left out" }],
    answer: { schema: ref("Failures") },
    handle: async ({ query }, { jobs }) =>
      json({ jobs: (await jobs.lastFailures(query.whole("limit") ?? 10)).map(listedWithEnd) }),
  },
  {
    method: "POST",
    path: "/api/jobs",
    summary: "Enqueue a job",
    body: ref("NewJob"),
    answer: { status: 201, schema: ref("Enqueued") },
    enqueues: true,
    handle: enqueueJob,
  },
  {
    method: "GET",
    path: "/api/jobs/{id}",
    summary: "Show everything about a job",
    answer: { schema: ref("JobPage") },
    handle: showJob,
  },
  {
    method: "GET",
    path: "/api/jobs/{id}/graph",
    summary: "Show what a job waits for, and what waits for it",
    answer: { schema: ref("Graph") },
    handle: showGraph,
  },
  {
    method: "POST",
    path: "/api/jobs/{id}/cancel",
    summary: "Call a job off; a running one is ended first",
    body: ref("Nothing"),
    answer: DONE,
    isLong: true,
    handle: (asked, parts) =>
      change(asked, parts, async (jobs, id) => await cancelJob(cancelParts(parts, jobs), id)),
  },
  {
    method: "POST",
    path: "/api/jobs/{id}/retry",
    summary: "Put an ended job back",
    body: ref("Nothing"),
    answer: DONE,
    handle: (asked, parts) =>
      change(asked, parts, async (jobs, id) => mustBeDone(await retryEnded(jobs, [id]))),
  },
  {
    method: "POST",
    path: "/api/jobs/{id}/remove",
    summary: "Remove an ended job, with history and logs",
    body: ref("Nothing"),
    answer: DONE,
    handle: (asked, parts) =>
      change(asked, parts, async (jobs, id) => mustBeDone(await removeEnded(jobs, [id]))),
  },
];

async function listJobs({ query }: Asked, { jobs, now, searchTime }: Parts): Promise<Response> {
  const limit = query.whole("limit") ?? PAGE;
  const cursor = query.text("cursor");
  const wanted = {
    ...queryOf(Object.fromEntries(FILTERS.map(({ name }) => [name, query.text(name)])), now()),
    ...(cursor !== undefined && { before: arrivalOf(cursor) }),
    limit: limit + 1, // the one more tells that there is another page
  };
  const found: Job[] = [];
  let at: Arrival | undefined;
  const isCut = await forMilliseconds(searchTime, async (signal) => {
    for await (const job of jobs.list(wanted, { signal, passed: (here) => at = here })) {
      found.push(job);
    }
    return signal.aborted && found.length <= limit;
  });
  if (isCut && at === undefined) {
    throw new Problem(503, "unfinished", "It takes too long to look through all jobs", {
      hint: "Narrow it down, by state, queue or time",
    });
  }
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : isCut ? at : undefined;
  return json({
    jobs: page.map(listedWithEnd),
    next_cursor: last === undefined ? null : cursorOf(last),
    looked_to: isCut ? isoTime(at!.createdAt) : null,
  });
}

async function enqueueJob({ body }: Asked, parts: Parts): Promise<Response> {
  const { now, newId, store } = parts;
  const time = now();
  const newJob = await parts.readNewJob(JSON.stringify(body), time);
  const settings = await (await store.settings()).load();
  const id = newJob.id ?? newId();
  const { job, remark } = await withJobs(
    parts,
    (jobs) => enqueueRelated(jobs, { ...newJob, id }, { settings, now: time, newId }),
  );
  const enqueued = job.id === id;
  return json({ id: job.id, enqueued, remark: remark ?? null }, enqueued ? 201 : 200);
}

async function showJob({ path }: Asked, { jobs, store }: Parts): Promise<Response> {
  const job = await findJob(jobs, path.id!);
  const reader = await store.logs();
  const logs = [];
  const last = attemptsBegun(job);
  for (let attempt = Math.max(1, last - LOGS + 1); attempt <= last; attempt++) {
    const size = await reader.size(job.id, attempt);
    if (size !== undefined) logs.push({ attempt, size });
  }
  const orphaned = await isOrphaned(await store.workers(), job);
  return json({ ...shownJob(job, false), orphaned, logs });
}

async function showGraph({ path }: Asked, { jobs }: Parts): Promise<Response> {
  const { id } = await findJob(jobs, path.id!);
  return json(await graphOf(jobs, id));
}

/** All that hangs together with a job, up to so many, the nearest first. */
async function graphOf(jobs: JobReader, first: string) {
  const nodes = new Map<string, Job | undefined>();
  const edges = new Map<string, { from: string; to: string; any: boolean }>();
  const waiting = [first];
  let cut = false;
  for (let id; (id = waiting.shift()) !== undefined;) {
    if (nodes.has(id)) continue;
    if (nodes.size >= MOST_NODES) {
      cut = true;
      break;
    }
    const job = await jobs.get(id);
    nodes.set(id, job);
    const awaited = job === undefined ? [] : awaitedBy(job);
    for (const { id: from, any } of awaited) edges.set(`${from} ${id}`, { from, to: id, any });
    waiting.push(...awaited.map((one) => one.id), ...(await jobs.dependentsOf(id)).sort());
  }
  return {
    nodes: [...nodes].map(([id, job]) => ({
      id,
      command: job?.command ?? null,
      state: job?.status.state ?? null,
    })),
    edges: [...edges.values()].filter(({ from, to }) => nodes.has(from) && nodes.has(to)),
    cut,
  };
}

/** Does something to the job that the path names. */
async function change(
  { path }: Asked,
  parts: Parts,
  act: (jobs: JobStore, id: string) => Promise<void>,
): Promise<Response> {
  return await withJobs(parts, async (jobs) => {
    const { id } = await findJob(jobs, path.id!);
    await act(jobs, id);
    return json({ id });
  });
}

function mustBeDone({ refused }: Results): void {
  if (refused[0] !== undefined) throw refused[0];
}
