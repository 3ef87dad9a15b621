// Queues as text: the table, and the settings of one queue in a line.
import type { QueueSettings, QueueView, Rate } from "../queue/queues.ts";
import { type Column, renderTable, type TableStyle } from "./table.ts";
import { agoText, durationText } from "./times.ts";

/** The table of `queue list`. */
export function queueTable(
  queues: readonly QueueView[],
  now: number,
  style: TableStyle,
): Promise<string> {
  const columns: Column[] = [
    { title: "NAME", cut: true },
    { title: "WAITING", right: true },
    { title: "RUNNING", right: true },
    { title: "LIMIT", right: true },
    { title: "RATE", right: true },
    { title: "STATE" },
    { title: "OLDEST" },
  ];
  const rows = queues.map(({ name, waiting, running, limit, rate, paused, oldestWaitingAt }) => [
    name,
    String(waiting),
    String(running),
    limit === null ? "-" : String(limit),
    rate === null ? "-" : rateText(rate),
    paused ? { text: "paused", colour: "yellow" as const } : "open",
    oldestWaitingAt === null ? "-" : agoText(oldestWaitingAt, now),
  ]);
  return renderTable(columns, rows, style);
}

/** The settings of a queue: `limit 2, rate 10/1m, paused`. */
export function settingsText({ limit, rate, paused }: QueueSettings): string {
  const parts = [
    limit === null ? "no limit" : `limit ${limit}`,
    rate === null ? "no rate" : `rate ${rateText(rate)}`,
    ...(paused ? ["paused"] : []),
  ];
  return parts.join(", ");
}

/** `10/1m`, in the form in which it is typed. */
export function rateText({ count, seconds }: Rate): string {
  return `${count}/${durationText(seconds).replaceAll(" ", "")}`;
}
