// From a request to an answer: who asks, from where, what for. The one place that says no before a
// route is asked, and the one that words what was thrown.
import { messageOf } from "../queue/errors.ts";
import { isForeign, isOurs, type Shown } from "./access.ts";
import { json, Problem, problemOf } from "./answer.ts";
import { bodyOf } from "./body.ts";
import { openApi } from "./openapi.ts";
import { PAGE } from "./page.ts";
import type { Parts } from "./parts.ts";
import { Query, type Route, routesAt } from "./route.ts";
import { ROUTES } from "./routes.ts";

/** Milliseconds that an answer may take. */
const LONGEST = 30_000;
const LONGEST_URL = 16 * 1024;

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

export interface HandlerParts extends Parts {
  /** Whether a Host header names us. */
  readonly isOurHost: (host: string) => boolean;
  /** Told of bugs, and of what the system refused. */
  readonly warn: (message: string) => void;
}

/** What answers requests. It never throws. */
export function handlerOf(parts: HandlerParts): (request: Request) => Promise<Response> {
  return async (request) => {
    let answer: Response;
    try {
      answer = await answerTo(request, parts);
    } catch (error) {
      answer = whyNot(error, request, parts);
    }
    if (request.method === "HEAD") {
      await answer.body?.cancel();
      answer = new Response(null, answer);
    }
    for (const [name, value] of Object.entries(HEADERS)) answer.headers.set(name, value);
    if (!answer.headers.has("cache-control")) answer.headers.set("cache-control", "no-store");
    return answer;
  };
}

async function answerTo(request: Request, parts: HandlerParts): Promise<Response> {
  // None if the Host header is no host at all, such as "[".
  const url = URL.parse(request.url);
  const host = request.headers.get("host") ?? url?.host ?? "";
  // HTTP/2, and a request line with a whole URL, name a host beside that header.
  if (url === null || !parts.isOurHost(host) || !parts.isOurHost(url.host)) {
    throw new Problem(421, "wrong_host", "This server has another name", {
      hint: "Ask for it by its address, or name it in QUEUECTL_SERVE_HOSTS",
    });
  }
  if (request.url.length > LONGEST_URL) throw new Problem(414, "too_large", "The URL is too long");
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (PAGE.has(url.pathname)) return pageAt(request, url, parts);

  if (isForeign(request.headers, host)) {
    throw new Problem(403, "forbidden", "Pages of other origins have no access");
  }
  if (url.pathname === "/api/openapi.json" && method === "GET") {
    mustBeLet(parts.access.shownBy(request.headers, parts.port()), parts);
    return json(openApi(ROUTES, parts.version));
  }
  const found = routesAt(ROUTES, url.pathname);
  if (found.length === 0) throw new Problem(404, "not_found", `There is no ${url.pathname}`);
  const at = found.find(({ route }) => route.method === method);
  if (at === undefined) {
    const allow = [...new Set(found.map(({ route }) => route.method))].join(", ");
    throw new Problem(405, "wrong_method", `${url.pathname} takes ${allow}`, {
      headers: { allow },
    });
  }
  const { route, path } = at;
  mustBeAllowed(route, request.headers, host, parts);
  const query = new Query(url.searchParams, route.query ?? []);
  const body = route.method === "POST" ? await bodyOf(request) : undefined;
  const asked = { headers: request.headers, path, query, body };
  const answer = await (route.isLong ? route.handle(asked, parts) : inTime(route, asked, parts));
  if (isChange(route)) { for (const one of Object.values(parts.remembered)) one.forget(); }
  return answer;
}

function isChange({ method, isSafe = false }: Route): boolean {
  return method === "POST" && !isSafe;
}

/** The page itself tells nothing, so it needs no token: it asks for one. */
function pageAt(
  { method, headers: asked }: Request,
  url: URL,
  { access, now, port }: HandlerParts,
): Response {
  if (method !== "GET" && method !== "HEAD") {
    throw new Problem(405, "wrong_method", "The page takes GET", { headers: { allow: "GET" } });
  }
  const code = url.searchParams.get("code");
  // A browser that only looks ahead must not use it up.
  const isMeant = method === "GET" && !asked.get("sec-purpose")?.includes("prefetch");
  if (url.pathname === "/" && code !== null && isMeant && access.spend(code, now())) {
    const headers = { location: "/", "set-cookie": access.setCookie(port()) };
    return new Response(null, { status: 303, headers });
  }
  const { type, text } = PAGE.get(url.pathname)!;
  return new Response(text, { headers: { "content-type": type } });
}

/** @throws Problem if whoever asks may not */
function mustBeAllowed(
  route: Route,
  headers: Headers,
  host: string,
  parts: HandlerParts,
): void {
  const { access, options, port } = parts;
  const shown = access.shownBy(headers, port());
  const isOpen = route.open === "always" || route.open === "metrics" && options.publicMetrics;
  if (!isOpen) mustBeLet(shown, parts);
  if (!isChange(route)) return;
  if (options.readOnly) {
    throw new Problem(403, "read_only", "This server only shows", {
      hint: "It was started with --read-only",
    });
  }
  if (shown !== "token" && !isOurs(headers, host)) {
    throw new Problem(403, "forbidden", "A change has to come from the page of this server", {
      hint: "Programs show the token: Authorization: Bearer …",
    });
  }
  if (route.enqueues && !options.allowEnqueue) {
    throw new Problem(403, "forbidden", "This server enqueues nothing", {
      hint: "It would with --allow-enqueue",
    });
  }
}

function mustBeLet(shown: Shown, { access }: HandlerParts): void {
  if (shown !== "nothing" || access.isOpen) return;
  throw new Problem(401, "unauthorized", "The token is needed", {
    hint: "queuectl serve --print-token",
    headers: { "www-authenticate": "Bearer" },
  });
}

/** An answer that takes too long is given up; what it reads may come to its end unheard. */
async function inTime(
  route: Route,
  asked: Parameters<Route["handle"]>[0],
  parts: HandlerParts,
): Promise<Response> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Problem(503, "unfinished", "The store took too long to answer")),
      LONGEST,
    );
  });
  try {
    return await Promise.race([route.handle(asked, parts), late]);
  } finally {
    clearTimeout(timer);
  }
}

function whyNot(error: unknown, request: Request, { warn }: HandlerParts): Response {
  const problem = problemOf(error);
  if (problem !== undefined) return problem.answer();
  const what = `${request.method} ${URL.parse(request.url)?.pathname ?? request.url}`;
  const isOfTheSystem = error instanceof Error && "code" in error;
  warn(`Cannot answer ${what}: ${messageOf(error)}`);
  const code = isOfTheSystem ? "io" : "bug";
  return new Problem(500, code, messageOf(error)).answer();
}
