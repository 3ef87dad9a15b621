// Routes of changes of many jobs that go on in the background.
import { QueueError } from "../queue/errors.ts";
import { json } from "./answer.ts";
import { changeOf } from "./bulk.ts";
import { mustBeKnown, objectIn, targetOf } from "./bulk_target.ts";
import { Change, type Verb, VERBS } from "./changes.ts";
import { queryOf } from "./filter.ts";
import type { Parts } from "./parts.ts";
import type { Asked, Route } from "./route.ts";
import { listOf } from "./schema.ts";
import { ref } from "./schemas.ts";

/** Milliseconds for which the answer waits: most changes have ended by then. */
const PATIENCE = 300;

export const CHANGE_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/changes",
    summary: "List changes of many jobs that go on, or have ended of late",
    answer: { schema: listOf(ref("Change")) },
    handle: (_, { changes }) => json(changes.list().map((change) => change.toJson())),
  },
  {
    method: "POST",
    path: "/api/changes",
    summary: "Begin to retry, cancel or remove all jobs that fit, and go on in the background",
    body: ref("NewChange"),
    answer: { status: 202, schema: ref("Change") },
    handle: beginChange,
  },
  {
    method: "GET",
    path: "/api/changes/{id}",
    summary: "Show how far a change has come",
    answer: { schema: ref("Change") },
    handle: ({ path }, { changes }) => json(changes.find(path.id!).toJson()),
  },
  {
    method: "POST",
    path: "/api/changes/{id}/stop",
    summary: "Change no more jobs; what is done stays",
    body: ref("Nothing"),
    answer: { schema: ref("Change") },
    handle: stopChange,
  },
];

async function beginChange({ body }: Asked, parts: Parts): Promise<Response> {
  const { verb, filter, ids, ...unknown } = objectIn("the body", body);
  mustBeKnown("", unknown);
  if (!VERBS.includes(verb as Verb)) {
    throw new QueueError("usage", `verb takes ${VERBS.join(", ")}`);
  }
  const target = targetOf(filter, ids);
  // What is wrong with the filter is told at once.
  if (target.filter !== undefined) queryOf(target.filter, parts.now());
  const change = new Change(verb as Verb, target, parts);
  await parts.changes.begin(change, changeOf(change.verb, target, parts), PATIENCE);
  return json(change.toJson(), 202);
}

function stopChange({ path }: Asked, { changes }: Parts): Response {
  const change = changes.find(path.id!);
  change.end();
  return json(change.toJson());
}
