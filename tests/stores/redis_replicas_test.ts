// What `replicas=N` in the URL promises: what is acknowledged is on so many replicas, which are waited
// for. The way from the replica to its master can be cut.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { claimOf, type Job } from "../../src/queue/job.ts";
import { addSchedule } from "../../src/queue/schedule_firing.ts";
import { ended } from "../../src/queue/transitions.ts";
import { cautionsOf } from "../../src/stores/redis/cautions.ts";
import type { Redis, RedisOptions } from "../../src/stores/redis/connection.ts";
import { parseInfo } from "../../src/stores/redis/greeting.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { RedisLeases } from "../../src/stores/redis/leases.ts";
import { RedisSchedules } from "../../src/stores/redis/schedules.ts";
import { ensureVersion } from "../../src/stores/redis/version.ts";
import { CutProxy } from "../support/cut_proxy.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { startRedis } from "../support/redis_server.ts";
import { waitUntil } from "../support/wait_until.ts";
import { aSchedule } from "./schedule_conformance.ts";

const BY = { worker: "w-1", pid: 1, host: "box" };
const HOST = { id: "host-1", hostname: "box", guarded: true };
const end = (job: Job, now: number) => ended(job, anEnding("succeeded"), { base: 2, max: 60 }, now);

const master = await startRedis({
  settings: ["--repl-diskless-sync-delay", "0", "--repl-timeout", "3600"],
});
const replica = master && await startRedis({ settings: ["--repl-timeout", "3600"] });
if (master !== undefined && replica !== undefined) {
  let queues = 0;
  const replicasTest = (
    says: string,
    test: (stage: {
      readonly open: (options?: Partial<RedisOptions>) => RedisJobs;
      readonly way: CutProxy;
      /** The record of a job as the replica has it. */
      readonly onReplica: (id: string) => Promise<unknown>;
      /** Resolves when somebody waits for replicas. */
      readonly waits: () => Promise<unknown>;
      readonly redis: Redis;
      /** What the master says of itself. */
      readonly info: (section: string) => Promise<string>;
    }) => Promise<void>,
  ) =>
    Deno.test(`Redis with replicas: ${says}`, async () => {
      const way = new CutProxy(`${master.folder}/s`);
      const prefix = `test-${++queues}`;
      const opened: Redis[] = [];
      const connect = (options: Partial<RedisOptions> = {}) => {
        const redis = master.connect(prefix, {
          replicas: 1,
          replicasWithin: 3_600_000,
          ...options,
        });
        opened.push(redis);
        return redis;
      };
      const info = async (section: string) => String(await master.command("INFO", section));
      try {
        await replica.command("REPLICAOF", "127.0.0.1", String(way.port));
        await waitUntil(async () => (await info("replication")).includes("state=online"));
        await ensureVersion(connect());
        await test({
          open: (options) => new RedisJobs(connect(options)),
          way,
          onReplica: (id) => replica.command("HGET", `{${prefix}}:jobs`, id),
          waits: () => waitUntil(async () => /^blocked_clients:[1-9]/m.test(await info("clients"))),
          redis: connect(),
          info,
        });
      } finally {
        for (const redis of opened) await redis.close();
        await replica.command("REPLICAOF", "NO", "ONE");
        await way.close();
        await waitUntil(async () => (await info("replication")).includes("connected_slaves:0"));
      }
    });

  replicasTest("new jobs, claims and ends are there when they are acknowledged", async (stage) => {
    const { open, way, onReplica, waits } = stage;
    const jobs = open();
    const delayed = async <T>(step: () => Promise<T>) => {
      way.cut();
      const doing = step();
      await waits();
      way.restore();
      return await doing;
    };
    await delayed(() => jobs.add([aJob()]));
    assert(await onReplica("a") !== null);
    const job = (await delayed(() => jobs.claim(BY, 0)))!;
    await delayed(() => jobs.change("a", end, claimOf(job)));
    assert(String(await onReplica("a")).includes("completed"));
    // An end that is not recorded in one step, since another job comes with it.
    await jobs.add([aJob({ id: "b" })]);
    const other = (await jobs.claim(BY, 0))!;
    await delayed(() => jobs.change("b", end, claimOf(other), () => aJob({ id: "hook" })));
    assert(await onReplica("hook") !== null);
  });

  replicasTest("add() says so where they are late, and the job is there", async (stage) => {
    const { open, way, onReplica } = stage;
    const jobs = open({ replicasWithin: 1 });
    way.cut();
    const job = aJob({ unique: "k" });
    for (const again of [job, aJob({ id: "b", unique: "k" })]) {
      const error = await assertRejects(() => jobs.add([again]), QueueError);
      assertEquals(error.code, "unfinished");
      assert(error.message.includes("too few replicas have confirmed it"), error.message);
    }
    assertEquals((await jobs.count()).pending, 1);
    // Also by another connection. It changes something, since servers may wait for nothing else.
    const touched = async () =>
      Number(/cmdstat_persist:calls=(\d+)/.exec(await stage.info("commandstats"))?.[1] ?? 0);
    const before = await touched();
    const other = await assertRejects(
      () => open({ replicasWithin: 1 }).add([aJob({ id: "b", unique: "k" })]),
      QueueError,
    );
    assertEquals([other.code, await touched()], ["unfinished", before + 1]);
    // Who repeats it until it is confirmed, may rely on the first one.
    way.restore();
    assertEquals(await open().add([aJob({ id: "b", unique: "k" })]), 0);
    assert(await onReplica("a") !== null);
  });

  replicasTest("workers go on where they are late", async ({ open, way }) => {
    const jobs = open({ replicasWithin: 1 });
    await open().add([aJob()]);
    way.cut();
    const job = (await jobs.claim(BY, 0))!;
    assertEquals((await jobs.change("a", end, claimOf(job))).status.state, "completed");
  });

  replicasTest("what a schedule fires is there when it counts as fired", async (stage) => {
    const { open, way, onReplica, waits, redis } = stage;
    const jobs = open();
    const schedules = new RedisSchedules(redis, { jobs, warn: () => {} });
    await addSchedule(schedules, aSchedule(), false);
    way.cut();
    const firing = schedules.fire(
      "s",
      ({ state }) => Promise.resolve({ state, job: aJob({ id: "fired" }) }),
    );
    await waits();
    way.restore();
    await firing;
    assert(await onReplica("fired") !== null);
  });

  replicasTest(
    "a connection that ends meanwhile does not make a change confirmed",
    async (stage) => {
      const { open, way, onReplica, waits } = stage;
      const kill = () => master.command("CLIENT", "KILL", "TYPE", "normal");
      const [jobs, looker] = [open(), open()];
      way.cut();
      // It is looked for, and waited for again.
      const adding = jobs.add([aJob()]);
      await waits();
      await kill();
      await waits();
      way.restore();
      assertEquals(await adding, 1);
      assert(await onReplica("a") !== null);
      // Another server has taken its place, which does not have it.
      way.cut();
      const losing = jobs.add([aJob({ id: "b" })]);
      await waits();
      await looker.remove("b", () => undefined);
      const [error] = await Promise.all([assertRejects(() => losing, QueueError), kill()]);
      assertEquals(error.code, "unavailable");
      way.restore();
      // And one that does not have an end: it is recorded again.
      const job = (await jobs.claim(BY, 0))!;
      way.cut();
      const ending = jobs.change("a", end, claimOf(job));
      await waits();
      const { redis } = stage;
      const record = await redis.read("HGET", "jobs", "a") as string;
      assert(record.includes("completed"));
      await kill();
      await waits();
      way.restore();
      assertEquals((await ending).history.length, 1);
    },
  );

  replicasTest("a master that becomes a replica meanwhile has not confirmed", async (stage) => {
    const { open, way, waits } = stage;
    const jobs = open({ patience: 300 });
    way.cut();
    const adding = jobs.add([aJob()]);
    await waits();
    await master.command("REPLICAOF", "127.0.0.1", "1");
    const error = await assertRejects(() => adding, QueueError)
      .finally(() => master.command("REPLICAOF", "NO", "ONE"));
    assertEquals(error.code, "unavailable");
    way.restore();
  });

  replicasTest("a host says once that they are gone, and that they are back", async (stage) => {
    const said: string[] = [];
    const warn = (message: string) => said.push(message);
    const { redis, way } = stage;
    const settle = () => Promise.resolve();
    const leases = new RedisLeases(redis, { settle, replicas: 1, warn });
    const beat = () => leases.beat(HOST, 60, new Map());
    await beat();
    await replica.command("REPLICAOF", "NO", "ONE");
    await waitUntil(async () => {
      await beat();
      return said.length > 0;
    });
    await beat();
    await replica.command("REPLICAOF", "127.0.0.1", String(way.port));
    await waitUntil(async () => {
      await beat();
      return said.length > 1;
    });
    await beat();
    assertEquals(said, [
      "the server: 0 of 1 wanted replicas follow it; until they do, a failover may lose what is " +
      "recorded",
      "the server: all 1 wanted replicas follow it again",
    ]);
  });
}

Deno.test("cautionsOf() tells what makes a server lose jobs", () => {
  const of = (text: string, replicas = 0) =>
    cautionsOf(parseInfo(text.replaceAll(" ", "\r\n")), { name: "it", replicas })
      .map((caution) => caution.replace(/[:;].*/, ""));
  assertEquals(of("aof_enabled:1 maxmemory_policy:noeviction"), []);
  assertEquals(of("aof_enabled:1 maxmemory_policy:volatile-lru"), []);
  assertEquals(of("aof_enabled:0 maxmemory_policy:allkeys-lru"), [
    "it keeps no log of changes (appendonly no)",
    "it would throw away jobs if its memory were limited (maxmemory-policy allkeys-lru)",
  ]);
  const replicas = "slave0:ip=::1,port=1,state=online,offset=1,lag=0 " +
    "slave1:ip=::1,port=2,state=wait_bgsave,offset=1,lag=0 " +
    "slave2:ip=::1,port=3,state=online,offset=1,lag=11";
  assertEquals(of(replicas, 1), []);
  assertEquals(of(replicas, 2), ["it"]);
});
