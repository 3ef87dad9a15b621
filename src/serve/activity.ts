// What ended in each part of the last hour or day, and how long jobs waited and ran.
import { QueueError } from "../queue/errors.ts";
import type { EndedState } from "../queue/job.ts";
import { isoTime } from "../queue/job_json.ts";
import { BOUNDS, type Histogram } from "../queue/tally.ts";
import type { Parts } from "./parts.ts";

const MINUTE = 60_000;
/** Milliseconds of each part, and how many there are. */
const PERIODS = {
  hour: { step: MINUTE, parts: 60 },
  day: { step: 30 * MINUTE, parts: 48 },
} as const;
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
