// The server that tortured hosts share, of either kind: how it is reached, what can be done to it, and
// what the reckoning needs to know.
import { Database } from "../../../src/stores/postgres/connection.ts";
import type { Store } from "../../../src/stores/store.ts";
import { openStore } from "../../../src/stores/open.ts";
import { delay } from "../../../src/system/delay.ts";
import { diskFiles } from "../../../src/system/file_system.ts";
import { startPostgres } from "../../../tests/support/postgres_server.ts";
import { startRedis } from "../../../tests/support/redis_server.ts";

export interface TorturedServer {
  /** The path of its socket. */
  readonly socket: string;
  /** The URL of the queue, by a port of this machine. */
  urlBy(port: number): string;
  /** The queue, for the reckoning. */
  store(): Store;
  tell(word: "start" | "stop" | "crash"): Promise<void>;
  /** Ends about half of all connections. */
  dropConnections(): Promise<void>;
  /** What an application may do that holds up others. @returns what that was */
  holdUp(seconds: number): Promise<string>;
  /** The workers that it still knows, and what is asked of whom. */
  leftOver(): Promise<{ name: string; what: string }[]>;
}

/** @param kind postgres or redis. @returns undefined where none can be had */
export async function torturedServer(kind: string): Promise<TorturedServer | undefined> {
  return kind === "redis" ? await torturedRedis() : await torturedPostgres();
}

/** For looking alone: nothing is kept for this host. */
function opened(kind: "postgres" | "redis", url: string): Store {
  return openStore({ kind, url, password: undefined }, {
    files: diskFiles,
    os: "linux",
    userId: () => Deno.uid(),
    env: () => undefined,
    warn: () => {},
  });
}

async function torturedPostgres(): Promise<TorturedServer | undefined> {
  const server = await startPostgres({ settings: ["max_connections=60"] });
  if (server === undefined) return undefined;
  const { host, port } = server.config();
  /** A connection of the torture's own. */
  const withDatabase = async <T>(use: (database: Database) => Promise<T>): Promise<T> => {
    const database = new Database({ name: "the server", server: server.config() });
    return await use(database).finally(() => database.close());
  };
  return {
    socket: `${host}/.s.PGSQL.${port}`,
    urlBy: (port) => `postgres://queuectl@127.0.0.1:${port}/postgres`,
    store: () => opened("postgres", server.url()),
    tell: (word) => server.tell(word),
    dropConnections: () =>
      withDatabase(async (database) => {
        await database.query(`select pg_terminate_backend(pid) from pg_stat_activity
          where pid <> pg_backend_pid() and backend_type = 'client backend' and random() < 0.5`);
      }),
    holdUp: (seconds) =>
      withDatabase(async (database) => {
        await database.transaction(async (sql) => {
          await sql.query(`select from queuectl.jobs where id = (select id from queuectl.jobs
            where state in ('pending', 'processing') order by random() limit 1) for update`);
          await delay(seconds * 1000);
        }, { once: true });
        return "rows locked by an application";
      }),
    leftOver: () =>
      withDatabase(async (database) => {
        return await database.read<{ name: string; what: string }>(
          `select name, 'worker' as what from queuectl.workers
          union all select name, kind from queuectl.requests`,
        );
      }),
  };
}

async function torturedRedis(): Promise<TorturedServer | undefined> {
  const server = await startRedis();
  if (server === undefined) return undefined;
  return {
    socket: `${server.folder}/s`,
    urlBy: (port) => `redis://127.0.0.1:${port}`,
    store: () => opened("redis", server.url()),
    tell: (word) => server.tell(word),
    dropConnections: async () => {
      const clients = String(await server.command("CLIENT", "LIST"));
      for (const [, id] of clients.matchAll(/\bid=(\d+)/g)) {
        if (Math.random() < 0.5) await server.command("CLIENT", "KILL", "ID", id!);
      }
    },
    holdUp: async (seconds) => {
      await server.command("CLIENT", "PAUSE", String(Math.round(seconds * 1000)), "WRITE");
      return "servers that take no writes for a while";
    },
    leftOver: async () => {
      const redis = server.connect("queuectl");
      try {
        const workers = await redis.read("HKEYS", "places") as string[];
        const requests = await redis.read("HKEYS", "requests") as string[];
        return [
          ...workers.map((name) => ({ name, what: "worker" })),
          ...requests.map((field) => {
            const [what = "", name = ""] = field.split(" ");
            return { name, what };
          }),
        ];
      } finally {
        await redis.close();
      }
    },
  };
}
