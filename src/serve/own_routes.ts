// Routes of the server itself: session, metrics, health. Those that need no token among them.
import { QueueError } from "../queue/errors.ts";
import { Problem } from "./answer.ts";
import type { Parts } from "./parts.ts";
import { readMetrics } from "./read_metrics.ts";
import type { Asked, Route } from "./route.ts";
import { ref } from "./schemas.ts";

export const OWN_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/api/session",
    summary: "Exchange the token, or a one-time code, for a cookie",
    body: ref("Session"),
    answer: { status: 204 },
    open: "always",
    isSafe: true,
    handle: beginSession,
  },
  {
    method: "GET",
    path: "/metrics",
    summary: "Prometheus' text format",
    answer: { type: "text/plain" },
    open: "metrics",
    handle: showMetrics,
  },
  {
    method: "GET",
    path: "/healthz",
    summary: "Say whether the store answers",
    answer: { type: "text/plain" },
    open: "always",
    handle: showHealth,
  },
];

function beginSession({ body }: Asked, { access, now, port }: Parts): Response {
  const { token, code, ...unknown } = (body ?? {}) as Record<string, unknown>;
  const isFine = typeof token === "string" && code === undefined ||
    typeof code === "string" && token === undefined;
  if (!isFine || Object.keys(unknown).length > 0) {
    throw new QueueError("usage", 'Either "token" or "code" is needed');
  }
  const isGood = typeof token === "string"
    ? access.isToken(token)
    : access.spend(code as string, now());
  if (!isGood) {
    throw new Problem(401, "unauthorized", "That is not the token, or the code was used", {
      hint: "queuectl serve --print-token",
    });
  }
  return new Response(null, { status: 204, headers: { "set-cookie": access.setCookie(port()) } });
}

async function showMetrics(_: Asked, parts: Parts): Promise<Response> {
  const { store, jobs, remembered, version, now } = parts;
  const figures = {
    counts: await remembered.counts.get(),
    queues: await remembered.queues.get(),
    tally: await remembered.tally.get(),
  };
  return new Response(await readMetrics(store, jobs, figures, { version, now: now() }), {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  });
}

async function showHealth(_: Asked, { remembered }: Parts): Promise<Response> {
  try {
    await remembered.counts.get();
  } catch {
    // Why is no matter of those who need no token.
    return new Response("the store does not answer\n", { status: 503 });
  }
  return new Response("ok\n");
}
