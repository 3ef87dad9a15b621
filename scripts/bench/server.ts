// A server of this machine, which writes to the disk as it should: PostgreSQL, or Redis.
import { Database } from "../../src/stores/postgres/connection.ts";
import { startPostgres } from "../../tests/support/postgres_server.ts";
import { startRedis } from "../../tests/support/redis_server.ts";
import { missingRow, type Row } from "./figures.ts";
import { familyCpu } from "./proc.ts";

/** A server that runs. */
export interface Server {
  readonly name: "PostgreSQL" | "Redis";
  /** The URL of a place of its own for a queue, in which there is nothing. */
  newPlace(): Promise<string>;
  /** Seconds of CPU that all its processes have used so far. */
  cpu(): Promise<number>;
  /** How many are connected, but for the one who asks. */
  connections(): Promise<number>;
  stop(): Promise<void>;
}

/** Measures on each server, one after the other. */
export async function onServers(measure: (server: Server) => Promise<Row[]>): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, start] of Object.entries({ PostgreSQL: postgresServer, Redis: redisServer })) {
    const server = await start();
    if (server === undefined) {
      rows.push(missingRow(name, "/s", "no server can be had"));
      continue;
    }
    try {
      rows.push(...await measure(server));
    } finally {
      await server.stop();
    }
  }
  return rows;
}

async function postgresServer(): Promise<Server | undefined> {
  // More connections than the goal, so that too many are counted, not refused.
  const server = await startPostgres({ settings: ["max_connections=400"] });
  if (server === undefined) return undefined;
  const ask = async <R extends Record<string, unknown>>(sql: string): Promise<R[]> => {
    const database = new Database({ name: "the server", server: server.config() });
    return await database.query<R>(sql).finally(() => database.close());
  };
  const pid = Number.parseInt(Deno.readTextFileSync(`${server.folder}/data/postmaster.pid`));
  let places = 0;
  return {
    name: "PostgreSQL",
    newPlace: async () => {
      const name = `place_${++places}`;
      await ask(`create database ${name}`);
      return server.url(name);
    },
    cpu: () => Promise.resolve(familyCpu(pid)),
    connections: async () => {
      const [row] = await ask<{ count: number }>(
        "select count(*)::int4 as count from pg_stat_activity " +
          "where backend_type = 'client backend' and pid <> pg_backend_pid()",
      );
      return row!.count;
    },
    stop: () => server.tell("stop"),
  };
}

async function redisServer(): Promise<Server | undefined> {
  const server = await startRedis({
    settings: ["--appendonly", "yes", "--appendfsync", "everysec"],
  });
  if (server === undefined) return undefined;
  const number = async (section: string, field: string) => {
    const text = String(await server.command("INFO", section));
    return Number(new RegExp(`^${field}:(\\d+)`, "m").exec(text)?.[1]);
  };
  const pid = await number("server", "process_id");
  let places = 0;
  return {
    name: "Redis",
    newPlace: () => Promise.resolve(server.url(`place-${++places}`)),
    cpu: () => Promise.resolve(familyCpu(pid)),
    connections: async () => await number("clients", "connected_clients") - 1,
    stop: () => server.tell("stop"),
  };
}
