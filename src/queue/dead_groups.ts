// Dead jobs grouped by what they have in common: the command, and how it ended.
import { type Job, lastExitCode } from "./job.ts";
import { isoTime } from "./job_json.ts";
import type { JobReader, Watching } from "./store.ts";

/** As the API has it. */
export interface DeadGroup {
  readonly command: string;
  /** Null where the last attempt left none. */
  readonly exit_code: number | null;
  /** What ended the last one, if that was a signal. */
  readonly signal: string | null;
  readonly count: number;
  readonly newest_at: string;
  readonly newest_id: string;
}

interface Seen {
  readonly newest: Job;
  /** When that one died. */
  readonly at: number;
  readonly count: number;
}

/** The groups, the biggest first. */
export async function deadGroups(jobs: JobReader, watching?: Watching): Promise<DeadGroup[]> {
  const groups = new Map<string, Seen>();
  for await (const job of jobs.list({ states: ["dead"] }, watching)) {
    if (job.status.state !== "dead") continue;
    const { since: at } = job.status;
    const key = `${lastExitCode(job)} ${job.command}`;
    const seen = groups.get(key);
    const count = (seen?.count ?? 0) + 1;
    groups.set(
      key,
      seen !== undefined && seen.at >= at ? { ...seen, count } : { newest: job, at, count },
    );
  }
  return [...groups.values()].map(({ newest, at, count }) => ({
    command: newest.command,
    exit_code: lastExitCode(newest),
    signal: newest.history.at(-1)?.signal ?? null,
    count,
    newest_at: isoTime(at),
    newest_id: newest.id,
  })).sort((a, b) =>
    b.count - a.count || compare(b.newest_at, a.newest_at) || compare(a.command, b.command)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
