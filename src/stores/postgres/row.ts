// A job as a row of the table `jobs`, and back.
import {
  attemptsBegun,
  isWaiting,
  type Job,
  type Status,
  turnTime,
  type Waiting,
} from "../../queue/job.ts";
import { type AttemptJson, attemptToJson } from "../../queue/job_json.ts";
import type { Attempt, Outcome } from "../../queue/outcome.ts";
import { timestamp } from "./connection.ts";

/** As the driver gives it: times in milliseconds. */
export interface Row {
  readonly id: string;
  readonly command: string;
  readonly state: Status["state"];
  readonly queue: string;
  readonly priority: number;
  readonly since: number;
  readonly run_at: number | null;
  readonly created_at: number;
  readonly sequence: number;
  readonly attempts: number;
  readonly worker: string | null;
  readonly host: string | null;
  readonly pid: number | null;
  readonly started_at: number | null;
  readonly before_state: Waiting["state"] | null;
  readonly awaited: boolean;
  readonly owes: boolean;
  readonly counted_from: number;
  readonly max_retries: number;
  readonly timeout: number;
  readonly not_before: number | null;
  readonly start_by: number | null;
  readonly group_name: string | null;
  readonly unique_key: string | null;
  readonly schedule: string | null;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly after: readonly string[];
  readonly after_any: readonly string[];
  readonly met: readonly string[];
  readonly reason: string | null;
  readonly history: readonly AttemptJson[];
}

export function jobOf(row: Row): Job {
  return {
    id: row.id,
    command: row.command,
    priority: row.priority,
    cwd: row.cwd,
    env: row.env,
    maxRetries: row.max_retries,
    timeout: row.timeout,
    createdAt: row.created_at,
    sequence: row.sequence,
    runAt: row.not_before,
    queue: row.queue,
    group: row.group_name,
    after: row.after,
    afterAny: row.after_any,
    unique: row.unique_key,
    startBy: row.start_by,
    schedule: row.schedule,
    status: statusOf(row),
    history: row.history.map(attemptOf),
    countedFrom: row.counted_from,
  };
}

function statusOf(row: Row): Status {
  const { state, since, run_at: runAt } = row;
  switch (state) {
    case "pending":
      return { state, since, runAt };
    case "blocked":
      return { state, since, runAt, met: row.met };
    case "failed":
      return { state, since, runAt: runAt ?? since };
    case "cancelled":
      return { state, since, reason: row.reason };
    case "completed":
    case "dead":
      return { state, since };
    case "processing":
      return {
        state,
        running: {
          attempt: row.attempts,
          worker: row.worker ?? "",
          host: row.host,
          pid: row.pid ?? 0,
          startedAt: row.started_at ?? since,
        },
        before: row.before_state === "failed"
          ? { state: "failed", since, runAt: runAt ?? since }
          : { state: "pending", since, runAt },
      };
  }
}

function attemptOf(json: AttemptJson): Attempt {
  return {
    attempt: json.attempt,
    worker: json.worker,
    host: json.host,
    pid: json.pid,
    startedAt: Date.parse(json.started_at),
    endedAt: Date.parse(json.ended_at ?? json.started_at),
    outcome: json.outcome as Outcome,
    exitCode: json.exit_code,
    signal: json.signal,
    error: json.error,
  };
}

/** The columns that are written, with their types; each with what it is of a job. */
const COLUMNS: Readonly<Record<string, readonly [type: string, of: (job: Job) => unknown]>> = {
  id: ["text", (job) => job.id],
  command: ["text", (job) => job.command],
  state: ["text", (job) => job.status.state],
  queue: ["text", (job) => job.queue],
  priority: ["integer", (job) => job.priority],
  turn: ["timestamptz", (job) => isWaiting(job.status) ? time(turnTime(job, job.status)) : null],
  since: ["timestamptz", (job) => time(resting(job).since)],
  run_at: ["timestamptz", (job) => time(runAtOf(resting(job)))],
  created_at: ["timestamptz", (job) => time(job.createdAt)],
  sequence: ["integer", (job) => job.sequence],
  attempts: ["integer", attemptsBegun],
  worker: ["text", (job) => runningOf(job)?.worker ?? null],
  host: ["text", (job) => runningOf(job)?.host ?? null],
  pid: ["bigint", (job) => runningOf(job)?.pid ?? null],
  started_at: ["timestamptz", (job) => time(runningOf(job)?.startedAt ?? null)],
  before_state: ["text", (job) => runningOf(job) === undefined ? null : resting(job).state],
  counted_from: ["integer", (job) => job.countedFrom],
  max_retries: ["integer", (job) => job.maxRetries],
  timeout: ["double precision", (job) => job.timeout],
  not_before: ["timestamptz", (job) => time(job.runAt)],
  start_by: ["timestamptz", (job) => time(job.startBy)],
  group_name: ["text", (job) => job.group],
  unique_key: ["text", (job) => job.unique],
  schedule: ["text", (job) => job.schedule],
  cwd: ["text", (job) => job.cwd],
  env: ["jsonb", (job) => JSON.stringify(job.env)],
  after: ["text[]", (job) => arrayLiteral(job.after)],
  after_any: ["text[]", (job) => arrayLiteral(job.afterAny)],
  met: ["text[]", (job) => arrayLiteral(job.status.state === "blocked" ? job.status.met : [])],
  reason: ["text", (job) => job.status.state === "cancelled" ? job.status.reason : null],
  history: ["jsonb", (job) => JSON.stringify(job.history.map(attemptToJson))],
};

const ALL = Object.keys(COLUMNS);

/** What never changes once a job is there. */
const FIXED = [
  "id",
  "command",
  "created_at",
  "sequence",
  "group_name",
  "unique_key",
  "schedule",
  "cwd",
  "env",
  "after",
  "after_any",
];
const CHANGING = ALL.filter((name) => !FIXED.includes(name));

/** Where a job stands in the line, made of its new columns: see schema_jobs.ts. */
const lineOf = (from: string) =>
  `case when ${from}.state not in ('pending', 'failed') then null
    when ${from}.run_at is not null then 'later'
    when exists (select from queuectl.queues q where q.name = ${from}.queue) then 'gate'
    else 'open' end`;

/** A statement and its values. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * What adds the rows of new jobs. A column is sent once where all of them have the same in it, as
 * most of a batch have in most columns: that saves the server a third of its work.
 */
export function insertOf(jobs: readonly Job[]): Statement {
  const values: unknown[] = [];
  const [names, arrays]: [string[], string[]] = [[], []];
  const columns = ALL.map((name) => {
    const [type, of] = COLUMNS[name]!;
    const column = jobs.map((job) => of(job));
    // Ids are always sent as they are: by them it is known how many rows there are.
    const isSame = name !== "id" && column.every((value) => value === column[0]);
    const place = `$${values.push(isSame ? column[0] : column)}`;
    if (isSame) return `${place}::${type} as ${name}`;
    names.push(name);
    arrays.push(`${place}::${arrayType(name)}[]`);
    return `each.${name}${cast(name)} as ${name}`;
  });
  const text = `insert into queuectl.jobs (${ALL.join(", ")}, line)
    select new.*, ${lineOf("new")} from (
      select ${columns.join(", ")}
      from unnest(${arrays.join(", ")}) as each(${names.join(", ")})
    ) as new`;
  return { text, values };
}

/** Writes all that may have changed of the jobs in `columnsOf`. */
export const UPDATE = `update queuectl.jobs j
set (${CHANGING.join(", ")}, line) =
  (${CHANGING.map((name) => `new.${name}${cast(name)}`).join(", ")}, ${lineOf("new")})
from unnest(${["id", ...CHANGING].map((name, i) => `$${i + 1}::${arrayType(name)}[]`).join(", ")})
  as new(id, ${CHANGING.join(", ")})
where j.id = new.id`;

/** The values of `UPDATE`. */
export function columnsOf(jobs: readonly Job[]): unknown[][] {
  return ["id", ...CHANGING].map((name) => {
    const [, of] = COLUMNS[name]!;
    return jobs.map((job) => of(job));
  });
}

/** What may become of a running job by whoever has claimed it: the arguments of `queuectl.finish`. */
const AFTER_RUN = ["state", "since", "run_at", "turn", "attempts", "counted_from", "reason"];

/**
 * What a step makes of a job that runs, as `queuectl.finish` takes it; undefined if more changes
 * than that takes.
 */
export function endOf(before: Job, after: Job): unknown[] | undefined {
  const same = ["priority", "queue", "maxRetries", "timeout", "runAt", "startBy"] as const;
  if (after.status.state === "processing" || after.status.state === "blocked") return undefined;
  if (same.some((name) => before[name] !== after[name])) return undefined;
  return [
    ...AFTER_RUN.map((name) => COLUMNS[name]![1](after)),
    JSON.stringify(after.history.slice(before.history.length).map(attemptToJson)),
  ];
}

/** Arrays can't be unnested to arrays: each is sent as its text. */
function arrayType(name: string): string {
  const [type] = COLUMNS[name]!;
  return type.endsWith("[]") ? "text" : type;
}

function cast(name: string): string {
  const [type] = COLUMNS[name]!;
  return type.endsWith("[]") ? `::${type}` : "";
}

function time(value: number | null): string | null {
  return value === null ? null : timestamp(value);
}

/** The state of a job; of one that runs, the one before it was claimed. */
function resting({ status }: Job): Exclude<Status, { state: "processing" }> {
  return status.state === "processing" ? status.before : status;
}

function runningOf({ status }: Job) {
  return status.state === "processing" ? status.running : undefined;
}

function runAtOf(status: Status): number | null {
  return "runAt" in status ? status.runAt : null;
}

function arrayLiteral(values: readonly string[]): string {
  return `{${values.map((one) => `"${one.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}
