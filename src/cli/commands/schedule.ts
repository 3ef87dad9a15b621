// queuectl schedule: every subcommand but `add`.
import { QueueError } from "../../queue/errors.ts";
import { isoTime } from "../../queue/job_json.ts";
import { nextTimes, type ScheduleEntry } from "../../queue/schedule.ts";
import { runJobId } from "../../queue/schedule_ids.ts";
import { pauseSchedule, resumeSchedule, scheduledJob } from "../../queue/schedule_firing.ts";
import type { ScheduleStore } from "../../queue/schedule_store.ts";
import { recurrenceOf } from "../../queue/schedule_times.ts";
import { findSchedule, type ScheduleView, viewOf } from "../../queue/schedule_view.ts";
import { scheduleJson } from "../../view/schedule_json.ts";
import { nextTimesText, schedulePage, scheduleTable } from "../../view/schedule.ts";
import type { CommandContext } from "../command_context.ts";
import { tableStyle } from "../tables.ts";

/** How many times `schedule next` shows by default. */
const FEW = 5;

export async function listCommand(call: CommandContext): Promise<void> {
  const { context } = call;
  const store = await call.store().openSchedules();
  const views: ScheduleView[] = [];
  for (const entry of await store.list()) views.push(await shown(call, entry));
  if (call.flags.has("json")) return call.printJson(views.map((view) => scheduleJson(view, false)));
  if (views.length === 0) return call.say("No schedules");
  call.print(await scheduleTable(views, context.now(), tableStyle(context)));
}

export async function showCommand(call: CommandContext): Promise<void> {
  const { context, flags } = call;
  const entry = await findSchedule(await call.store().openSchedules(), call.args[0]!);
  const view = await shown(call, entry);
  const verbose = flags.has("verbose");
  if (flags.has("json")) return call.printJson(scheduleJson(view, verbose));
  const { lastJobId } = entry.state;
  const last = lastJobId === null
    ? undefined
    : await call.withReader((reader) => reader.get(lastJobId));
  const options = { now: context.now(), verbose, lastState: last?.status.state };
  call.print(schedulePage(view, options, tableStyle(context)));
}

export async function nextCommand(call: CommandContext): Promise<void> {
  const { context, flags } = call;
  const entry = await findSchedule(await call.store().openSchedules(), call.args[0]!);
  const now = context.now();
  const recurrence = await recurrenceOf(entry.schedule);
  const times = nextTimes(entry, recurrence, now, flags.number("count") ?? FEW);
  if (entry.state.paused) {
    call.say(`It is paused. To resume it: queuectl schedule resume ${entry.schedule.name}`);
  }
  if (flags.has("json")) return call.printJson(times.map(isoTime));
  call.print(await nextTimesText(times, entry, now, tableStyle(context)));
}

export async function runCommand(call: CommandContext): Promise<void> {
  const { context } = call;
  const { now, newId } = context;
  const { schedule } = await findSchedule(await call.store().openSchedules(), call.args[0]!);
  await call.withJobs(async (jobs, store) => {
    const settings = await (await store.settings()).load();
    const id = runJobId(schedule.name, now(), newId());
    const job = scheduledJob(schedule, id, { settings, now: now() });
    const { addOne } = await import("../../queue/enqueue_related.ts");
    const enqueued = await addOne(jobs, job);
    if (enqueued.remark !== undefined) call.say(`queuectl: ${enqueued.remark}`);
    call.print(`${enqueued.job.id}\n`);
  });
}

export async function pauseCommand(call: CommandContext): Promise<void> {
  await forEach(call, async (store, name) => {
    await pauseSchedule(store, name);
    call.print(`Paused ${name}\n`);
  });
}

export async function resumeCommand(call: CommandContext): Promise<void> {
  const now = call.context.now();
  await forEach(call, async (store, name) => {
    await resumeSchedule(store, name, now);
    call.print(`Resumed ${name}\n`);
  });
}

export async function removeCommand(call: CommandContext): Promise<void> {
  await forEach(call, async (store, name) => {
    await store.remove(name);
    call.print(`Removed ${name}\n`);
  });
}

/**
 * Calls `act` for each named schedule, after making sure that all of them exist. One that can't be
 * read counts as existing, so that it can be removed.
 */
async function forEach(
  call: CommandContext,
  act: (store: ScheduleStore, name: string) => Promise<void>,
): Promise<void> {
  const store = await call.store().openSchedules();
  for (const name of call.args) {
    await findSchedule(store, name).catch((error) => {
      if (!(error instanceof QueueError) || error.code !== "damaged") throw error;
    });
  }
  for (const name of new Set(call.args)) await act(store, name);
}

function shown(call: CommandContext, entry: ScheduleEntry): Promise<ScheduleView> {
  return viewOf(entry, call.context.now(), (message) => call.say(`queuectl: ${message}`));
}
