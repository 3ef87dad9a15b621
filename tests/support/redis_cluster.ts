// A cluster of two Redis servers: one that has all keys, and one that may take them over. A third is
// there that may be added to it.
import { freePort } from "./free_port.ts";
import { type RedisServer, startRedis } from "./redis_server.ts";
import { waitUntil } from "./wait_until.ts";

export interface RedisCluster {
  readonly ports: readonly [first: number, other: number];
  readonly first: RedisServer;
  readonly other: RedisServer;
  /** The other one takes all keys over from the first. */
  takeOver(): Promise<void>;
  /** A third one is added, and takes all keys over from whoever has them. */
  takeOverByNewNode(): Promise<void>;
}

/** Undefined where none can be had: then a test that is ignored says so. */
export async function startRedisCluster(): Promise<RedisCluster | undefined> {
  const settings = ["--cluster-enabled", "yes", "--repl-diskless-sync-delay", "0"];
  const ports = [freePort(), freePort()] as const;
  const third = freePort();
  const first = await startRedis({ port: ports[0], settings });
  const other = first && await startRedis({ port: ports[1], settings });
  const newcomer = other && await startRedis({ port: third, settings });
  if (first === undefined || other === undefined || newcomer === undefined) return undefined;
  const says = async (server: RedisServer, question: string[], answer: string) =>
    String(await server.command(...question)).includes(answer);
  // Redis 6.2 takes no ranges.
  await first.command("CLUSTER", "ADDSLOTS", ...Array.from({ length: 16_384 }, (_, i) => `${i}`));
  const join = async (server: RedisServer) => {
    await server.command("CLUSTER", "MEET", "127.0.0.1", String(ports[0]));
    await waitUntil(() => says(server, ["CLUSTER", "INFO"], "cluster_state:ok"));
  };
  await join(other);
  let master = first;
  const takeOver = async (by: RedisServer) => {
    const before = master;
    const id = String(await before.command("CLUSTER", "MYID"));
    await waitUntil(() => says(by, ["CLUSTER", "NODES"], id));
    await by.command("CLUSTER", "REPLICATE", id);
    await waitUntil(() => says(before, ["INFO", "replication"], "state=online"));
    await by.command("CLUSTER", "FAILOVER", "TAKEOVER");
    await waitUntil(() => says(by, ["INFO", "replication"], "role:master"));
    // Until the one before knows it, it takes changes, which are lost.
    await waitUntil(() => says(before, ["INFO", "replication"], "role:slave"));
    master = by;
  };
  return {
    ports,
    first,
    other,
    takeOver: () => takeOver(other),
    takeOverByNewNode: async () => {
      await join(newcomer);
      await takeOver(newcomer);
    },
  };
}
