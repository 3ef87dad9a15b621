// Queues: their settings, the rule for whether a job may begin now, and the port for the settings.
// The rule is pure: a store counts running jobs, keeps the times of begins, and passes both in.
import type { QueueError } from "./errors.ts";

/** At most `count` jobs begin within any `seconds`. */
export interface Rate {
  readonly count: number;
  readonly seconds: number;
}

/** The settings of a queue. */
export interface QueueSettings {
  /** At most this many of its jobs run at once; null for no limit. */
  readonly limit: number | null;
  readonly rate: Rate | null;
  /** No more of its jobs begin; running ones go on. */
  readonly paused: boolean;
}

/** The settings of a queue for which nothing was set. */
export const UNRESTRICTED: QueueSettings = { limit: null, rate: null, paused: false };

/** The largest values that may be set. */
export const LIMIT_MAX = 1_000_000;
export const RATE_COUNT_MAX = 1_000_000;

export function isUnrestricted({ limit, rate, paused }: QueueSettings): boolean {
  return limit === null && rate === null && !paused;
}

/** Whether `after` allows fewer jobs to begin than `before`. */
export function isTighter(after: QueueSettings, before: QueueSettings): boolean {
  if (after.paused && !before.paused) return true;
  if (after.limit !== null && (before.limit === null || after.limit < before.limit)) return true;
  const [now, then] = [after.rate, before.rate];
  return now !== null && (then?.count !== now.count || then.seconds !== now.seconds);
}

/** The times at which jobs of a queue began, in order; an array of numbers is one. */
export interface Begins {
  readonly length: number;
  at(index: number): number | undefined;
}

/** What the rule needs to know about a queue at a moment. */
export interface QueueActivity {
  /** How many of its jobs are running. */
  readonly running: number;
  /** If it has a rate: at least its last `rate.count` begins, or all if there are fewer. */
  readonly begins: Begins;
  readonly now: number;
}

/** How many jobs of a queue may begin now: 0 if none, `Infinity` if nothing limits them. */
export function roomIn(settings: QueueSettings, { running, begins, now }: QueueActivity): number {
  const { limit, rate, paused } = settings;
  if (paused) return 0;
  const byLimit = limit === null ? Infinity : Math.max(0, limit - running);
  if (rate === null || byLimit === 0) return byLimit;
  return Math.min(byLimit, Math.max(0, rate.count - begunWithin(rate, begins, now)));
}

/**
 * When the rate of a queue lets the next job begin: now, or later. Limit and pause are ignored,
 * since they do not depend on time.
 */
export function rateOpensAt(rate: Rate, begins: Begins, now: number): number {
  if (begunWithin(rate, begins, now) < rate.count) return now;
  return begins.at(begins.length - rate.count)! + windowOf(rate);
}

/**
 * The time to record for a job that begins at `now`. A process that had to wait for the lock may
 * have read the clock before the last job began; the recorded time is then not earlier than that
 * begin.
 */
export function beginTime(rate: Rate, begins: Begins, now: number): number {
  return Math.max(now, isVoid(rate, begins, now) ? now : begins.at(begins.length - 1) ?? now);
}

/**
 * Whether earlier begins no longer matter: the last one is longer ago than the window, or so far in
 * the future that the clock must have been set back.
 */
export function isVoid(rate: Rate, begins: Begins, now: number): boolean {
  const last = begins.at(begins.length - 1);
  return last === undefined || Math.abs(now - last) >= windowOf(rate);
}

/** How many begins fall into the window that ends now, by binary search. */
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

/** The window of a rate in milliseconds. */
function windowOf({ seconds }: Rate): number {
  return seconds * 1000;
}

/** A queue as users see it. */
export interface QueueView extends QueueSettings {
  readonly name: string;
  /** How many of its jobs wait to be run: pending or failed. */
  readonly waiting: number;
  /** How many of those that wait do so for a retry. */
  readonly failed: number;
  /** How many wait for other jobs. */
  readonly blocked: number;
  readonly running: number;
  /** When the oldest waiting job was enqueued; null if none waits. */
  readonly oldestWaitingAt: number | null;
}

/** Any number of processes may use it at once; every method is atomic. */
export interface QueueStore {
  /**
   * The queue `default`, and all queues that have settings or a job that has not ended, sorted by
   * name.
   */
  list(): Promise<QueueView[]>;

  /**
   * The settings, by the names of queues. Cheap: looks at no job.
   *
   * @throws QueueError `damaged`
   */
  settings(): Promise<ReadonlyMap<string, QueueSettings>>;

  /**
   * Changes the settings of queues, all in one step. When it returns, the change survives a power
   * cut, no more jobs begin against the new settings, and jobs that they allow can be claimed.
   *
   * @throws QueueError `damaged`
   */
  change(
    names: Iterable<string>,
    change: (before: QueueSettings) => QueueSettings | QueueError,
  ): Promise<void>;
}
