// The JSON that goes to and fro, as the OpenAPI document describes it (JSON Schema). Tests hold the
// answers of all routes against it.
import { CHANGE_SCHEMAS } from "./change_schemas.ts";
import {
  anything,
  listOf,
  mapOf,
  number,
  object,
  objectWith,
  type Schema,
  text,
  textOrNull,
  time,
  timeOrNull,
  whole,
  wholeOrNull,
  yes,
} from "./schema.ts";

/** One of `SCHEMAS`. */
export function ref(name: keyof typeof SCHEMAS): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const job = {
  id: text,
  command: text,
  state: {
    type: "string",
    enum: ["pending", "blocked", "processing", "completed", "failed", "dead", "cancelled"],
  },
  priority: whole,
  cwd: text,
  env: { ...mapOf(text), description: "Values are always ***" },
  max_retries: whole,
  timeout: { ...number, description: "Seconds; 0: none" },
  created_at: time,
  updated_at: time,
  run_at: timeOrNull,
  queue: text,
  group: textOrNull,
  after: listOf(text),
  after_any: listOf(text),
  unique: textOrNull,
  start_by: timeOrNull,
  schedule: textOrNull,
  attempts: whole,
  reason: textOrNull,
} satisfies Record<string, Schema>;

const attempt = object({
  attempt: whole,
  worker: text,
  host: textOrNull,
  pid: whole,
  started_at: time,
  ended_at: timeOrNull,
  outcome: textOrNull,
  exit_code: wholeOrNull,
  signal: textOrNull,
  error: textOrNull,
});

/** In lists: how, and for how long, is told without a request for each job. */
const listed = {
  ...job,
  last: {
    ...attempt,
    type: ["object", "null"],
    description: "The last attempt that ended",
  },
} satisfies Record<string, Schema>;

const counts = object({
  pending: whole,
  blocked: whole,
  processing: whole,
  completed: whole,
  failed: whole,
  dead: whole,
  cancelled: whole,
});

const worker = object({
  name: text,
  pid: whole,
  host: text,
  state: { type: "string", enum: ["idle", "busy"] },
  job_id: textOrNull,
  started_at: time,
  last_seen_at: time,
});

const ended = object({
  completed: whole,
  dead: whole,
  cancelled: whole,
  failed_share: { type: ["number", "null"] },
});

const due: Schema = {
  type: ["object", "null"],
  properties: { id: text, due_at: time },
  required: ["id", "due_at"],
};

const histogram = object({
  le: { ...listOf(number), description: "Upper bounds in seconds" },
  counts: { ...listOf(whole), description: "In each class; one more than bounds" },
  sum: { ...number, description: "Seconds" },
});

const queue = object({
  name: text,
  waiting: whole,
  running: whole,
  limit: wholeOrNull,
  rate: {
    type: ["object", "null"],
    properties: { count: whole, seconds: number },
    required: ["count", "seconds"],
  },
  paused: yes,
  oldest_waiting_at: timeOrNull,
});

const schedule = {
  name: text,
  tz: text,
  missed: text,
  overlap: text,
  created_at: time,
  next_at: timeOrNull,
  paused: yes,
  owed: listOf(time),
  last_at: timeOrNull,
  last_job_id: textOrNull,
  skipped: whole,
  last_skipped_at: timeOrNull,
  job: mapOf(anything),
};

/** Of these one is always there. */
const when = {
  cron: { ...text, description: "A pattern, or there is `every`" },
  every: { ...number, description: "Seconds" },
};

export const SCHEMAS = {
  Job: object(listed),
  JobPage: object({
    ...job,
    history: listOf(attempt),
    orphaned: { ...yes, description: "It runs, and its worker is gone" },
    logs: listOf(object({ attempt: whole, size: whole })),
  }),
  Jobs: object({
    jobs: listOf({ $ref: "#/components/schemas/Job" }),
    next_cursor: textOrNull,
    looked_to: {
      ...timeOrNull,
      description: "How far back it was looked, where time ended the search: go on with the cursor",
    },
  }),
  Failures: object({ jobs: listOf({ $ref: "#/components/schemas/Job" }) }),
  Graph: object({
    nodes: listOf(object({ id: text, command: textOrNull, state: textOrNull })),
    edges: listOf(object({ from: text, to: text, any: yes })),
    cut: { ...yes, description: "There are more" },
  }),
  NewJob: {
    type: "object",
    description: "As a line of enqueue --file",
    properties: {
      command: text,
      id: text,
      priority: whole,
      cwd: text,
      env: mapOf(text),
      max_retries: whole,
      timeout: anything,
      delay: anything,
      run_at: textOrNull,
      queue: text,
      group: textOrNull,
      after: anything,
      after_any: anything,
      unique: textOrNull,
      start_by: anything,
    },
    required: ["command"],
    additionalProperties: false,
  },
  Enqueued: object({
    id: { ...text, description: "The job, or the one that has its key" },
    enqueued: yes,
    remark: textOrNull,
  }),
  Nothing: { type: "object", description: "There is nothing to say: {}" },
  Done: object({ id: text }),
  ...CHANGE_SCHEMAS,
  Status: object({
    data_dir: textOrNull,
    store: text,
    jobs: counts,
    workers: listOf(worker),
    version: text,
    now: time,
    read_only: yes,
    allow_enqueue: yes,
    orphans: { ...whole, description: "How many jobs run whose worker is gone" },
    oldest_waiting: due,
    next_due: due,
    ended: object({ minute: ended, hour: ended, day: ended }),
  }),
  Activity: object({
    from: time,
    step: { ...number, description: "Seconds" },
    completed: listOf(whole),
    dead: listOf(whole),
    cancelled: listOf(whole),
    wait: histogram,
    duration: histogram,
  }),
  Queue: queue,
  Schedule: objectWith(when, schedule),
  SchedulePage: objectWith(when, {
    ...schedule,
    next: listOf(time),
    history: listOf({ $ref: "#/components/schemas/Job" }),
  }),
  Dlq: object({
    total: whole,
    oldest_at: timeOrNull,
    newest_at: timeOrNull,
    by_outcome: mapOf(whole),
    by_exit_code: mapOf(whole),
    groups: listOf(object({
      command: text,
      exit_code: wholeOrNull,
      signal: { ...textOrNull, description: "That ended the newest one" },
      count: whole,
      newest_at: time,
      newest_id: text,
    })),
    left_out: { ...whole, description: "How many groups there are beside" },
  }),
  Config: mapOf({ type: ["string", "number"] }),
  Session: {
    type: "object",
    properties: { token: text, code: text },
    additionalProperties: false,
  },
  Error: object({ error: object({ code: text, message: text, hint: textOrNull }) }),
} as const satisfies Record<string, Schema>;
