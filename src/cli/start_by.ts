// Parses the time by which a job must begin: a duration from now, or a time.
import { DURATION_FORMS, parseDuration } from "../queue/durations.ts";
import { QueueError } from "../queue/errors.ts";
import { parseTime, TIME_FORMS } from "../queue/times.ts";

/** @param what the name of the option or field, for messages */
export function parseStartBy(what: string, text: string, now: number): number {
  const seconds = parseDuration(text);
  const time = seconds === undefined ? parseTime(text, now) : now + seconds * 1000;
  if (time !== undefined) return time;
  throw new QueueError("usage", `${what} takes ${DURATION_FORMS}, or ${TIME_FORMS}, not "${text}"`);
}
