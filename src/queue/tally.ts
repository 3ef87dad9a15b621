// Counters of attempts that ended, and how long they waited and ran. The numbers only grow, even if
// jobs are removed. Holds pure functions and the port of the store that keeps the counters.
import { type Job, turnTime } from "./job.ts";
import { type Outcome, OUTCOMES } from "./outcome.ts";

/** Upper bounds in seconds of the classes of a histogram; a last class has what is longer. */
export const BOUNDS: readonly number[] = [
  0.1,
  0.5,
  1,
  5,
  10,
  30,
  60,
  300,
  900,
  3600,
  14_400,
  86_400,
];

export interface Histogram {
  /** How many are in each class. */
  readonly counts: readonly number[];
  /** Seconds, of all together. */
  readonly sum: number;
}

export type Outcomes = Readonly<Record<Outcome, number>>;

export interface Tally {
  /** How attempts of each queue ended. */
  readonly attempts: ReadonlyMap<string, Outcomes>;
  /** How long they ran. */
  readonly duration: Histogram;
  /** How long they waited, from when they might have begun. */
  readonly wait: Histogram;
}

const NO_TIMES: Histogram = { counts: BOUNDS.map(() => 0).concat(0), sum: 0 };
const NO_OUTCOMES = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
  Outcome,
  number
>;

export const NOTHING: Tally = { attempts: new Map(), duration: NO_TIMES, wait: NO_TIMES };

/** An attempt more. @param job while it ran; @param after when that attempt has ended */
export function counted(tally: Tally, job: Job, after: Job): Tally {
  const last = after.history.at(-1);
  if (job.status.state !== "processing" || last === undefined) return tally;
  const { startedAt } = job.status.running;
  const outcomes = { ...NO_OUTCOMES, [last.outcome]: 1 };
  return added(tally, {
    attempts: new Map([[job.queue, outcomes]]),
    duration: timed(last.endedAt - startedAt),
    wait: timed(startedAt - turnTime(job, job.status.before)),
  });
}

/** Both together. */
export function added(a: Tally, b: Tally): Tally {
  const attempts = new Map(a.attempts);
  for (const [queue, more] of b.attempts) {
    const before = attempts.get(queue) ?? NO_OUTCOMES;
    const sum = OUTCOMES.map((outcome) => [outcome, before[outcome] + more[outcome]]);
    attempts.set(queue, Object.fromEntries(sum));
  }
  const together = (x: Histogram, y: Histogram): Histogram => ({
    counts: x.counts.map((count, i) => count + y.counts[i]!),
    sum: (Math.round(x.sum * 1000) + Math.round(y.sum * 1000)) / 1000,
  });
  return {
    attempts,
    duration: together(a.duration, b.duration),
    wait: together(a.wait, b.wait),
  };
}

/** One time, in milliseconds; a clock that was set back makes none that is negative. */
function timed(milliseconds: number): Histogram {
  const seconds = Math.max(0, milliseconds) / 1000;
  const at = BOUNDS.findIndex((bound) => seconds <= bound);
  const which = at === -1 ? BOUNDS.length : at;
  return { counts: NO_TIMES.counts.map((_, i) => i === which ? 1 : 0), sum: seconds };
}

/** As it is kept. */
export function tallyToJson({ attempts, duration, wait }: Tally): Record<string, unknown> {
  return { bounds: BOUNDS, attempts: Object.fromEntries(attempts), duration, wait };
}

/** What `tallyToJson` made; undefined if it is not that. */
export function tallyFromJson(value: unknown): Tally | undefined {
  if (!isObject(value) || !isObject(value.attempts)) return undefined;
  const { bounds, duration, wait } = value;
  if (JSON.stringify(bounds) !== JSON.stringify(BOUNDS)) return undefined;
  if (!isHistogram(duration) || !isHistogram(wait)) return undefined;
  const attempts = new Map<string, Outcomes>();
  for (const [queue, outcomes] of Object.entries(value.attempts)) {
    if (!isObject(outcomes) || !OUTCOMES.every((one) => isCount(outcomes[one]))) return undefined;
    attempts.set(queue, outcomes as Outcomes);
  }
  return { attempts, duration, wait };
}

function isHistogram(value: unknown): value is Histogram {
  return isObject(value) && isCount(value.sum) && Array.isArray(value.counts) &&
    value.counts.length === BOUNDS.length + 1 && value.counts.every(isCount);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Counters that outlive whoever counts. */
export interface Tallies {
  /** Adds to what was counted under the name of a worker, which the caller holds. */
  add(name: string, more: Tally): Promise<void>;

  /** All that was counted, under any name. */
  total(): Promise<Tally>;
}
