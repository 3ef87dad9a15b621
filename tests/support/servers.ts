// The stores on servers that can be had here, for tests of what all of them have.
import { PostgresStore } from "../../src/stores/postgres/postgres_store.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { ServerStore } from "../../src/stores/shared/server_store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { startPostgres } from "./postgres_server.ts";
import { type RedisServerOptions, startRedis } from "./redis_server.ts";

export interface ServerForTests {
  readonly kind: "postgres" | "redis";
  /** The path on which it is reached. */
  readonly socket: string;
  /** The URL of a queue that is new, and empty. */
  url(): string;
  /** A new queue. @param dir for what belongs to the host */
  open(dir: string): ServerStore;
  tell(word: "start" | "stop" | "crash"): Promise<void>;
}

const newName = () => `t_${crypto.randomUUID().replaceAll("-", "")}`;
const worldOf = (dir: string) => ({
  files: diskFiles,
  env: (name: string) => name === "XDG_STATE_HOME" ? dir : undefined,
  warn: () => {},
});

/** Starts a server of each kind, to be called before tests are declared. */
export async function serversForTests(): Promise<ServerForTests[]> {
  const servers = await Promise.all([postgresForTests(), redisForTests()]);
  return servers.filter((one) => one !== undefined);
}

/** Undefined, with a word on stderr, where none can be had. */
export async function postgresForTests(): Promise<ServerForTests | undefined> {
  const server = await startPostgres();
  if (server === undefined) return undefined;
  const { host, port } = server.config();
  const url = () => `${server.url()}?schema=${newName()}`;
  return {
    kind: "postgres",
    socket: `${host}/.s.PGSQL.${port}`,
    url,
    open: (dir) =>
      new PostgresStore({ kind: "postgres", url: url(), password: undefined }, worldOf(dir)),
    tell: (word) => server.tell(word),
  };
}

/** Undefined, with a test that is ignored, where none can be had. */
export async function redisForTests(
  options?: RedisServerOptions,
): Promise<ServerForTests | undefined> {
  const server = await startRedis(options);
  if (server === undefined) return undefined;
  const url = () => server.url(newName());
  return {
    kind: "redis",
    socket: `${server.folder}/s`,
    url,
    open: (dir) => new RedisStore({ kind: "redis", url: url(), password: undefined }, worldOf(dir)),
    tell: (word) => server.tell(word),
  };
}
