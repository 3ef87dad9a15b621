// JSON documents for `--json`. Values of environment variables are hidden unless asked for, since
// they may be secrets.
import type { Job } from "../queue/job.ts";
import { historyToJson, isoTime, type JobJson, jobToJson } from "../queue/job_json.ts";
import type { StatusView } from "./status.ts";

/** A job in the form of `list --json`. */
export function listedJob(job: Job): JobJson {
  return { ...jobToJson(job), env: hidden(job.env) };
}

/** A job in the form of `job show --json`. */
export function shownJob(job: Job, withEnv: boolean): JobJson {
  const shown = withEnv ? jobToJson(job) : listedJob(job);
  return { ...shown, history: historyToJson(job) };
}

/** The document of `status --json`. */
export function statusJson(status: StatusView): Record<string, unknown> {
  return {
    data_dir: status.dataDir,
    store: status.store,
    jobs: status.counts,
    workers: status.workers.map(({ name, pid, host, job, startedAt, lastSeenAt }) => ({
      name,
      pid,
      host,
      state: job === undefined ? "idle" : "busy",
      job_id: job?.id ?? null,
      started_at: isoTime(startedAt),
      last_seen_at: isoTime(lastSeenAt),
    })),
  };
}

/** Environment variables without their values. */
export function hidden(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(env).map((name) => [name, "***"]));
}
