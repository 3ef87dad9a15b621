// The stores on servers that can be had here, for tests of what all of them have.
import { PostgresStore } from "../../src/stores/postgres/postgres_store.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { ServerStore } from "../../src/stores/shared/server_store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { startPostgres } from "./postgres_server.ts";
import { startRedis } from "./redis_server.ts";

export interface ServerForTests {
  readonly kind: "postgres" | "redis";
  /** The URL of a queue that is new, and empty. */
  url(): string;
  /** A new queue. @param dir for what belongs to the host */
  open(dir: string): ServerStore;
}

/** Starts a server of each kind, to be called before tests are declared. */
export async function serversForTests(): Promise<ServerForTests[]> {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  const name = () => `t_${crypto.randomUUID().replaceAll("-", "")}`;
  const world = (dir: string) => ({
    files: diskFiles,
    env: (name: string) => name === "XDG_STATE_HOME" ? dir : undefined,
    warn: () => {},
  });
  const servers: ServerForTests[] = [];
  if (postgres !== undefined) {
    const url = () => `${postgres.url()}?schema=${name()}`;
    const open = (dir: string) =>
      new PostgresStore({ kind: "postgres", url: url(), password: undefined }, world(dir));
    servers.push({ kind: "postgres", url, open });
  }
  if (redis !== undefined) {
    const url = () => redis.url(name());
    const open = (dir: string) =>
      new RedisStore({ kind: "redis", url: url(), password: undefined }, world(dir));
    servers.push({ kind: "redis", url, open });
  }
  return servers;
}
