// What `status --verbose` shows besides counts and workers, as text and as JSON.
import type { EndedState, Job } from "../queue/job.ts";
import { isoTime } from "../queue/job_json.ts";
import type { OpenTransaction, StoreSize } from "../queue/maintenance.ts";
import { queueToJson } from "../queue/queue_json.ts";
import type { QueueView } from "../queue/queues.ts";
import { DEFAULT_SETTINGS, type SettingKey } from "../queue/settings.ts";
import { dueAt, type Figures } from "../queue/status.ts";
import type { ScheduleView } from "../queue/schedule_view.ts";
import { oneLine } from "./escape.ts";
import { pluralize } from "./pluralize.ts";
import { queueTable } from "./queues.ts";
import { bytesText } from "./storage.ts";
import { renderTable, type TableStyle } from "./table.ts";
import { agoText, durationText, localTime } from "./times.ts";

type EndedCounts = Readonly<Record<EndedState, number>>;

export interface SystemInfo extends Figures {
  readonly version: string;
  readonly size: StoreSize;
  /** What users should know of how the store is set up. */
  readonly cautions: readonly string[];
  /** Those that have been open for long, if that matters to the store. */
  readonly openTransactions: readonly OpenTransaction[];
  /** Null if what is set of them can't be read. */
  readonly queues: readonly QueueView[] | null;
  readonly settings: readonly { readonly key: SettingKey; readonly value: number | string }[];
  readonly schedules: readonly ScheduleView[];
}

export async function systemInfoText(
  info: SystemInfo,
  now: number,
  style: TableStyle,
): Promise<string> {
  const { paint } = style;
  const { files, bytes, logBytes } = info.size;
  const lines = [
    ["Version", info.version],
    [
      "Size",
      // A database has none.
      `${files === 0 ? "" : `${pluralize(files, "file")}, `}${bytesText(bytes)}, ` +
      `of which logs ${bytesText(logBytes)}`,
    ],
    ["Oldest", info.oldest === undefined ? "no job is due" : oldestText(info.oldest, now)],
    ["Next due", info.next === undefined ? "no job waits for a time" : nextText(info.next, now)],
  ] as const;
  const part = async (title: string, table: Promise<string> | undefined) =>
    table === undefined
      ? ""
      : `\n${paint(title, "bold")}\n${(await table).replace(/^(?=.)/gm, "  ")}`;
  return [
    `\n${lines.map(([name, text]) => `${paint(name.padEnd(9), "bold")} ${text}\n`).join("")}`,
    await part("Ended in the last", endedTable(info, style)),
    await part("Queues", info.queues === null ? undefined : queueTable(info.queues, now, style)),
    await part(
      "Schedules",
      info.schedules.length === 0 ? undefined : scheduleTable(info, now, style),
    ),
    await part("Settings", info.settings.length === 0 ? undefined : settingTable(info, style)),
    ...[...info.cautions.map(oneLine), ...info.openTransactions.map(openText)]
      .map((text) => `\n${paint("Warning", "yellow")} ${text}\n`),
  ].join("");
}

function openText({ who, seconds, remedy }: OpenTransaction): string {
  return `A transaction has been open for ${
    durationText(seconds)
  }, which slows down every claim: ` +
    `${oneLine(who)}. To end it: ${oneLine(remedy)}`;
}

function oldestText(job: Job, now: number): string {
  return `${oneLine(job.id)}, due for ${durationText(Math.max(0, now - dueAt(job)) / 1000)}: ${
    oneLine(job.command)
  }`;
}

function nextText(job: Job, now: number): string {
  return `${oneLine(job.id)}, ${agoText(dueAt(job), now)}: ${oneLine(job.command)}`;
}

function endedTable({ ended }: SystemInfo, style: TableStyle): Promise<string> {
  const periods = [ended.minute, ended.hour, ended.day];
  const row = (title: string, cell: (counts: EndedCounts) => string) => [
    title,
    ...periods.map(cell),
  ];
  const columns = ["", "MINUTE", "HOUR", "DAY"].map((title, i) => ({ title, right: i > 0 }));
  return renderTable(columns, [
    ...(["completed", "dead", "cancelled"] as const).map((state) =>
      row(state, (counts) => String(counts[state]))
    ),
    row("failed", (counts) => {
      const share = failedShare(counts);
      return share === null ? "-" : `${Number((share * 100).toFixed(1))} %`;
    }),
  ], style);
}

/** The share of dead jobs among the completed and dead ones; null if there are none. */
function failedShare({ completed, dead }: EndedCounts): number | null {
  return completed + dead === 0 ? null : dead / (completed + dead);
}

function scheduleTable({ schedules }: SystemInfo, now: number, style: TableStyle): Promise<string> {
  const rows = schedules.map(({ schedule, state, nextAt }) => [
    schedule.name,
    typeof nextAt === "number"
      ? `${localTime(nextAt)} (${agoText(nextAt, now)})`
      : state.paused
      ? "paused"
      : "-",
  ]);
  return renderTable([{ title: "NAME" }, { title: "NEXT" }], rows, style);
}

function settingTable({ settings }: SystemInfo, style: TableStyle): Promise<string> {
  return renderTable(
    [{ title: "KEY" }, { title: "VALUE", cut: true }, { title: "DEFAULT" }],
    settings.map(({ key, value }) => [key, String(value), String(DEFAULT_SETTINGS[key])]),
    style,
  );
}

/** What waits at the ends of the line, and what has ended of late. */
export function figuresJson({ oldest, next, ended }: Figures): Record<string, unknown> {
  const periods = Object.entries(ended).map(([period, counts]) => [
    period,
    { ...counts, failed_share: failedShare(counts) },
  ]);
  const job = (one: Job | undefined) =>
    one === undefined ? null : { id: one.id, due_at: isoTime(dueAt(one)) };
  return {
    oldest_waiting: job(oldest),
    next_due: job(next),
    ended: Object.fromEntries(periods),
  };
}

/** What `status --verbose --json` has beside the fields of `status --json`. */
export function systemInfoJson(info: SystemInfo): Record<string, unknown> {
  const { files, bytes, logBytes } = info.size;
  return {
    version: info.version,
    size: { files, bytes, log_bytes: logBytes },
    ...figuresJson(info),
    queues: info.queues?.map(queueToJson) ?? null,
    schedules: info.schedules.map(({ schedule, state, nextAt }) => ({
      name: schedule.name,
      paused: state.paused,
      next_at: typeof nextAt === "number" ? isoTime(nextAt) : null,
    })),
    warnings: info.cautions,
    open_transactions: info.openTransactions,
    settings: Object.fromEntries(info.settings.map(({ key, value }) => [key, value])),
  };
}
