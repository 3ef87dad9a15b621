// Routes of queues.
import { checkName } from "../queue/enqueue.ts";
import { queueToJson } from "../queue/queue_json.ts";
import { UNRESTRICTED } from "../queue/queues.ts";
import { json } from "./answer.ts";
import type { Parts } from "./parts.ts";
import type { Asked, Route } from "./route.ts";
import { listOf } from "./schema.ts";
import { ref } from "./schemas.ts";

export const QUEUE_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/api/queues",
    summary: "List queues, what waits and runs in them, and what is set",
    answer: { schema: listOf(ref("Queue")) },
    handle: async (_, { remembered }) => json((await remembered.queues.get()).map(queueToJson)),
  },
  {
    method: "POST",
    path: "/api/queues/{name}/pause",
    summary: "Let no job of a queue begin",
    body: ref("Nothing"),
    answer: { schema: ref("Queue") },
    handle: (asked, parts) => setPaused(asked, parts, true),
  },
  {
    method: "POST",
    path: "/api/queues/{name}/resume",
    summary: "Let the jobs of a queue begin again",
    body: ref("Nothing"),
    answer: { schema: ref("Queue") },
    handle: (asked, parts) => setPaused(asked, parts, false),
  },
];

async function setPaused(
  { path }: Asked,
  { store, remembered }: Parts,
  paused: boolean,
): Promise<Response> {
  const name = path.name!;
  checkName("queue", name);
  const queues = await store.queues();
  await queues.change([name], (before) => ({ ...before, paused }));
  remembered.queues.forget();
  const after = (await remembered.queues.get()).find((queue) => queue.name === name);
  // One of which nothing is set, and that has no jobs, is not there any more.
  const idle = { waiting: 0, failed: 0, blocked: 0, running: 0, oldestWaitingAt: null };
  return json(queueToJson(after ?? { ...UNRESTRICTED, ...idle, name, paused }));
}
