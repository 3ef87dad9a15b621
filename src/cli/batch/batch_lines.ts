// A line of `enqueue --file`: a shell command, or a JSON object.
import * as v from "valibot";
import { DURATION_FORMS, parseDuration } from "../../queue/durations.ts";
import type { NewJob } from "../../queue/enqueue.ts";
import { PRIORITY_LIMIT } from "../../queue/job.ts";
import { QueueError } from "../../queue/errors.ts";
import { nearest } from "../../queue/nearest.ts";
import { parseTime, TIME_FORMS } from "../../queue/times.ts";
import { resolve } from "../../system/paths.ts";
import { parseStartBy } from "../start_by.ts";

const text = v.string("takes text");

const seconds = v.pipe(
  v.union([v.number(), v.string()], `takes ${DURATION_FORMS}`),
  v.transform((value) => parseDuration(String(value))),
  v.number(`takes ${DURATION_FORMS}`),
);

function whole(min: number, max: number) {
  const message = `takes a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(min, message),
    v.maxValue(max, message),
  );
}

/** A list of ids, or a single id. */
const ids = v.pipe(
  v.union([v.array(v.string()), v.string()], "takes a list of ids"),
  v.transform((value) => typeof value === "string" ? [value] : value),
  v.check((list) => list.every((id) => id !== ""), "takes a list of ids, and one was empty"),
);

const FIELDS = {
  command: text,
  id: v.optional(text),
  priority: v.optional(whole(-PRIORITY_LIMIT, PRIORITY_LIMIT)),
  cwd: v.optional(text),
  env: v.optional(v.record(v.string(), text, "takes an object whose values are text")),
  max_retries: v.optional(whole(0, 1000)),
  timeout: v.optional(seconds),
  delay: v.optional(seconds),
  run_at: v.nullish(v.string(`takes ${TIME_FORMS}`)),
  queue: v.optional(text),
  group: v.nullish(text),
  after: v.optional(ids),
  after_any: v.optional(ids),
  unique: v.nullish(text),
  start_by: v.nullish(
    v.union([v.number(), v.string()], `takes ${DURATION_FORMS}, or ${TIME_FORMS}`),
  ),
};
const NEW_JOB = v.strictObject(FIELDS, "takes an object");

/**
 * Returns a function that reads one line. Fields that a line leaves out come from `common`; `delay`
 * counts from `now`. The function returns undefined for a blank line or a comment, and throws
 * QueueError `usage` if the line is wrong.
 */
export function newJobReader(
  common: Omit<NewJob, "command">,
  now: number,
): (line: string) => NewJob | undefined {
  return (line) => {
    const content = line.trim();
    if (content === "" || content.startsWith("#")) return undefined;
    // `{ ls; }` is a shell command. JSON is only what begins like an object with a key, or like an
    // empty object.
    if (!/^\{\s*["}]/.test(content)) return { ...common, command: content };
    return newJobFrom(content, common, now);
  };
}

/**
 * A job that is written as a JSON object. What it leaves out is as in `common`.
 * @throws QueueError `usage`
 */
export function newJobFrom(json: string, common: Omit<NewJob, "command">, now: number): NewJob {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new QueueError("usage", `it is not JSON: ${(error as Error).message}`);
  }
  const result = v.safeParse(NEW_JOB, value, { abortPipeEarly: true });
  if (!result.success) throw new QueueError("usage", result.issues.map(reasonOf).join("; "));
  const { command, id, priority, cwd, env, max_retries, timeout, delay, run_at } = result.output;
  const { queue, group, after, after_any, unique, start_by } = result.output;
  if (delay !== undefined && run_at) {
    throw new QueueError("usage", "delay and run_at cannot be given together");
  }
  return {
    command,
    id,
    priority: priority ?? common.priority,
    cwd: cwd === undefined ? common.cwd : resolve(common.cwd, cwd),
    env: { ...common.env, ...env },
    maxRetries: max_retries ?? common.maxRetries,
    timeout: timeout ?? common.timeout,
    runAt: delay !== undefined ? now + delay * 1000 : run_at ? timeOf(run_at, now) : common.runAt,
    queue: queue ?? common.queue,
    group: group ?? common.group,
    after: after ?? common.after,
    afterAny: after_any ?? common.afterAny,
    unique: unique ?? common.unique,
    startBy: start_by === undefined || start_by === null
      ? common.startBy
      : parseStartBy("start_by", String(start_by), now),
  };
}

function timeOf(written: string, now: number): number {
  const time = parseTime(written, now);
  if (time === undefined) throw new QueueError("usage", `run_at takes ${TIME_FORMS}`);
  return time;
}

function reasonOf(issue: v.BaseIssue<unknown>): string {
  const path = (issue.path ?? []).map(({ key }) => String(key));
  const name = path.join(".");
  if (path.length === 1 && issue.expected === "never") {
    const meant = nearest(name, Object.keys(FIELDS));
    return `unknown field "${name}"${meant === undefined ? "" : `, did you mean "${meant}"?`}`;
  }
  if (path.length === 1 && !Object.hasOwn(issue.path![0].input as object, name)) {
    return `"${name}" is missing`;
  }
  return `${name} ${issue.message}`;
}
