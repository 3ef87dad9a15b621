// Queues: what may be set of one, the rule of whether a job of it may begin now, and the port for
// the settings. The rule is pure: a store counts what runs, keeps the times of begins, and asks.
import type { QueueError } from "./errors.ts";

/** At most `count` jobs begin within any `seconds`. */
export interface Rate {
  readonly count: number;
  readonly seconds: number;
}

/** What was set of a queue. */
export interface QueueSettings {
  /** At most so many of its jobs run at once; null for no limit. */
  readonly limit: number | null;
  readonly rate: Rate | null;
  /** None of its jobs begins; those that run go on. */
  readonly paused: boolean;
}

/** A queue of which nothing was set. */
export const UNRESTRICTED: QueueSettings = { limit: null, rate: null, paused: false };

/** Bounds of what may be set. */
export const LIMIT_MAX = 1_000_000;
export const RATE_COUNT_MAX = 1_000_000;

export function isUnrestricted({ limit, rate, paused }: QueueSettings): boolean {
  return limit === null && rate === null && !paused;
}

/** Whether less may begin under `after` than under `before`. */
export function isTighter(after: QueueSettings, before: QueueSettings): boolean {
  if (after.paused && !before.paused) return true;
  if (after.limit !== null && (before.limit === null || after.limit < before.limit)) return true;
  const [now, then] = [after.rate, before.rate];
  return now !== null && (then?.count !== now.count || then.seconds !== now.seconds);
}

/** The times at which jobs of a queue began, in order; an array is one. */
export interface Begins {
  readonly length: number;
  at(index: number): number | undefined;
}

/** What goes on in a queue at a moment. */
export interface QueueActivity {
  /** How many of its jobs run. */
  readonly running: number;
  /** At least as many of its last begins as its rate counts, if it has one and there were so many. */
  readonly begins: Begins;
  readonly now: number;
}

/** How many jobs of a queue may begin now: 0 if none, `Infinity` if nothing holds them back. */
export function roomIn(settings: QueueSettings, { running, begins, now }: QueueActivity): number {
  const { limit, rate, paused } = settings;
  if (paused) return 0;
  const byLimit = limit === null ? Infinity : Math.max(0, limit - running);
  if (rate === null || byLimit === 0) return byLimit;
  return Math.min(byLimit, Math.max(0, rate.count - begunWithin(rate, begins, now)));
}

/**
 * When the rate of a queue lets a job begin, by the clock: now, or later. What else keeps it from
 * beginning is no matter of the clock.
 */
export function rateOpensAt(rate: Rate, begins: Begins, now: number): number {
  if (begunWithin(rate, begins, now) < rate.count) return now;
  return begins.at(begins.length - rate.count)! + windowOf(rate);
}

/**
 * The time that is kept for a job which begins at `now`. Whoever had to wait for its turn may have
 * looked at the clock before the one that began last: it begins no earlier than that one.
 */
export function beginTime(rate: Rate, begins: Begins, now: number): number {
  return Math.max(now, isVoid(rate, begins, now) ? now : begins.at(begins.length - 1) ?? now);
}

/**
 * Whether the times of earlier begins say nothing any more: the last of them is long past, or so far
 * ahead that the clock must have been set back.
 */
export function isVoid(rate: Rate, begins: Begins, now: number): boolean {
  const last = begins.at(begins.length - 1);
  return last === undefined || Math.abs(now - last) >= windowOf(rate);
}

/** How many of the begins fall into the window that ends now; they are in order. */
function begunWithin(rate: Rate, begins: Begins, now: number): number {
  if (isVoid(rate, begins, now)) return 0;
  const since = now - windowOf(rate);
  let [low, high] = [Math.max(0, begins.length - rate.count), begins.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (begins.at(middle)! > since) high = middle;
    else low = middle + 1;
  }
  return begins.length - low;
}

/** Milliseconds. */
function windowOf({ seconds }: Rate): number {
  return seconds * 1000;
}

/** A queue, as users see it. */
export interface QueueView extends QueueSettings {
  readonly name: string;
  /** How many of its jobs are pending or failed: all that wait to be run. */
  readonly waiting: number;
  /** How many of those that wait do so for a retry. */
  readonly failed: number;
  /** How many wait for other jobs. */
  readonly blocked: number;
  readonly running: number;
  /** When the first of those that wait was enqueued; null if none waits. */
  readonly oldestWaitingAt: number | null;
}

/** Safe with any number of users at once; every method is atomic. */
export interface QueueStore {
  /** `default`, and all queues of which something is set or a job has not ended; by name. */
  list(): Promise<QueueView[]>;

  /**
   * Changes the settings of queues, all in one step. When it returns it survives a power cut, no job
   * begins against the new settings any more, and what they let begin can be claimed.
   * @throws QueueError `damaged`
   */
  change(
    names: Iterable<string>,
    change: (before: QueueSettings) => QueueSettings | QueueError,
  ): Promise<void>;
}
