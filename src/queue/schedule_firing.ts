// Fires what is due: applies the rules of schedule.ts to a store, step by step.
import { type JobDefaults, makeJob } from "./enqueue.ts";
import { QueueError } from "./errors.ts";
import type { Job } from "./job.ts";
import {
  type Facts,
  isUnfinished,
  nextLook,
  nextStep,
  paused,
  type Recurrence,
  resumed,
  type Schedule,
  scheduled,
  type ScheduleEntry,
  type Step,
} from "./schedule.ts";
import { firedJobId } from "./schedule_ids.ts";
import type { Decide, Firing, ScheduleStore } from "./schedule_store.ts";
import { unlessExpired } from "./start_by.ts";
import type { JobStore } from "./store.ts";

export interface FiringParts extends Pick<Facts, "now" | "aliveSince"> {
  recurrenceOf(schedule: Schedule): Promise<Recurrence>;
  settings(): Promise<JobDefaults["settings"]>;
}

/** What one step did, except for steps that only settle missed times. */
export interface Fired {
  readonly name: string;
  readonly step: Exclude<Step, { kind: "settle" }>;
  readonly jobId: string | null;
  /** The job that holds the unique key, if that is why none was enqueued. */
  readonly holder: string | null;
}

/**
 * Fires all times of one schedule that are due now, and calls `tell` after each step.
 *
 * @returns the schedule afterwards; undefined if nothing was done
 */
export async function fireDue(
  store: ScheduleStore,
  name: string,
  parts: FiringParts,
  tell: (fired: Fired) => void,
): Promise<ScheduleEntry | undefined> {
  let latest: ScheduleEntry | undefined;
  for (;;) {
    let done: Step | undefined;
    const after = await store.fire(name, async (entry, seen, change) => {
      const last = seen && await unlessExpired(seen, change, parts.now);
      const recurrence = await parts.recurrenceOf(entry.schedule);
      const step = nextStep(entry, recurrence, { ...parts, busy: isUnfinished(last) });
      if (step === undefined) return undefined;
      done = step;
      const job = step.kind === "fire" ? await jobFor(entry.schedule, step.at, parts) : undefined;
      return { state: step.state, job };
    });
    if (after === undefined || done === undefined) return latest;
    latest = after;
    if (done.kind === "skip") tell({ name, step: done, jobId: null, holder: null });
    if (done.kind === "fire") {
      const { lastJobId } = after.state;
      const isTaken = lastJobId !== done.state.lastJobId;
      const [jobId, holder] = isTaken ? [null, lastJobId] : [lastJobId, null];
      tell({ name, step: done, jobId, holder });
    }
    const next = nextLook(after, await parts.recurrenceOf(after.schedule));
    if (next === undefined || next > parts.now) return latest;
  }
}

async function jobFor(schedule: Schedule, at: number, parts: FiringParts): Promise<Job> {
  const defaults = { settings: await parts.settings(), now: parts.now };
  return scheduledJob(schedule, firedJobId(schedule.name, at), defaults);
}

/** Makes a job of a schedule, to be enqueued now. */
export function scheduledJob(
  { name: schedule, job: { delay, startBy, ...newJob } }: Schedule,
  id: string,
  { settings, now }: Omit<JobDefaults, "newId">,
): Job {
  const after = (seconds: number | undefined) =>
    seconds === undefined ? undefined : now + seconds * 1000;
  const times = { runAt: after(delay), startBy: after(startBy) };
  return makeJob({ ...newJob, ...times, id, schedule }, { settings, now, newId: () => id }, 0);
}

/**
 * Adds a schedule, or replaces the one with the same name.
 *
 * @throws QueueError `duplicate_id`
 */
export function addSchedule(
  store: ScheduleStore,
  schedule: Schedule,
  replace: boolean,
): Promise<ScheduleEntry> {
  return store.put(schedule.name, (before) => scheduled(schedule, before, replace));
}

/** @throws QueueError `not_found` */
export function pauseSchedule(store: ScheduleStore, name: string): Promise<ScheduleEntry> {
  return store.put(name, (before) => before === undefined ? noSchedule(name) : paused(before));
}

/** @throws QueueError `not_found` */
export function resumeSchedule(
  store: ScheduleStore,
  name: string,
  now: number,
): Promise<ScheduleEntry> {
  return store.put(
    name,
    (before) => before === undefined ? noSchedule(name) : resumed(before, now),
  );
}

export function noSchedule(name: string): QueueError {
  return new QueueError("not_found", `No schedule "${name}"`, {
    hint: "List the schedules: queuectl schedule list",
  });
}

/** Asks `decide` about a schedule, with its last job, if that exists. */
export async function decideOn(
  entry: ScheduleEntry,
  jobs: Pick<JobStore, "get" | "change">,
  decide: Decide,
): Promise<Firing | undefined> {
  const { lastJobId } = entry.state;
  const last = lastJobId === null ? undefined : await jobs.get(lastJobId);
  return await decide(entry, last, (to) => jobs.change(last!.id, to));
}
