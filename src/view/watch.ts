// The screen of `status --watch`.
import type { Job } from "../queue/job.ts";
import { deadTable } from "./job_table.ts";
import { statusText, type StatusView } from "./status.ts";
import type { TableStyle } from "./table.ts";

/** What `status --watch` shows: status, speed, and the jobs that failed last. */
export async function watchText(
  status: StatusView,
  more: { now: number; verbose: boolean; perSecond: number; failures: readonly Job[] },
  style: TableStyle,
): Promise<string> {
  const { paint } = style;
  const failures = more.failures.length === 0
    ? "  none\n"
    : (await deadTable(more.failures, { verbose: false, now: more.now }, style)).replace(
      "DIED",
      "WHEN",
    );
  return [
    await statusText(status, more, style),
    `\n${paint("Speed", "bold")}  ${Number(more.perSecond.toFixed(1))} jobs a second\n`,
    `\n${paint("Last failures", "bold")}\n${failures}`,
    `\n${paint("q to leave", "dim")}\n`,
  ].join("");
}
