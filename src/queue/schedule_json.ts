// Schedules as JSON, with the names that users, scripts and files see.
import { isEnvName } from "./job.ts";
import { isoTime } from "./job_json.ts";
import {
  isScheduleName,
  MISSED,
  OVERLAP,
  type Schedule,
  type ScheduledJob,
  type ScheduleEntry,
  type ScheduleState,
} from "./schedule.ts";

type Json = Readonly<Record<string, unknown>>;

const isNumber = (value: unknown) => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown) => typeof value === "string";

/**
 * Which values each field of the job may have. In JSON its name is in snake_case, and fields that
 * were not given are left out.
 */
const JOB_FIELDS: Readonly<Record<keyof ScheduledJob, (value: unknown) => boolean>> = {
  command: isText,
  cwd: isText,
  env: (value) =>
    isObject(value) &&
    Object.entries(value).every(([name, text]) => isEnvName(name) && isText(text)),
  priority: isNumber,
  maxRetries: isNumber,
  timeout: isNumber,
  delay: isNumber,
  queue: isText,
  group: isText,
  unique: isText,
  startBy: isNumber,
};

/** The definition of a schedule as JSON. */
export function scheduleToJson({ name, when, tz, missed, overlap, createdAt, job }: Schedule) {
  return {
    name,
    ...(when.kind === "cron" ? { cron: when.pattern } : { every: when.seconds }),
    tz,
    missed,
    overlap,
    created_at: isoTime(createdAt),
    job: jobToJson(job),
  };
}

function jobToJson(job: ScheduledJob): Record<string, unknown> {
  const fields = Object.entries(job).filter(([, value]) => value !== undefined);
  return Object.fromEntries(fields.map(([name, value]) => [snake(name), value]));
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The state of a schedule as JSON. */
export function scheduleStateToJson(state: ScheduleState) {
  return {
    paused: state.paused,
    since: isoTime(state.since),
    owed: state.owed.map(isoTime),
    last_at: state.lastAt === null ? null : isoTime(state.lastAt),
    last_job_id: state.lastJobId,
    skipped: state.skipped,
    last_skipped_at: state.lastSkippedAt === null ? null : isoTime(state.lastSkippedAt),
  };
}

/** The schedule that a JSON value describes; undefined if it is invalid. */
export function scheduleFromJson(value: unknown): ScheduleEntry | undefined {
  if (!isObject(value)) return undefined;
  const schedule = requestFrom(value);
  const state = stateFrom(value);
  return schedule && state && { schedule, state };
}

function requestFrom(value: Json): Schedule | undefined {
  const { name, cron, every, tz } = value;
  const createdAt = timeFrom(value["created_at"]);
  const missed = MISSED.find((word) => word === value["missed"]);
  const overlap = OVERLAP.find((word) => word === value["overlap"]);
  const job = jobFrom(value["job"]);
  const when: Schedule["when"] | undefined = typeof cron === "string"
    ? { kind: "cron", pattern: cron }
    : typeof every === "number" && every >= 1
    ? { kind: "every", seconds: every }
    : undefined;
  if (typeof name !== "string" || !isScheduleName(name) || typeof tz !== "string") {
    return undefined;
  }
  if (createdAt === undefined || when === undefined || job === undefined) return undefined;
  if (missed === undefined || overlap === undefined) return undefined;
  return { name, when, tz, missed, overlap, createdAt, job };
}

function jobFrom(value: unknown): ScheduledJob | undefined {
  if (!isObject(value)) return undefined;
  const job: Record<string, unknown> = {};
  for (const [name, isRight] of Object.entries(JOB_FIELDS)) {
    const field = value[snake(name)];
    if (field === undefined && name !== "command" && name !== "cwd") continue;
    if (!isRight(field)) return undefined;
    job[name] = field;
  }
  return job as unknown as ScheduledJob;
}

function stateFrom(value: Json): ScheduleState | undefined {
  const { paused, owed, last_job_id: lastJobId, skipped } = value;
  const since = timeFrom(value["since"]);
  const lastAt = timeOrNull(value["last_at"]);
  const lastSkippedAt = timeOrNull(value["last_skipped_at"]);
  if (typeof paused !== "boolean" || since === undefined || !Array.isArray(owed)) return undefined;
  const times = owed.map(timeFrom);
  if (lastAt === undefined || lastSkippedAt === undefined) return undefined;
  if (lastJobId !== null && typeof lastJobId !== "string") return undefined;
  if (typeof skipped !== "number" || times.includes(undefined)) return undefined;
  return { paused, since, owed: times as number[], lastAt, lastJobId, skipped, lastSkippedAt };
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function timeFrom(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? undefined : time;
}

function timeOrNull(value: unknown): number | null | undefined {
  return value === null ? null : timeFrom(value);
}
