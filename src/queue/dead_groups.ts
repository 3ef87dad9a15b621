// Dead jobs grouped by what they have in common: the command, and how it ended.
import { lastExitCode } from "./job.ts";
import { isoTime } from "./job_json.ts";
import type { JobReader, Watching } from "./store.ts";

/** As the API has it. */
export interface DeadGroup {
  readonly command: string;
  /** Null where the last attempt left none. */
  readonly exit_code: number | null;
  readonly count: number;
  readonly newest_at: string;
  readonly newest_id: string;
}

/** The groups, the biggest first. */
export async function deadGroups(jobs: JobReader, watching?: Watching): Promise<DeadGroup[]> {
  const groups = new Map<string, { code: number | null; count: number; at: number; id: string }>();
  const commands = new Map<string, string>();
  for await (const job of jobs.list({ states: ["dead"] }, watching)) {
    const { id, command, status } = job;
    if (status.state !== "dead") continue;
    const code = lastExitCode(job);
    const key = `${code} ${command}`;
    commands.set(key, command);
    const group = groups.get(key) ?? { code, count: 0, at: -Infinity, id };
    const isNewer = status.since > group.at;
    groups.set(key, {
      code,
      count: group.count + 1,
      at: isNewer ? status.since : group.at,
      id: isNewer ? id : group.id,
    });
  }
  return [...groups].map(([key, { code, count, at, id }]) => ({
    command: commands.get(key)!,
    exit_code: code,
    count,
    newest_at: isoTime(at),
    newest_id: id,
  })).sort((a, b) =>
    b.count - a.count || compare(b.newest_at, a.newest_at) || compare(a.command, b.command)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
