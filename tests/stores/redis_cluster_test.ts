// A queue on a cluster of Redis servers: any node of it may be named, and the queue may move to another.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { nodesOf, otherNode } from "../../src/stores/redis/cluster.ts";
import { ErrorReply, type Wire } from "../../src/stores/redis/driver.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob } from "../support/jobs.ts";
import { startRedisCluster } from "../support/redis_cluster.ts";
import { withTempDir } from "../support/temp_dir.ts";

const cluster = await startRedisCluster();

if (cluster !== undefined) {
  const { ports, first, other, takeOver } = cluster;
  Deno.test("Redis in a cluster: a queue is found by any node, and followed to another", async () => {
    const redis = other.connect("q", { patience: 60_000 });
    try {
      const jobs = new RedisJobs(redis);
      assertEquals(await jobs.add([aJob({ id: "one" })]), 1);
      const known = redis.nodes.map(({ port }) => port);
      assert(ports.every((port) => known.includes(port)), String(known));
      const wrong = other.connect("q", { database: 1 });
      const error = await assertRejects(() => wrong.info(), QueueError);
      await wrong.close();
      assert(error.message.includes("which has but database 0"), error.message);

      await takeOver();
      assertEquals(await jobs.add([aJob({ id: "two" })]), 1);

      // The node by which it was found last is gone: the others know where it is.
      await first.tell("crash");
      assertEquals(await jobs.add([aJob({ id: "three" })]), 1);
      await other.command("CLIENT", "KILL", "TYPE", "normal");
      assertEquals((await jobs.count()).pending, 3);
    } finally {
      await redis.close();
    }
  });
}

Deno.test("nodesOf() knows nodes by addresses and names, and none where it may not ask", async () => {
  const text = [
    "07c3 :7000@17000 myself,master - 0 0 1 connected 0-16383",
    "8f2a 10.0.0.2:7001@17001,two.example slave 07c3 0 0 1 connected",
    "9b11 ::1:7002@17002,,shard-id=x master - 0 0 2 connected",
    "b0c4 10.0.0.3:7003@17003,three.example master,fail - 0 0 2 disconnected",
    "c1d5 10.0.0.4:7004@17004 master,fail? - 0 0 2 connected",
  ].join("\n");
  const from = { host: "one.example", port: 7000 };
  const named = { host: "any.example", port: 7000 };
  const wire = { ask: () => Promise.resolve(text) } as unknown as Wire;
  assertEquals((await nodesOf(wire, from, named)).map(({ host, port }) => `${host} ${port}`), [
    "one.example 7000",
    "two.example 7001",
    "10.0.0.2 7001",
    "::1 7002",
    "10.0.0.4 7004",
    "any.example 7000",
  ]);
});

Deno.test("otherNode() knows where a key is, also where that host is not named", async () => {
  const from = { host: "one.example", port: 7000 };
  const said = async (place: string) => {
    const ask = () => Promise.reject(new ErrorReply(`MOVED 9930 ${place}`));
    const node = await otherNode({ ask } as unknown as Wire, "key", from);
    return `${node?.host} ${node?.port}`;
  };
  assertEquals(await said("10.0.0.2:7001"), "10.0.0.2 7001");
  assertEquals(await said("::1:7001"), "::1 7001");
  for (const none of [":7001", "?:7001"]) assertEquals(await said(none), "one.example 7001");
});

Deno.test("RedisStore tells of its host without a server, unless workers are to be started", () =>
  withTempDir(async (dir) => {
    const env = (name: string) => name === "XDG_STATE_HOME" ? dir : undefined;
    const url = `redis://${encodeURIComponent(`${dir}/none`)}`;
    const world = { files: diskFiles, env, warn: () => {} };
    const store = new RedisStore({ kind: "redis", url, password: undefined }, world);
    assertEquals((await store.host()).net, [`unix:${dir}/none`]);
  }));
