// queuectl schedule add.
import { DURATION_FORMS, parseDuration } from "../../queue/durations.ts";
import { QueueError } from "../../queue/errors.ts";
import {
  isScheduleName,
  MISSED,
  nextTimes,
  OVERLAP,
  type Schedule,
  type When,
} from "../../queue/schedule.ts";
import { addSchedule, scheduledJob } from "../../queue/schedule_firing.ts";
import { checkedZone, localZone, recurrenceOf } from "../../queue/schedule_times.ts";
import { nextTimesText } from "../../view/schedule.ts";
import type { CommandContext } from "../command_context.ts";
import { tableStyle } from "../tables.ts";
import { commandText, commonFields } from "./enqueue.ts";

/** Adds a schedule, and prints when it fires next. */
export async function addCommand(call: CommandContext): Promise<void> {
  const { context, flags } = call;
  const now = context.now();
  const schedule = await scheduleFrom(call, now);
  const recurrence = await recurrenceOf(schedule);
  if (recurrence.after(now) === undefined) {
    throw new QueueError("usage", `--cron: "${flags.text("cron")}" never comes`, {
      hint: "No year has such a day",
    });
  }
  const store = call.store();
  // What enqueue would refuse is refused now, and not when the schedule fires at night.
  const settings = await (await store.settings()).load();
  scheduledJob(schedule, "any", { settings, now });

  const entry = await addSchedule(await store.openSchedules(), schedule, flags.has("replace"));
  if (entry.state.paused) {
    call.say(`It is paused. To resume it: queuectl schedule resume ${schedule.name}`);
  } else if ((await (await store.workers()).live()).length === 0) {
    call.say("It fires only while queuectl start runs, and none runs now");
  }
  const times = nextTimes(entry, recurrence, now, 1);
  call.print(await nextTimesText(times, entry, now, tableStyle(context)));
}

async function scheduleFrom(call: CommandContext, now: number): Promise<Schedule> {
  const { flags, args: [name, ...command], rest } = call;
  const missing = (what: string) =>
    new QueueError("usage", `Missing ${what}: queuectl schedule add <name> --cron '…' <command>`);
  if (name === undefined) throw missing("name");
  if (!isScheduleName(name)) {
    throw new QueueError(
      "usage",
      `"${name}" cannot be a schedule's name: it takes 1 to 111 of A-Z a-z 0-9 . _ - ` +
        "and does not begin with . or -",
    );
  }
  const when = whenFrom(call);
  if (command.length === 0 && rest === undefined) throw missing("command");
  const { runAt: _, after: _after, afterAny: _any, startBy: _startBy, ...fields } =
    await commonFields(call, now);
  const tz = flags.text("tz");
  return {
    name,
    when,
    tz: tz === undefined ? localZone() : zoneFrom(tz),
    missed: choice("missed", flags.text("missed"), MISSED),
    overlap: choice("overlap", flags.text("overlap"), OVERLAP),
    createdAt: now,
    job: {
      ...fields,
      command: await commandText(command, rest),
      delay: flags.number("delay"),
      startBy: startByFrom(flags.text("start-by")),
    },
  };
}

function whenFrom({ flags }: CommandContext): When {
  const pattern = flags.text("cron");
  const seconds = flags.number("every");
  if (pattern !== undefined) return { kind: "cron", pattern: pattern.trim() };
  if (seconds === undefined) {
    throw new QueueError("usage", "Missing --cron or --every, which say when it fires", {
      hint: "Such as --cron '30 2 * * *' or --every 1h",
    });
  }
  if (seconds < 1) throw new QueueError("usage", "--every takes at least 1s");
  return { kind: "every", seconds };
}

/** Seconds from each firing. A fixed time is refused, since it would suit only one job. */
function startByFrom(text: string | undefined): number | undefined {
  const seconds = text === undefined ? undefined : parseDuration(text);
  if (text === undefined || seconds !== undefined) return seconds;
  throw new QueueError("usage", `--start-by of a schedule takes ${DURATION_FORMS}, not "${text}"`);
}

function zoneFrom(name: string): string {
  try {
    return checkedZone(name);
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    const { message, hint } = error;
    throw new QueueError("usage", `--tz: ${message}`, hint === undefined ? {} : { hint });
  }
}

/** The given word, which must be one of `words`; the first of them if none was given. */
function choice<T extends string>(
  name: string,
  given: string | undefined,
  words: readonly [T, ...T[]],
): T {
  const word = given === undefined ? words[0] : words.find((known) => known === given);
  if (word !== undefined) return word;
  throw new QueueError("usage", `--${name} takes one of ${words.join(", ")}, not "${given}"`);
}
