// Figures of the dead letter queue.
import { isoTime } from "../queue/job_json.ts";
import type { DlqStats } from "../queue/operations.ts";
import { renderTable, type TableStyle } from "./table.ts";
import { agoText } from "./times.ts";

const SHOWN = 20;

/** The figures as text, with the most frequent commands. */
export async function dlqStatsText(
  stats: DlqStats,
  now: number,
  style: TableStyle,
): Promise<string> {
  if (stats.oldestAt === null || stats.newestAt === null) return "The dead letter queue is empty\n";
  const parts = [
    `${stats.total} dead ${stats.total === 1 ? "job" : "jobs"}, the oldest ${
      agoText(stats.oldestAt, now)
    }, ` +
    `the newest ${agoText(stats.newestAt, now)}\n`,
  ];
  for (
    const [title, counts] of [
      ["OUTCOME", stats.byOutcome],
      ["EXIT CODE", stats.byExitCode],
      ["COMMAND", stats.byCommand],
    ] as const
  ) {
    const rows = sorted(counts).slice(0, SHOWN).map(([key, count]) => [String(count), key]);
    if (counts.size > SHOWN) rows.push(["", `… and ${counts.size - SHOWN} more`]);
    parts.push(
      await renderTable([{ title: "JOBS", right: true }, { title, cut: true }], rows, style),
    );
  }
  return parts.join("\n");
}

/** The figures in the form of `dlq stats --json`. */
export function dlqStatsJson(stats: DlqStats): Record<string, unknown> {
  return {
    total: stats.total,
    oldest_at: stats.oldestAt === null ? null : isoTime(stats.oldestAt),
    newest_at: stats.newestAt === null ? null : isoTime(stats.newestAt),
    by_outcome: Object.fromEntries(sorted(stats.byOutcome)),
    by_exit_code: Object.fromEntries(sorted(stats.byExitCode)),
    by_command: Object.fromEntries(sorted(stats.byCommand)),
  };
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
