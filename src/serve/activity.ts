// What ended in each part of the last hour or day. What is past stays as it is, so it is counted
// once.
import { QueueError } from "../queue/errors.ts";
import type { EndedState } from "../queue/job.ts";
import { isoTime } from "../queue/job_json.ts";
import type { JobReader } from "../queue/store.ts";
import { BOUNDS, type Histogram } from "../queue/tally.ts";
import type { Parts } from "./parts.ts";

const MINUTE = 60_000;
/** Milliseconds of each part, and how many there are. */
const PERIODS = {
  hour: { step: MINUTE, parts: 60 },
  day: { step: 30 * MINUTE, parts: 48 },
} as const;
/** Milliseconds for which a part that is past may still change: ends are recorded a little late. */
const SETTLES = 10_000;

type Ended = Readonly<Record<EndedState, number>>;
const NONE: Ended = { completed: 0, dead: 0, cancelled: 0 };

/** @throws QueueError `usage` */
export async function activityOf(
  period: string = "hour",
  { now, history, remembered }: Parts,
): Promise<Record<string, unknown>> {
  if (period !== "hour" && period !== "day") {
    throw new QueueError("usage", `period takes hour or day, not "${period}"`);
  }
  const { step, parts } = PERIODS[period];
  const { from, counts } = await history.counts(now(), step, parts);
  const { duration, wait } = await remembered.tally.get();
  const series = (state: EndedState) => counts.map((one) => one[state]);
  return {
    from: isoTime(from),
    step: step / 1000,
    completed: series("completed"),
    dead: series("dead"),
    cancelled: series("cancelled"),
    wait: histogramJson(wait),
    duration: histogramJson(duration),
  };
}

function histogramJson({ counts, sum }: Histogram) {
  return { le: BOUNDS, counts, sum };
}

/** Counts of the past, each read once. */
export class EndedHistory {
  readonly #jobs: Pick<JobReader, "countEndedSince">;
  /** What ended in the part that begins at this time, by the length of parts. */
  readonly #known = new Map<number, Map<number, Ended>>();

  constructor(jobs: Pick<JobReader, "countEndedSince">) {
    this.#jobs = jobs;
  }

  /** What ended in each of so many parts, of `step` milliseconds; the last is the one that goes on. */
  async counts(
    now: number,
    step: number,
    parts: number,
  ): Promise<{ from: number; counts: Ended[] }> {
    const last = Math.floor(now / step) * step;
    const from = last - (parts - 1) * step;
    const before = this.#known.get(step) ?? new Map<number, Ended>();
    const known = new Map<number, Ended>();
    const counts: Ended[] = [];
    // Backwards from now: what ended since a time, less what ended since the next one.
    let since: Ended | undefined = NONE;
    for (let start = last; start >= from; start -= step) {
      let part = before.get(start);
      if (part === undefined) {
        const later: Ended = since ?? await this.#jobs.countEndedSince(start + step);
        since = await this.#jobs.countEndedSince(start);
        part = minus(since, later);
      } else since = undefined;
      counts.unshift(part);
      if (start + step + SETTLES <= now) known.set(start, part);
    }
    this.#known.set(step, known);
    return { from, counts };
  }
}

/** What was removed meanwhile makes nothing negative. */
function minus(a: Ended, b: Ended): Ended {
  const less = (state: EndedState) => Math.max(0, a[state] - b[state]);
  return { completed: less("completed"), dead: less("dead"), cancelled: less("cancelled") };
}
