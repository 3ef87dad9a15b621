// Which store end-to-end tests use: a folder, or the server that $QUEUECTL_STORE names, where each
// test has a schema or a prefix of its own, and a folder of its own for what belongs to the host.
import type { Database } from "../../src/stores/postgres/connection.ts";
import type { Redis } from "../../src/stores/redis/connection.ts";

const named = Deno.env.get("QUEUECTL_STORE");
const isRedis = /^rediss?:/.test(named ?? "");
const server = isRedis || /^postgres(?:ql)?:/.test(named ?? "") ? named : undefined;

/** Whether the queue of a test is on a server, so that there are no files of it to look at. */
export const isOnServer = server !== undefined;

export interface TestStore {
  /** The variables by which the program finds it. */
  readonly env: Readonly<Record<string, string>>;
  /** Removes what is not in the folder of the test. */
  remove(): Promise<void>;
}

/** A new store. @param dir the folder of the test */
export function newTestStore(dir: string): TestStore {
  if (server === undefined) {
    return {
      env: { QUEUECTL_DATA_DIR: `${dir}/data`, QUEUECTL_STORE: "" },
      remove: () => Promise.resolve(),
    };
  }
  const url = new URL(server);
  const name = `t_${crypto.randomUUID().replaceAll("-", "")}`;
  url.searchParams.set(isRedis ? "prefix" : "schema", name);
  return {
    env: {
      QUEUECTL_STORE: url.href,
      QUEUECTL_DATA_DIR: "",
      XDG_STATE_HOME: `${dir}/state`,
    },
    remove: () => isRedis ? removeKeys(url.href) : dropSchema(url.href, name),
  };
}

/**
 * Declares a test of what only a folder has: its files, or the way to it. With a database it is
 * skipped, and says so.
 * @param ignore whether to skip it in any case
 */
export function testOfFolder(
  name: string,
  fn: () => Promise<void> | void,
  ignore = false,
): void {
  const shown = isOnServer ? `${name} (of folders alone)` : name;
  Deno.test({ name: shown, ignore: isOnServer || ignore, fn });
}

async function dropSchema(url: string, schema: string): Promise<void> {
  const database = await databaseAt(url);
  try {
    await database.query(`drop schema if exists ${schema} cascade`);
  } finally {
    await database.close();
  }
}

async function removeKeys(url: string): Promise<void> {
  const [redis, { removeAll }] = await Promise.all([
    redisAt(url),
    import("../../src/stores/redis/scanning.ts"),
  ]);
  try {
    await removeAll(redis, "");
  } finally {
    await redis.close();
  }
}

/** A connection to the queue in Redis that a URL names, with a password if it has one. */
export async function redisAt(url: string): Promise<Redis> {
  const [{ Redis }, { parseServerUrl }, { redisOptions }] = await Promise.all([
    import("../../src/stores/redis/connection.ts"),
    import("../../src/stores/redis/server_url.ts"),
    import("../../src/stores/redis/redis_store.ts"),
  ]);
  const password = decodeURIComponent(new URL(url).password) || undefined;
  const secrets = { password, certificates: undefined };
  return new Redis(redisOptions(url, parseServerUrl(url), secrets));
}

/** A connection to the database that a URL names, with a password if it has one. */
export async function databaseAt(url: string): Promise<Database> {
  const [{ Database }, { parseServerUrl }, { serverConfig }] = await Promise.all([
    import("../../src/stores/postgres/connection.ts"),
    import("../../src/stores/postgres/server_url.ts"),
    import("../../src/stores/postgres/server.ts"),
  ]);
  const { password } = new URL(url);
  const parsed = parseServerUrl(url, (name) => Deno.env.get(name));
  const secrets = { password: decodeURIComponent(password), certificates: undefined };
  return new Database({
    name: url,
    server: serverConfig(parsed, secrets, url),
    schema: parsed.schema,
  });
}
