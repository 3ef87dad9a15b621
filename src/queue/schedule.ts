// Schedules as values, and the rules of when they fire. Pure: clock, calendar and store are passed
// in. Each step decides one thing; the caller asks for the next step until there is none.
import type { NewJob } from "./enqueue.ts";
import { QueueError } from "./errors.ts";
import { hasEnded, type Job } from "./job.ts";
import { firedJobId } from "./schedule_ids.ts";

/** What to do about times at which no `start` ran. */
export const MISSED = ["last", "skip", "all"] as const;
export type Missed = typeof MISSED[number];

/** What to do about a time at which the previous job has not ended. */
export const OVERLAP = ["skip", "allow"] as const;
export type Overlap = typeof OVERLAP[number];

/** When a schedule falls due. */
export type When =
  | { readonly kind: "cron"; readonly pattern: string }
  /**
   * Counted from when the schedule was added. At least one second, so that every job has a
   * different id.
   */
  | { readonly kind: "every"; readonly seconds: number };

/** The jobs that a schedule makes: the fields of `enqueue`, with times relative to the firing. */
export type ScheduledJob =
  & Omit<NewJob, "id" | "runAt" | "schedule" | "after" | "afterAny" | "startBy">
  & {
    /** Seconds. */
    readonly delay?: number | undefined;
    /** Seconds. */
    readonly startBy?: number | undefined;
  };

/** A schedule as the user defined it. */
export interface Schedule {
  readonly name: string;
  readonly when: When;
  /** The name of a time zone. */
  readonly tz: string;
  readonly missed: Missed;
  readonly overlap: Overlap;
  /** Milliseconds since 1970, like all times here. */
  readonly createdAt: number;
  readonly job: ScheduledJob;
}

/** The state of a schedule. */
export interface ScheduleState {
  readonly paused: boolean;
  /** All times up to this one are done: fired, skipped, or in `owed`. */
  readonly since: number;
  /** Missed times that are still to be fired with `--missed all`, oldest first. */
  readonly owed: readonly number[];
  /** The last time that was fired, and its job (or the job that had its unique key). */
  readonly lastAt: number | null;
  readonly lastJobId: string | null;
  /**
   * How many times were skipped because the previous job, or one with the same key, had not ended;
   * and the last of these times.
   */
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

/** At most this many missed times are caught up, the newest ones. */
export const MOST_OWED = 1000;

/** A job's id has at most 128 characters, and `-20261124T203000Z` takes 17 of them. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,110}$/;

/** Whether `name` is valid as a schedule's name. The ids of its jobs begin with it. */
export function isScheduleName(name: string): boolean {
  return NAME.test(name);
}

/** Adds a schedule, or replaces `before`. */
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
  // Times before the schedule was added do not count.
  const since = schedule.createdAt;
  return {
    schedule,
    state: { paused, since, owed: [], lastAt, lastJobId, skipped: 0, lastSkippedAt: null },
  };
}

/** Pauses a schedule. */
export function paused({ schedule, state }: ScheduleEntry): ScheduleEntry {
  return { schedule, state: { ...state, paused: true } };
}

/**
 * Resumes a schedule with the first time after `now`. Times during the pause do not count as
 * missed, since the pause was wanted. A schedule that is not paused stays as it is.
 */
export function resumed({ schedule, state }: ScheduleEntry, now: number): ScheduleEntry {
  return state.paused
    ? { schedule, state: { ...state, paused: false, since: now, owed: [] } }
    : { schedule, state };
}

/** The next thing to do for a schedule. */
export type Step =
  /** Enqueue a job for the time `at`. `caughtUp`: it is a missed time. */
  | {
    readonly kind: "fire";
    readonly at: number;
    readonly caughtUp: boolean;
    readonly state: ScheduleState;
  }
  /** Skip the time `at`, because the previous job has not ended. */
  | { readonly kind: "skip"; readonly at: number; readonly state: ScheduleState }
  /** Only the state changes: missed times are dropped, or noted to be caught up. */
  | { readonly kind: "settle"; readonly state: ScheduleState };

export interface Facts {
  readonly now: number;
  /** Since when some `start` has been running; times before that are missed. */
  readonly aliveSince: number;
  /** Whether the schedule's last job has not ended. */
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

/**
 * The state if the job of a time was not enqueued because `holder` has its unique key. The holder
 * then counts as the last job, as `enqueue --unique` prints its id too. If the job itself holds the
 * key, it was enqueued by a process that died before it recorded that.
 */
export function keyTaken(state: ScheduleState, holder: string): ScheduleState {
  const { skipped, lastAt, lastJobId } = state;
  if (holder === lastJobId) return state;
  return { ...state, lastJobId: holder, skipped: skipped + 1, lastSkippedAt: lastAt };
}

/** Whether the schedule's last job is still there and has not ended. */
export function isUnfinished(job: Job | undefined): boolean {
  return job !== undefined && !hasEnded(job);
}

/**
 * When to look at a schedule next: `-Infinity` (now) if missed times are owed; undefined for never.
 */
export function nextLook({ state }: ScheduleEntry, recurrence: Recurrence): number | undefined {
  if (state.paused) return undefined;
  return state.owed.length > 0 ? -Infinity : recurrence.after(state.since);
}

/** The next `count` times at which a schedule will fire, if it is not paused. */
export function nextTimes(
  { state }: ScheduleEntry,
  recurrence: Recurrence,
  now: number,
  count: number,
): number[] {
  const times: number[] = [];
  // If the clock was set back, times that have been fired do not fire again.
  for (let time = Math.max(now, state.since); times.length < count;) {
    const next = recurrence.after(time);
    if (next === undefined) break;
    times.push(time = next);
  }
  return times;
}

/**
 * The last time after `from` and not after `to`; undefined if there is none. It asks for about
 * forty times at most, however many there are in between.
 *
 * @param guess how many milliseconds before `to` it may be
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
  // No time is after `high`, and `latest` is a time.
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
