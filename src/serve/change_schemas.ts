// The JSON of changes of many jobs. See schemas.ts.
import { CHANGE_STATES, VERBS } from "./changes.ts";
import {
  listOf,
  object,
  type Schema,
  text,
  textOrNull,
  time,
  timeOrNull,
  whole,
  yes,
} from "./schema.ts";

const filter: Schema = {
  type: "object",
  description: "{} means all",
  properties: {
    state: text,
    queue: text,
    group: text,
    command: text,
    exit_code: { ...text, description: "A whole number, or none" },
    since: text,
  },
  additionalProperties: false,
};

const target = {
  filter,
  ids: { ...listOf(text), description: "Whole ids, instead of a filter" },
} satisfies Record<string, Schema>;

const verb: Schema = { type: "string", enum: VERBS };

const bulkDone = {
  matched: { ...whole, description: "How many were found" },
  complete: { ...yes, description: "False: it was ended before all were seen" },
  done: whole,
  refused: whole,
  refusals: {
    ...listOf(object({ message: text, hint: textOrNull })),
    description: "The first of them",
  },
} satisfies Record<string, Schema>;

export const CHANGE_SCHEMAS = {
  Bulk: {
    type: "object",
    properties: { ...target, dry_run: { ...yes, description: "Only count" } },
    additionalProperties: false,
  },
  BulkDone: object(bulkDone),
  NewChange: {
    type: "object",
    properties: { verb, ...target },
    required: ["verb"],
    additionalProperties: false,
  },
  Change: object({
    id: text,
    verb,
    filter: {
      type: ["object", "null"],
      additionalProperties: text,
      description: "Null: the jobs were named by their ids",
    },
    state: {
      type: "string",
      enum: CHANGE_STATES,
      description: "looking: for the jobs that are meant",
    },
    started_at: time,
    ended_at: timeOrNull,
    error: { ...textOrNull, description: "Why it failed" },
    ...bulkDone,
  }),
} as const satisfies Record<string, Schema>;
