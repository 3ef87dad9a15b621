// A cluster of two Redis servers: one that has all keys, and one that may take them over.
import { type RedisServer, startRedis } from "./redis_server.ts";
import { waitUntil } from "./wait_until.ts";

export interface RedisCluster {
  readonly ports: readonly [first: number, other: number];
  readonly first: RedisServer;
  readonly other: RedisServer;
  /** The other one takes all keys over from the first. */
  takeOver(): Promise<void>;
}

/** Undefined where none can be had: then a test that is ignored says so. */
export async function startRedisCluster(): Promise<RedisCluster | undefined> {
  const settings = ["--cluster-enabled", "yes", "--repl-diskless-sync-delay", "0"];
  const ports = [freePort(), freePort()] as const;
  const first = await startRedis({ port: ports[0], settings });
  const other = first && await startRedis({ port: ports[1], settings });
  if (first === undefined || other === undefined) return undefined;
  const says = async (server: RedisServer, question: string[], answer: string) =>
    String(await server.command(...question)).includes(answer);
  await first.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await other.command("CLUSTER", "MEET", "127.0.0.1", String(ports[0]));
  const id = String(await first.command("CLUSTER", "MYID"));
  await waitUntil(() => says(other, ["CLUSTER", "INFO"], "cluster_state:ok"));
  return {
    ports,
    first,
    other,
    takeOver: async () => {
      await other.command("CLUSTER", "REPLICATE", id);
      await waitUntil(() => says(first, ["INFO", "replication"], "state=online"));
      await other.command("CLUSTER", "FAILOVER", "TAKEOVER");
      await waitUntil(() => says(other, ["INFO", "replication"], "role:master"));
    },
  };
}

/** A port that is free, as is the one 10,000 beyond, on which nodes talk to one another. */
function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      for (const one of [port, port + 10_000]) {
        Deno.listen({ hostname: "127.0.0.1", port: one }).close();
      }
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
