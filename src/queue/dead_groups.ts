// Dead jobs grouped by what they have in common: the command, and how it ended.
import { type Job, lastExitCode } from "./job.ts";
import { isoTime } from "./job_json.ts";

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

type Seen = Omit<DeadGroup, "newest_at"> & { readonly at: number };

export class DeadGroups {
  readonly #groups = new Map<string, Seen>();

  add(job: Job): void {
    const { id, command, status, history } = job;
    if (status.state !== "dead") return;
    const exit_code = lastExitCode(job);
    const key = `${exit_code} ${command}`;
    const seen = this.#groups.get(key);
    const count = (seen?.count ?? 0) + 1;
    const signal = history.at(-1)?.signal ?? null;
    const isNewest = seen === undefined || status.since > seen.at;
    this.#groups.set(
      key,
      isNewest
        ? { command, exit_code, signal, count, at: status.since, newest_id: id }
        : { ...seen, count },
    );
  }

  /** The biggest first. */
  list(): DeadGroup[] {
    return [...this.#groups.values()]
      .map(({ at, ...group }) => ({ ...group, newest_at: isoTime(at) }))
      .sort((a, b) =>
        b.count - a.count || compare(b.newest_at, a.newest_at) || compare(a.command, b.command)
      );
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
