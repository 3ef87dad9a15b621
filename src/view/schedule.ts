// Schedules as text: the table, the page, and the next times.
import type { ScheduledJob, ScheduleEntry } from "../queue/schedule.ts";
import type { ScheduleView } from "../queue/schedule_view.ts";
import { oneLine, severalLines } from "./escape.ts";
import { pluralize } from "./pluralize.ts";
import type { Colour } from "./style.ts";
import { type Column, renderTable, type TableStyle } from "./table.ts";
import { agoText, durationText, localTime } from "./times.ts";

/** The table of `schedule list`. */
export function scheduleTable(
  schedules: readonly ScheduleView[],
  now: number,
  style: TableStyle,
): Promise<string> {
  const columns: Column[] = [
    { title: "NAME" },
    { title: "WHEN" },
    { title: "NEXT" },
    { title: "LAST" },
    { title: "STATE" },
    { title: "COMMAND", cut: true },
  ];
  const rows = schedules.map((view) => [
    view.schedule.name,
    whenText(view),
    nextText(view.nextAt, now),
    view.state.lastAt === null ? "-" : agoText(view.state.lastAt, now),
    { text: stateText(view), colour: stateColour(view) },
    view.schedule.job.command,
  ]);
  return renderTable(columns, rows, style);
}

/** The page of `schedule show`. `lastState`: the state of its last job, if that is known. */
export function schedulePage(
  view: ScheduleView,
  options: { now: number; verbose: boolean; lastState: string | undefined },
  { paint }: TableStyle,
): string {
  const { schedule, state, nextAt } = view;
  const { now, verbose, lastState } = options;
  const { job, missed, overlap } = schedule;
  const at = (time: number) => `${localTime(time)} (${agoText(time, now)})`;
  const lines: [string, string][] = [
    ["Command", severalLines(job.command).replaceAll("\n", "\n             ")],
    ["When", whenText(view)],
    ["Next", nextAt === null || nextAt === undefined ? nextText(nextAt, now) : at(nextAt)],
    ...otherZone(view),
    ["Last", state.lastAt === null ? "never" : at(state.lastAt)],
    ...(state.lastJobId === null ? [] : [
      ["Last job", `${state.lastJobId} (${lastState ?? "removed"})`] as [string, string],
    ]),
    ["Missed", `${missed}${owedText(state.owed.length)}`],
    ["Overlap", overlap],
    ["Skipped", skippedText(view, now)],
    ["Folder", oneLine(job.cwd)],
    ...optionLines(job, verbose),
    ["Added", at(schedule.createdAt)],
  ];
  return `${paint("Schedule", "bold")} ${schedule.name}\n${
    paint(stateText(view), stateColour(view))
  }\n\n${lines.map(([name, value]) => `${paint(name.padEnd(11), "dim")}  ${value}\n`).join("")}`;
}

/**
 * The next times, one on each line: in the local zone, and also in the schedule's zone if that is
 * different.
 */
export async function nextTimesText(
  times: readonly number[],
  { schedule }: ScheduleEntry,
  now: number,
  style: TableStyle,
): Promise<string> {
  const isOther = times.some((time) => zonedTime(time, schedule.tz) !== localTime(time));
  if (!isOther) return times.map((time) => `${localTime(time)}  ${agoText(time, now)}\n`).join("");
  const rows = times.map((time) => [
    localTime(time),
    agoText(time, now),
    zonedTime(time, schedule.tz),
  ]);
  return await renderTable(
    [{ title: "HERE" }, { title: "" }, { title: schedule.tz }],
    rows,
    style,
  );
}

/** `30 2 * * * Europe/Berlin`, `every 1m 30s`. */
export function whenText({ schedule: { when, tz } }: ScheduleEntry): string {
  return when.kind === "cron"
    ? `${oneLine(when.pattern)} ${oneLine(tz)}`
    : `every ${durationText(when.seconds)}`;
}

function nextText(nextAt: ScheduleView["nextAt"], now: number): string {
  return nextAt === undefined ? "?" : nextAt === null ? "-" : agoText(nextAt, now);
}

function stateText({ state, nextAt }: ScheduleView): string {
  if (state.paused) return "paused";
  if (state.owed.length > 0) return "catching up";
  return nextAt === undefined ? "broken" : "active";
}

function stateColour({ state, nextAt }: ScheduleView): Colour {
  return state.paused ? "dim" : nextAt === undefined ? "red" : "green";
}

function owedText(owed: number): string {
  return owed === 0 ? "" : `; ${pluralize(owed, "missed time")} still to be caught up`;
}

function skippedText({ state, schedule }: ScheduleView, now: number): string {
  if (state.lastSkippedAt === null) return "never";
  const what = schedule.job.unique === undefined
    ? "the previous job"
    : "the previous job, or another one with its key,";
  return `${pluralize(state.skipped, "time")}, because ${what} had not ended; last ${
    localTime(state.lastSkippedAt)
  } (${agoText(state.lastSkippedAt, now)})`;
}

function otherZone({ nextAt, schedule: { tz, when } }: ScheduleView): [string, string][] {
  if (nextAt === null || nextAt === undefined || when.kind === "every") return [];
  const there = zonedTime(nextAt, tz);
  return there === localTime(nextAt) ? [] : [["", `${there} in ${oneLine(tz)}`]];
}

function optionLines(job: ScheduledJob, verbose: boolean): [string, string][] {
  const lines: [string, string][] = Object.entries(job.env ?? {}).map(([name, value], i) => [
    i === 0 ? "Environment" : "",
    `${name}=${verbose ? oneLine(value) : "***"}`,
  ]);
  if (job.queue !== undefined) lines.push(["Queue", job.queue]);
  if (job.group !== undefined) lines.push(["Group", job.group]);
  if (job.unique !== undefined) lines.push(["Unique key", oneLine(job.unique)]);
  if (job.priority !== undefined) lines.push(["Priority", String(job.priority)]);
  if (job.maxRetries !== undefined) lines.push(["Retries", String(job.maxRetries)]);
  if (job.timeout !== undefined) {
    lines.push(["Timeout", job.timeout === 0 ? "none" : durationText(job.timeout)]);
  }
  if (job.delay !== undefined) lines.push(["Delay", durationText(job.delay)]);
  if (job.startBy !== undefined) {
    lines.push(["Start by", `${durationText(job.startBy)} after its time`]);
  }
  return lines;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** `2030-01-31 18:00:05`, in a zone. */
function zonedTime(time: number, tz: string): string {
  let format = formats.get(tz);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("sv-SE", {
      timeZone: tz,
      dateStyle: "short",
      timeStyle: "medium",
    });
    formats.set(tz, format);
  }
  return format.format(time);
}
