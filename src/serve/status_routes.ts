// Routes of the whole: status, activity, the dead letter queue, settings, events.
import { QueueError } from "../queue/errors.ts";
import { isJobId } from "../queue/job.ts";
import { isoTime } from "../queue/job_json.ts";
import { readActivity, readFigures } from "../queue/status.ts";
import { dlqStatsJson } from "../view/dlq.ts";
import { statusJson } from "../view/json.ts";
import { figuresJson } from "../view/system_info.ts";
import { activityOf } from "./activity.ts";
import { json } from "./answer.ts";
import type { LogName } from "./events.ts";
import type { Parts } from "./parts.ts";
import type { Asked, Route } from "./route.ts";
import { ref } from "./schemas.ts";

const MOST_WATCHED = 200;
const MOST_LOGS = 8;
const MOST_GROUPS = 200;

export const STATUS_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/status",
    summary: "Count jobs, list workers and what they run, and what has ended of late",
    answer: { schema: ref("Status") },
    handle: showStatus,
  },
  {
    method: "GET",
    path: "/api/activity",
    summary: "Count what ended in each part of the last hour or day; how long jobs waited and ran",
    query: [{ name: "period", about: "hour (default) or day" }],
    answer: { schema: ref("Activity") },
    handle: async ({ query }, parts) => json(await activityOf(query.text("period"), parts)),
  },
  {
    method: "GET",
    path: "/api/dlq",
    summary: "Count dead jobs by how they ended, and by command",
    answer: { schema: ref("Dlq") },
    handle: showDlq,
  },
  {
    method: "GET",
    path: "/api/config",
    summary: "Show the settings",
    answer: { schema: ref("Config") },
    handle: async (_, { store }) => json(await (await store.settings()).load()),
  },
  {
    method: "GET",
    path: "/api/events",
    summary: "Hear of counts and workers, and of the jobs and logs named, whenever they change",
    query: [
      { name: "ids", about: `Whole ids, separated by commas, at most ${MOST_WATCHED}` },
      {
        name: "log",
        repeatable: true,
        about: `An id, or ID:ATTEMPT; at most ${MOST_LOGS}`,
      },
    ],
    answer: { type: "text/event-stream" },
    isLong: true,
    handle: openEvents,
  },
];

async function showStatus(_: Asked, parts: Parts): Promise<Response> {
  const { store, jobs, options, version, now } = parts;
  const activity = await readActivity(jobs, await store.workers());
  return json({
    ...statusJson({ dataDir: store.dataDir, store: store.name, ...activity }),
    version,
    now: isoTime(now()),
    read_only: options.readOnly,
    allow_enqueue: options.allowEnqueue,
    orphans: activity.orphans,
    ...figuresJson(await readFigures(jobs, now())),
  });
}

async function showDlq(_: Asked, { remembered }: Parts): Promise<Response> {
  const { stats, groups } = await remembered.dlq.get();
  // What it would say of commands is in the groups.
  const { by_command: _all, ...figures } = dlqStatsJson(stats);
  const left_out = Math.max(0, groups.length - MOST_GROUPS);
  return json({ ...figures, groups: groups.slice(0, MOST_GROUPS), left_out });
}

function openEvents({ query }: Asked, { events }: Parts): Response {
  const ids = (query.text("ids") ?? "").split(",").filter((id) => id !== "");
  const logs = query.texts("log").map(logNameOf);
  if (ids.length > MOST_WATCHED || logs.length > MOST_LOGS || !ids.every(isJobId)) {
    throw new QueueError(
      "usage",
      `At most ${MOST_WATCHED} ids, whole ones, and ${MOST_LOGS} logs can be watched`,
    );
  }
  return new Response(events.open({ ids, logs }), {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store, no-transform" },
  });
}

function logNameOf(text: string): LogName {
  const [, id = "", attempt] = /^([^:]+)(?::(\d{1,6}))?$/.exec(text) ?? [];
  if (!isJobId(id)) throw new QueueError("usage", `log takes ID or ID:ATTEMPT, not "${text}"`);
  return { id, attempt: attempt === undefined ? undefined : Number(attempt) };
}
