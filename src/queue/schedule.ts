// Schedules as values, and the rules of when they fire. Pure: clock, calendar and store are passed
// in. A step decides one thing at a time; whoever fires asks again until there is none.
import type { NewJob } from "./enqueue.ts";
import { QueueError } from "./errors.ts";
import { hasEnded, type Job } from "./job.ts";

/** What becomes of the times at which no `start` ran. */
export const MISSED = ["last", "skip", "all"] as const;
export type Missed = typeof MISSED[number];

/** What becomes of a time at which the job of the one before has not ended. */
export const OVERLAP = ["skip", "allow"] as const;
export type Overlap = typeof OVERLAP[number];

/** When a schedule falls due. */
export type When =
  | { readonly kind: "cron"; readonly pattern: string }
  /** Counted from when the schedule was added; at least one second, so that each id is new. */
  | { readonly kind: "every"; readonly seconds: number };

/** The jobs that a schedule makes: what `enqueue` takes, with times counted from the firing. */
export type ScheduledJob =
  & Omit<NewJob, "id" | "runAt" | "schedule" | "after" | "afterAny" | "startBy">
  & {
    /** Seconds. */
    readonly delay?: number | undefined;
    /** Seconds. */
    readonly startBy?: number | undefined;
  };

/** What was asked for. */
export interface Schedule {
  readonly name: string;
  readonly when: When;
  /** The name of a time zone. */
  readonly tz: string;
  readonly missed: Missed;
  readonly overlap: Overlap;
  /** Milliseconds since 1970, as all times of the domain. */
  readonly createdAt: number;
  readonly job: ScheduledJob;
}

/** What has become of it. */
export interface ScheduleState {
  readonly paused: boolean;
  /** All times up to this one are settled: fired, skipped, or owed. */
  readonly since: number;
  /** Missed times that are still to be fired, oldest first: with `--missed all`. */
  readonly owed: readonly number[];
  /** The last time that was fired, and its job. */
  readonly lastAt: number | null;
  readonly lastJobId: string | null;
  /** How many times were skipped because the job before had not ended, and the last of them. */
  readonly skipped: number;
  readonly lastSkippedAt: number | null;
}

export interface ScheduleEntry {
  readonly schedule: Schedule;
  readonly state: ScheduleState;
}

/** The times of a schedule. Made by `recurrenceOf` in schedule_times.ts. */
export interface Recurrence {
  /** The first time after `time`; undefined if there is none. */
  after(time: number): number | undefined;
}

/** At most so many missed times are caught up, the newest. */
export const MOST_OWED = 1000;

/** An id is at most 128 characters, of which `-20261124T203000Z` are 17. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,110}$/;

/** Whether `name` may be the name of a schedule: the ids of its jobs begin with it. */
export function isScheduleName(name: string): boolean {
  return NAME.test(name);
}

/** The id of the job for one time: since an id is taken once only, a time is fired once only. */
export function firedJobId(name: string, at: number): string {
  return `${name}-${new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}

/** A schedule that is put in the place of `before`, if there is one. */
export function scheduled(
  schedule: Schedule,
  before: ScheduleEntry | undefined,
  replace: boolean,
): ScheduleEntry | QueueError {
  if (before !== undefined && !replace) {
    return new QueueError("duplicate_id", `The schedule "${schedule.name}" exists`, {
      hint: "To put this one in its place, give --replace",
    });
  }
  const { paused = false, lastAt = null, lastJobId = null } = before?.state ?? {};
  // Times that were before it was added are none of its own.
  const since = schedule.createdAt;
  return {
    schedule,
    state: { paused, since, owed: [], lastAt, lastJobId, skipped: 0, lastSkippedAt: null },
  };
}

/** No time is fired from now on. */
export function paused({ schedule, state }: ScheduleEntry): ScheduleEntry {
  return { schedule, state: { ...state, paused: true } };
}

/**
 * Goes on with the first time after `now`: those of the pause are none that were missed, since
 * somebody wanted it so. One that is not paused stays as it is.
 */
export function resumed({ schedule, state }: ScheduleEntry, now: number): ScheduleEntry {
  return state.paused
    ? { schedule, state: { ...state, paused: false, since: now, owed: [] } }
    : { schedule, state };
}

/** What is to be done next. */
export type Step =
  /** A job is made for the time `at`. `caughtUp`: one that is owed. */
  | {
    readonly kind: "fire";
    readonly at: number;
    readonly caughtUp: boolean;
    readonly state: ScheduleState;
  }
  /** None is, because the job of the one before has not ended. */
  | { readonly kind: "skip"; readonly at: number; readonly state: ScheduleState }
  /** Missed times were settled without a job. */
  | { readonly kind: "settle"; readonly state: ScheduleState };

export interface Facts {
  readonly now: number;
  /** Since when somebody has been there to fire: what was due before is missed. */
  readonly aliveSince: number;
  /** Whether the last job of the schedule has not ended. */
  readonly busy: boolean;
}

/** The next step for a schedule; undefined if nothing is to be done now. */
export function nextStep(
  { schedule, state }: ScheduleEntry,
  recurrence: Recurrence,
  { now, aliveSince, busy }: Facts,
): Step | undefined {
  if (state.paused) return undefined;
  let due = recurrence.after(state.since);
  if (due !== undefined && due <= now && due < aliveSince) {
    const latest = latestTime(recurrence, state.since, Math.min(now, aliveSince - 1))!;
    if (schedule.missed === "skip") return { kind: "settle", state: { ...state, since: latest } };
    if (schedule.missed === "all") {
      const newest = newestTimes(recurrence, state.since, latest, MOST_OWED);
      const owed = [...state.owed, ...newest].slice(-MOST_OWED);
      return { kind: "settle", state: { ...state, since: latest, owed } };
    }
    due = latest;
  }
  const [oldest, ...owed] = state.owed;
  if (oldest !== undefined && !busy) {
    const after = fired(schedule, { ...state, owed }, oldest);
    return { kind: "fire", at: oldest, caughtUp: true, state: after };
  }
  if (due === undefined || due > now) return undefined;
  if (busy && schedule.overlap === "skip") {
    const skipped = state.skipped + 1;
    return {
      kind: "skip",
      at: due,
      state: { ...state, since: due, skipped, lastSkippedAt: due },
    };
  }
  const after = fired(schedule, { ...state, since: due }, due);
  return { kind: "fire", at: due, caughtUp: false, state: after };
}

function fired(schedule: Schedule, state: ScheduleState, at: number): ScheduleState {
  return { ...state, lastAt: at, lastJobId: firedJobId(schedule.name, at) };
}

/** Whether a job keeps the next one from being made. */
export function isUnfinished(job: Job | undefined): boolean {
  return job !== undefined && !hasEnded(job);
}

/** When a schedule wants to be looked at next: now if it owes jobs; undefined if never. */
export function nextLook({ state }: ScheduleEntry, recurrence: Recurrence): number | undefined {
  if (state.paused) return undefined;
  return state.owed.length > 0 ? -Infinity : recurrence.after(state.since);
}

/** The next `count` times that will be fired, given that it is not paused. */
export function nextTimes(
  { state }: ScheduleEntry,
  recurrence: Recurrence,
  now: number,
  count: number,
): number[] {
  const times: number[] = [];
  // With a clock that was set back, those that have been fired do not come again.
  for (let time = Math.max(now, state.since); times.length < count;) {
    const next = recurrence.after(time);
    if (next === undefined) break;
    times.push(time = next);
  }
  return times;
}

/**
 * The last time after `from` and not after `to`; undefined if there is none. Asks for some forty
 * times at most, however many there are between.
 * @param guess how far before `to` it may be, in milliseconds
 */
export function latestTime(
  recurrence: Recurrence,
  from: number,
  to: number,
  guess = 60_000,
): number | undefined {
  const next = (time: number) => {
    const found = recurrence.after(time);
    return found === undefined || found > to ? undefined : found;
  };
  let [low, high] = [from, to];
  let latest: number | undefined;
  for (let step = guess; latest === undefined; step *= 2) {
    low = Math.max(from, to - step);
    latest = next(low);
    if (latest === undefined) {
      if (low === from) return undefined;
      high = low;
    }
  }
  // There is none after `high`; `latest` is one.
  high = Math.max(high, latest);
  for (;;) {
    const later = next(latest);
    if (later === undefined) return latest;
    latest = later;
    const middle = Math.floor((latest + high) / 2);
    const found = next(middle);
    if (found === undefined) high = Math.max(middle, latest);
    else latest = found;
  }
}

/** The last `most` times after `from` up to `to`, in order. */
function newestTimes(
  recurrence: Recurrence,
  from: number,
  to: number,
  most: number,
): number[] {
  const times: number[] = [];
  let gap = 60_000;
  for (let end = to; times.length < most;) {
    const time = latestTime(recurrence, from, end, gap);
    if (time === undefined) break;
    gap = Math.max(1000, (times.at(-1) ?? time) - time + 1);
    times.push(time);
    end = time - 1;
  }
  return times.reverse();
}
