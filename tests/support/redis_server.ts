// A Redis server that lives as long as a file of tests: on a socket of its own, or on a port of
// 127.0.0.1, its data in a folder that goes with it. Started at the top of the file, before the tests
// are declared, so that it counts as no test's leak.
import { Redis, type RedisOptions } from "../../src/stores/redis/connection.ts";
import { ErrorReply, Wire } from "../../src/stores/redis/driver.ts";
import { startGuarded } from "./guarded_server.ts";
import { pathOf } from "./has_program.ts";
import { waitUntil } from "./wait_until.ts";

const START = `start() {
  redis-server --unixsocket "$dir/s" --dir "$dir" --save '' --loglevel warning "$@" >>"$dir/log" 2>&1 &
  server=$!
}`;

export interface RedisServer {
  /** Where its data and its socket are. */
  readonly folder: string;
  /** How a program reaches a queue of it. */
  url(prefix?: string): string;
  /** A new connection to a queue; the caller closes it. */
  connect(prefix: string, options?: Partial<RedisOptions>): Redis;
  /** Asks the server itself, by a connection of its own. */
  command(...words: string[]): Promise<unknown>;
  /** `stop`: all is written. `crash`: it is killed. */
  tell(word: "start" | "stop" | "crash"): Promise<void>;
}

export interface RedisServerOptions {
  /** Also on this port of 127.0.0.1. */
  readonly port?: number;
  /** Settings, such as `["--requirepass", "x"]`. */
  readonly settings?: readonly string[];
}

/** A server; undefined where none can be had: then a test that is ignored says so. */
export async function startRedis(
  { port = 0, settings = ["--appendonly", "yes", "--appendfsync", "always"] }: RedisServerOptions =
    {},
): Promise<RedisServer | undefined> {
  if (pathOf("redis-server") === undefined) {
    // One line, by which .ci/run also knows which files it has to run elsewhere.
    Deno.test({ name: "Redis (skipped: no redis-server)", ignore: true, fn: () => {} });
    return undefined;
  }
  const dir = Deno.makeTempDirSync({ prefix: "queuectl-redis-" });
  // Whatever it answers, it is there: it may want a password, or be a part of a cluster.
  const isUp = async () => {
    const answers = () =>
      server.command("PING").then(
        () => true,
        (error) => error instanceof ErrorReply && error.word !== "LOADING",
      );
    await waitUntil(answers, "the server answers", 60_000);
  };
  const server: RedisServer = {
    folder: dir,
    url: (prefix = "queuectl") =>
      (port === 0 ? `redis://${encodeURIComponent(`${dir}/s`)}` : `redis://127.0.0.1:${port}`) +
      `?prefix=${prefix}`,
    connect: (prefix, options = {}) =>
      new Redis({
        name: "the server",
        address: port === 0 ? { host: `${dir}/s`, port: 0 } : { host: "127.0.0.1", port },
        prefix,
        ...options,
      }),
    command: async (...words) => {
      const wire = await Wire.open({ host: `${dir}/s`, port: 0 }, AbortSignal.timeout(60_000));
      return await wire.ask(words).finally(() => wire.end());
    },
    tell: (word) => tell(word),
  };
  const tell = await startGuarded({
    dir,
    start: START,
    args: ["--port", String(port), "--bind", "127.0.0.1", ...settings],
    signals: { stop: "SIGTERM", crash: "SIGKILL" },
    isUp,
  });
  return server;
}

/** Whether it was built with TLS; where not, a test that is ignored says so. */
export async function hasTls(server: RedisServer, name: string): Promise<boolean> {
  const has = String(await server.command("CONFIG", "GET", "tls-port")) !== "";
  if (!has) {
    Deno.test({
      name: `${name} (skipped: this redis-server has none)`,
      ignore: true,
      fn: () => {},
    });
  }
  return has;
}

/** Gives a test connections to a queue of its own, which is empty. */
export type WithRedis = (test: (open: () => Redis) => Promise<void>) => Promise<void>;

/** @param patience milliseconds for which the server is waited for */
export function redisQueues(server: RedisServer, patience = 7000): WithRedis {
  let queues = 0;
  return async (test) => {
    const prefix = `test-${++queues}`;
    const opened: Redis[] = [];
    // A test that says how time passes leaves none for answers.
    const open = () => {
      const redis = server.connect(prefix, { answerWithin: Infinity, patience });
      opened.push(redis);
      return redis;
    };
    try {
      await test(open);
    } finally {
      for (const redis of opened) await redis.close();
    }
  };
}
