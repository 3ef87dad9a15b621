// Routes of schedules.
import { addOne } from "../queue/enqueue_related.ts";
import type { Job } from "../queue/job.ts";
import { isoTime } from "../queue/job_json.ts";
import { nextTimes, type ScheduleEntry } from "../queue/schedule.ts";
import { isRunJobId, runJobId, runJobPrefix } from "../queue/schedule_ids.ts";
import { pauseSchedule, resumeSchedule, scheduledJob } from "../queue/schedule_firing.ts";
import type { ScheduleStore } from "../queue/schedule_store.ts";
import { recurrenceOf } from "../queue/schedule_times.ts";
import { findSchedule, viewOf } from "../queue/schedule_view.ts";
import type { JobReader } from "../queue/store.ts";
import { scheduleJson } from "../view/schedule_json.ts";
import { json } from "./answer.ts";
import { listedWithEnd } from "./listed.ts";
import { type Parts, withJobs } from "./parts.ts";
import type { Asked, Route } from "./route.ts";
import { listOf } from "./schema.ts";
import { ref } from "./schemas.ts";

/** Times to come, and jobs of the past, that are shown of one. */
const NEXT = 5;
const HISTORY = 20;
const HOUR = 3600_000;

export const SCHEDULE_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/schedules",
    summary: "List schedules, and when they fire next",
    answer: { schema: listOf(ref("Schedule")) },
    handle: listSchedules,
  },
  {
    method: "GET",
    path: "/api/schedules/{name}",
    summary: "Show a schedule, its next times and its last jobs",
    answer: { schema: ref("SchedulePage") },
    handle: showSchedule,
  },
  {
    method: "POST",
    path: "/api/schedules/{name}/run",
    summary: "Enqueue a job of a schedule now, besides",
    body: ref("Nothing"),
    answer: { schema: ref("Enqueued") },
    handle: runSchedule,
  },
  {
    method: "POST",
    path: "/api/schedules/{name}/pause",
    summary: "Let a schedule fire no more",
    body: ref("Nothing"),
    answer: { schema: ref("Schedule") },
    handle: (asked, parts) => change(asked, parts, pauseSchedule),
  },
  {
    method: "POST",
    path: "/api/schedules/{name}/resume",
    summary: "Let a schedule fire again",
    body: ref("Nothing"),
    answer: { schema: ref("Schedule") },
    handle: (asked, parts) =>
      change(asked, parts, (store, name) => resumeSchedule(store, name, parts.now())),
  },
];

async function listSchedules(_: Asked, { store, now }: Parts): Promise<Response> {
  const entries = await (await store.openSchedules()).list();
  return json(await Promise.all(entries.map((entry) => shown(entry, now()))));
}

/** One that is broken has no next time. */
async function shown(entry: ScheduleEntry, now: number) {
  return scheduleJson(await viewOf(entry, now, () => {}), false);
}

async function showSchedule({ path }: Asked, { store, jobs, now }: Parts): Promise<Response> {
  const entry = await findSchedule(await store.openSchedules(), path.name!);
  const { nextAt } = await viewOf(entry, now(), () => {});
  const times = nextAt === undefined
    ? []
    : nextTimes(entry, await recurrenceOf(entry.schedule), now(), NEXT);
  const history = await lastJobs(jobs, entry, now());
  return json({
    ...scheduleJson({ ...entry, nextAt }, false),
    next: times.map(isoTime),
    history: history.map(listedWithEnd),
  });
}

/** The last jobs that a schedule fired or that a user had it enqueue, the newest first. */
async function lastJobs(jobs: JobReader, entry: ScheduleEntry, now: number): Promise<Job[]> {
  const { name } = entry.schedule;
  const found: Job[] = [];
  for (const id of [...await lastFired(jobs, entry, now), ...await lastRun(jobs, name)]) {
    const job = await jobs.get(id);
    if (job?.schedule === name) found.push(job);
  }
  return found.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    .slice(0, HISTORY);
}

async function lastRun(jobs: JobReader, name: string): Promise<string[]> {
  const ids = await jobs.findIdsByPrefix(runJobPrefix(name), Infinity);
  return ids.filter((id) => isRunJobId(name, id)).sort().reverse().slice(0, HISTORY);
}

/**
 * The ids of jobs that a schedule fired begin with its name and the time, so they are looked for by
 * hours, then by days, then by years.
 */
async function lastFired(
  jobs: JobReader,
  { schedule: { name }, state: { lastAt } }: ScheduleEntry,
  now: number,
): Promise<string[]> {
  const ids = new Set<string>();
  const add = async (time: number, digits: number) => {
    const stamp = isoTime(time).replace(/[-:]/g, "").slice(0, digits);
    const found = await jobs.findIdsByPrefix(`${name}-${stamp}`, Infinity);
    for (const id of found.sort().reverse()) ids.add(id);
  };
  const last = lastAt ?? now;
  for (let back = 0; back < 24 && ids.size < HISTORY; back++) await add(last - back * HOUR, 11);
  for (let back = 1; back < 31 && ids.size < HISTORY; back++) await add(last - back * 24 * HOUR, 8);
  for (let year = 0; year < 3 && ids.size < HISTORY; year++) {
    await add(last - year * 365 * 24 * HOUR, 4);
  }
  return [...ids].sort().reverse().slice(0, HISTORY);
}

async function runSchedule({ path }: Asked, parts: Parts): Promise<Response> {
  const { store, now, newId } = parts;
  const { schedule } = await findSchedule(await store.openSchedules(), path.name!);
  const settings = await (await store.settings()).load();
  const time = now();
  const id = runJobId(schedule.name, time, newId());
  const wanted = scheduledJob(schedule, id, { settings, now: time });
  const { job, remark } = await withJobs(parts, (jobs) => addOne(jobs, wanted));
  return json({ id: job.id, enqueued: job.id === wanted.id, remark: remark ?? null });
}

async function change(
  { path }: Asked,
  { store, now }: Parts,
  act: (store: ScheduleStore, name: string) => Promise<ScheduleEntry>,
): Promise<Response> {
  const schedules = await store.openSchedules();
  const { schedule } = await findSchedule(schedules, path.name!);
  return json(await shown(await act(schedules, schedule.name), now()));
}
