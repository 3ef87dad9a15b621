// queuectl serve: listens, says where, and ends cleanly.
import { QueueError } from "../../queue/errors.ts";
import { Access, randomToken } from "../../serve/access.ts";
import {
  DEFAULT_LISTEN,
  hostOf,
  isLoopback,
  type Listen,
  parseListen,
} from "../../serve/listen.ts";
import { openServer, type Server } from "../../serve/server.ts";
import { keepToken, keptToken, tokenPath } from "../../serve/token_file.ts";
import type { Store } from "../../stores/store.ts";
import { delay } from "../../system/delay.ts";
import { ignoredSignals } from "../../system/signals.ts";
import type { CommandContext } from "../command_context.ts";

/** Milliseconds that requests under way have to end. */
const GRACE = 3000;
/** A token that others could guess is warned of. */
const SHORT = 16;

/** Serves until told to end. */
export async function serveCommand(call: CommandContext): Promise<void> {
  const { flags } = call;
  const listen = parseListen(flags.text("listen") ?? DEFAULT_LISTEN);
  if (flags.has("print-token")) return await printToken(call, listen.port);
  const given = call.context.env("QUEUECTL_SERVE_TOKEN") || undefined;
  const token = tokenFor(call, given, listen);
  const store = call.store();
  const access = await Access.of(token);
  const server = await openServerFor(call, store, access, listen);
  const ended = Promise.withResolvers<void>();
  const release = await onEnd(() => ended.resolve());
  let forget = () => {};
  try {
    const http = listenOn(listen, server);
    const { port } = http.addr;
    server.listensOn(port);
    if (token !== undefined && given === undefined) {
      const { folder } = await store.host();
      forget = keepToken(call.context.files, tokenPath(folder, port), token, port);
    }
    const here = `http://${hostOf({ ...listen, port })}/`;
    const code = token === undefined ? "" : `?code=${access.newCode(call.context.now())}`;
    call.say(`Serving ${store.name}${code === "" ? "" : "; this address works once:"}`);
    call.print(`${here}${code}\n`);
    server.prepare();
    await ended.promise;
    // Streams never end by themselves.
    await server.close();
    await Promise.race([http.shutdown(), delay(GRACE)]);
  } finally {
    forget();
    release();
    await server.close();
  }
}

/**
 * The token; undefined if everybody may look.
 * @throws QueueError `usage` if others could do harm
 */
function tokenFor(
  call: CommandContext,
  given: string | undefined,
  listen: Listen,
): string | undefined {
  const isReadOnly = call.flags.has("read-only");
  if (given === "none") {
    if (isReadOnly) return undefined;
    throw new QueueError("usage", "QUEUECTL_SERVE_TOKEN=none needs --read-only");
  }
  if (given === undefined && !isLoopback(listen)) {
    throw new QueueError(
      "usage",
      `Others can reach ${hostOf(listen)}: QUEUECTL_SERVE_TOKEN has to be set`,
      { hint: "Or --read-only and QUEUECTL_SERVE_TOKEN=none, for all to see" },
    );
  }
  if (given !== undefined && !/^[\x21-\x7e]+$/.test(given)) {
    throw new QueueError("usage", "QUEUECTL_SERVE_TOKEN takes ASCII characters without blanks");
  }
  if (given !== undefined && given.length < SHORT) {
    call.say(`queuectl: QUEUECTL_SERVE_TOKEN is short: others may guess it`);
  }
  return given ?? randomToken();
}

async function printToken(call: CommandContext, port: number): Promise<void> {
  const given = call.context.env("QUEUECTL_SERVE_TOKEN");
  if (given) return call.print(`${given}\n`);
  const { folder } = await call.store().host();
  call.print(`${keptToken(call.context.files, tokenPath(folder, port), port)}\n`);
}

async function openServerFor(
  call: CommandContext,
  store: Store,
  access: Access,
  listen: Listen,
): Promise<Server> {
  const { context, flags } = call;
  const { env, endOrphan } = context;
  const cwd = context.cwd();
  const hosts = (env("QUEUECTL_SERVE_HOSTS") ?? "").toLowerCase().split(",");
  return await openServer({
    store,
    access,
    listen,
    names: [...hosts.map((name) => name.trim()), Deno.hostname().toLowerCase()].filter(Boolean),
    options: {
      readOnly: flags.has("read-only"),
      allowEnqueue: flags.has("allow-enqueue"),
      publicMetrics: env("QUEUECTL_SERVE_METRICS") === "public",
    },
    version: await context.version(),
    now: context.now,
    newId: context.newId,
    sleep: context.sleep,
    readNewJob: async (json, now) =>
      (await import("../batch/batch_lines.ts")).newJobFrom(json, { cwd }, now),
    endOrphan: (jobs, job) => endOrphan(store, jobs, job, "cancelled"),
    warn: (message) => call.say(`queuectl: ${message}`),
  });
}

/** @throws QueueError `io` if the address can't be had */
function listenOn(listen: Listen, { handle }: Server): Deno.HttpServer<Deno.NetAddr> {
  const { hostname, port } = listen;
  try {
    return Deno.serve({ hostname, port, onListen: () => {} }, handle);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new QueueError("io", `Cannot listen on ${hostOf(listen)}: it is in use`, {
        hint: "Name another port: queuectl serve --listen 127.0.0.1:PORT",
      });
    }
    const isRefused = error instanceof Deno.errors.AddrNotAvailable ||
      error instanceof Deno.errors.PermissionDenied;
    if (!isRefused) throw error;
    throw new QueueError("io", `Cannot listen on ${hostOf(listen)}: ${error.message}`);
  }
}

/** Ctrl-C, SIGTERM and SIGHUP end it; not those that it was started to ignore. */
async function onEnd(end: () => void): Promise<() => void> {
  const ignored = await ignoredSignals(["HUP", "INT"]);
  const names = Deno.build.os === "windows" ? ["INT", "BREAK"] : ["INT", "TERM", "HUP"];
  const listeners = names.map((name) => ({
    signal: `SIG${name}` as Deno.Signal,
    hear: () => ignored.has(name) || end(),
  }));
  for (const { signal, hear } of listeners) Deno.addSignalListener(signal, hear);
  return () => {
    for (const { signal, hear } of listeners) Deno.removeSignalListener(signal, hear);
  };
}
