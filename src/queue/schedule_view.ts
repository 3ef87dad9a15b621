// Schedules as they are shown: found by name, and with the time at which they fire next.
import { QueueError } from "./errors.ts";
import { isScheduleName, nextTimes, type Recurrence, type ScheduleEntry } from "./schedule.ts";
import { noSchedule } from "./schedule_firing.ts";
import type { ScheduleReader } from "./schedule_store.ts";
import { recurrenceOf } from "./schedule_times.ts";

/** A schedule, and when it fires next; null if it does not, undefined if that can't be told. */
export interface ScheduleView extends ScheduleEntry {
  readonly nextAt: number | null | undefined;
}

/** A schedule and its next time. One that is broken is told of, and has none. */
export async function viewOf(
  entry: ScheduleEntry,
  now: number,
  warn: (message: string) => void,
): Promise<ScheduleView> {
  let recurrence: Recurrence;
  try {
    recurrence = await recurrenceOf(entry.schedule);
  } catch (error) {
    // Somebody has changed the file by hand, or the zone is not known here.
    if (!(error instanceof QueueError)) throw error;
    warn(`The schedule "${entry.schedule.name}" is broken: ${error.message}`);
    return { ...entry, nextAt: undefined };
  }
  const [next = null] = nextTimes(entry, recurrence, now, 1);
  return { ...entry, nextAt: entry.state.paused ? null : next };
}

/**
 * The schedule of this name.
 * @throws QueueError `not_found`, with the nearest name if there is one; `damaged`
 */
export async function findSchedule(store: ScheduleReader, name: string): Promise<ScheduleEntry> {
  // What can't be a name is never given to a store, for which it may be part of a path.
  const entry = isScheduleName(name) ? await store.get(name) : undefined;
  if (entry !== undefined) return entry;
  const { nearest } = await import("./nearest.ts");
  const names = (await store.list()).map(({ schedule }) => schedule.name);
  const meant = nearest(name, names);
  if (meant === undefined) throw noSchedule(name);
  throw new QueueError("not_found", `No schedule "${name}"`, { hint: `Did you mean ${meant}?` });
}
