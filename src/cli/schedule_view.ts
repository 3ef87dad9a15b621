// A schedule together with the time at which it fires next, for commands that show it.
import { QueueError } from "../queue/errors.ts";
import { nextTimes, type Recurrence, type ScheduleEntry } from "../queue/schedule.ts";
import { recurrenceOf } from "../queue/schedule_times.ts";
import type { ScheduleView } from "../view/schedule.ts";
import type { CommandContext } from "./command_context.ts";

/**
 * A schedule and its next time. If the schedule is broken, a message says so, and it has no next
 * time.
 */
export async function viewOf(call: CommandContext, entry: ScheduleEntry): Promise<ScheduleView> {
  let recurrence: Recurrence;
  try {
    recurrence = await recurrenceOf(entry.schedule);
  } catch (error) {
    // Somebody edited the file, or this machine does not know the time zone.
    if (!(error instanceof QueueError)) throw error;
    call.say(`queuectl: The schedule "${entry.schedule.name}" is broken: ${error.message}`);
    return { ...entry, nextAt: undefined };
  }
  const [next = null] = nextTimes(entry, recurrence, call.context.now(), 1);
  return { ...entry, nextAt: entry.state.paused ? null : next };
}
