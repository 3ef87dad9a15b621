// What is special about the store of jobs in Redis: large batches, what is read while one is put in its
// place, places that people have spoiled, and servers that may not be used.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import type { Job } from "../../src/queue/job.ts";
import { cancelled } from "../../src/queue/transitions.ts";
import { check } from "../../src/stores/redis/check.ts";
import type { Redis } from "../../src/stores/redis/connection.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { batchOver, clientIdOf, PORTION } from "../../src/stores/redis/new_jobs.ts";
import { ensureVersion } from "../../src/stores/redis/version.ts";
import { aJob, EPOCH } from "../support/jobs.ts";
import { redisQueues, startRedis } from "../support/redis_server.ts";
import { waitUntil } from "../support/wait_until.ts";

const BY = { worker: "w-1", pid: 1, host: "box" };
const many = (count: number, prefix = "m", values: Partial<Job> = {}) =>
  Array.from(
    { length: count },
    (_, sequence) => aJob({ id: `${prefix}${sequence}`, sequence, ...values }),
  );
const server = await startRedis();

if (server !== undefined) {
  const withQueue = redisQueues(server);
  const test = (says: string, body: (open: () => Redis) => Promise<void>) =>
    Deno.test(`RedisJobs: ${says}`, () => withQueue(body));
  const LARGE = 3 * PORTION + 1;

  test("add() of many shows nothing of them until all are there", async (open) => {
    const [redis, jobs, other] = [open(), new RedisJobs(open()), new RedisJobs(open())];
    const seen = new Set<number>();
    const adding = jobs.add(many(LARGE));
    for (let isDone = false; !isDone;) {
      isDone = await Promise.race([adding.then(() => true), other.count().then(() => false)]);
      seen.add((await other.count()).pending);
    }
    assertEquals([...seen].filter((count) => count !== 0 && count !== LARGE), []);
    assertEquals((await other.claim(BY, 0))?.id, "m0");
    // Nothing is left of the way there.
    for (const key of ["batch", "staged", "staged_keys", "pile"]) {
      assertEquals(await redis.read("EXISTS", key), 0, key);
    }
  });

  test("add() of many that fails at the last one adds none, and keeps nobody out", async (open) => {
    const [jobs, other] = [new RedisJobs(open()), new RedisJobs(open())];
    await jobs.add([aJob({ id: "taken" })]);
    const batch = [...many(LARGE, "m", { queue: "q" }), aJob({ id: "taken", sequence: LARGE })];
    const error = await assertRejects(() => jobs.add(batch), QueueError);
    assertEquals([error.code, (await other.count()).pending], ["duplicate_id", 1]);
    assertEquals(await other.add(many(LARGE)), LARGE);
  });

  test("add() of many at one moment: one after the other, and each key once", async (open) => {
    const stores = [open(), open(), open()].map((redis) => new RedisJobs(redis));
    const left: string[] = [];
    const added = await Promise.all(
      stores.map((jobs, i) =>
        jobs.add(
          [...many(LARGE, `${i}-`), aJob({ id: `key-${i}`, unique: "k", sequence: LARGE })],
          (job) => left.push(job.id),
        )
      ),
    );
    assertEquals(added.reduce((a, b) => a + b), 3 * LARGE + 1);
    assertEquals(left.length, 2);
    assertEquals((await stores[0]!.count()).pending, 3 * LARGE + 1);
  });

  test("what a batch was left with by a process that died is put in place by others", async (open) => {
    const [redis, jobs, other] = [open(), new RedisJobs(open()), new RedisJobs(open())];
    await jobs.add(many(LARGE));
    // As if it had died when it had published: the last portion is not there yet.
    const steps = ["set", "jobs", "late", await redis.read("HGET", "jobs", "m0") as string];
    await redis.ask("RPUSH", "pile", JSON.stringify(steps));
    await redis.ask("HSET", "batch", "owner", "x", "state", "published", "at", "0");
    await other.count();
    assertEquals(await redis.read("HEXISTS", "jobs", "late"), 1);
    assertEquals(await redis.read("EXISTS", "batch"), 0);
  });

  test("a batch whose process has died while it was piled up keeps nobody out for long", async (open) => {
    const [redis, jobs] = [open(), new RedisJobs(open())];
    await redis.ask("HSET", "batch", "owner", "x", "state", "staging", "at", "1000");
    await redis.ask("HSET", "staged", "m0", "");
    await redis.ask("HSET", "staged_keys", "k", "m0");
    assertEquals(await jobs.add([aJob({ id: "m0" }), aJob({ id: "b", unique: "k" })]), 2);
    await redis.ask("HSET", "batch", "owner", "y", "state", "staging", "at", "1000");
    assertEquals(await jobs.add(many(LARGE, "n")), LARGE);
    await redis.ask("HSET", "batch", "owner", "z", "state", "staging", "at", "1000");
    await jobs.recover();
    assertEquals(await redis.read("EXISTS", "batch"), 0);
  });

  test("a batch is left behind when its process has died, even if that was a moment ago", async (open) => {
    const [redis, gone, jobs] = [open(), open(), new RedisJobs(open())];
    const clients = [await clientIdOf(redis), await clientIdOf(gone)];
    await gone.close();
    const begun = async (client: string, ago: number) => {
      const [seconds] = await server.command("TIME") as [string];
      const at = String(Number(seconds) * 1000 - ago);
      const fields = ["owner", "x", "state", "staging", "at", at, "client", client];
      await redis.ask("HSET", "batch", ...fields);
    };
    // Nobody else gets on while one is under way.
    await begun(clients[0]!, 10_000);
    await batchOver(redis);
    assertEquals(await redis.read("EXISTS", "batch"), 1);
    await begun(clients[1]!, 10_000);
    assertEquals(await jobs.add(many(LARGE)), LARGE);
  });

  test("jobs of one batch may wait for one another over all its portions", async (open) => {
    const jobs = new RedisJobs(open());
    const first = aJob({ id: "first", after: ["last", "gone"], sequence: 0 });
    await jobs.add([aJob({ id: "gone" })]);
    await jobs.add([first, ...many(LARGE), aJob({ id: "last", sequence: LARGE + 1 })]);
    assertEquals((await jobs.get("first"))?.status.state, "blocked");
    assertEquals(await jobs.dependentsOf("last"), ["first"]);
    await jobs.change("last", (job, now) => cancelled(job, now));
    assertEquals((await jobs.get("first"))?.status.state, "cancelled");
  });

  test("a server that has forgotten the scripts, or ended the connection, is asked again", async (open) => {
    const jobs = new RedisJobs(open());
    await jobs.add([aJob({ id: "a" })]);
    await server.command("SCRIPT", "FLUSH");
    assertEquals((await jobs.count()).pending, 1);
    await server.command("CLIENT", "KILL", "TYPE", "normal");
    await server.command("SCRIPT", "FLUSH");
    assertEquals((await jobs.claim(BY, 0))?.id, "a");
  });

  test("a server that is a replica is waited for until it is the master", async (open) => {
    const jobs = new RedisJobs(open());
    await jobs.count();
    const refusals = async () => {
      const stats = String(await server.command("INFO", "errorstats"));
      // Redis 6.2 counts what a script is refused as any other error.
      const counts = [...stats.matchAll(/errorstat_(?:READONLY|ERR):count=(\d+)/g)];
      return counts.reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const before = await refusals();
    await server.command("REPLICAOF", "127.0.0.1", "1");
    try {
      const adding = jobs.add([aJob({ id: "a" })]);
      await Promise.race([adding, waitUntil(async () => await refusals() > before)]);
      await server.command("REPLICAOF", "NO", "ONE");
      assertEquals(await adding, 1);
    } finally {
      await server.command("REPLICAOF", "NO", "ONE");
    }
  });

  test("a server that does not answer is not one that has gone away", async () => {
    using stopped = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = { host: "127.0.0.1", port: stopped.addr.port };
    const redis = server.connect("q", { address, patience: 100 });
    const error = await assertRejects(() => redis.info(), QueueError);
    await redis.close();
    assertEquals(error.message, "Cannot reach the server: no answer in time");
  });

  test("check() finds what was spoiled, and with repair puts it right", async (open) => {
    const [redis, jobs] = [open(), new RedisJobs(open())];
    await jobs.add([
      aJob({ id: "a" }),
      aJob({ id: "b", sequence: 1 }),
      aJob({ id: "c", sequence: 2 }),
    ]);
    const look = async (repair: boolean) =>
      (await check(redis, { repair }, () => {})).map(({ path, repaired }) => [path, repaired]);
    assertEquals(await look(false), []);
    const ready = await redis.read("ZRANGE", "ready", "0", "-1") as string[];
    await redis.ask("ZREM", "ready", ready[0]!);
    await redis.ask("HDEL", "jobs", "b");
    const found = await look(false);
    assert(found.some(([path]) => path === "jobs/a"), String(found));
    assert(found.some(([path]) => path === "ready/b"), String(found));
    assertEquals((await look(true)).length, found.length);
    assertEquals(await look(false), []);
    assertEquals([(await jobs.claim(BY, 0))?.id, (await jobs.claim(BY, 0))?.id], ["a", "c"]);
    assertEquals(await jobs.claim(BY, 0), undefined);
    // They run, and no worker has a place.
    assertEquals((await look(false)).map(([path]) => path).sort(), ["jobs/a", "jobs/c"]);
    await look(true);
    assertEquals([await look(false), (await jobs.get("a"))?.history[0]?.outcome], [[], "lost"]);
  });

  test("a claim passes over a place whose job is gone", async (open) => {
    const [redis, jobs] = [open(), new RedisJobs(open())];
    await jobs.add([aJob({ id: "a" }), aJob({ id: "b", sequence: 1 })]);
    await redis.ask("HDEL", "jobs", "a");
    assertEquals((await jobs.claim(BY, 0))?.id, "b");
  });

  test("a record of a newer form, and keys of another program, are refused", async (open) => {
    const redis = open();
    await ensureVersion(redis);
    await ensureVersion(redis);
    await redis.ask("SET", "version", "99");
    const newer = await assertRejects(() => ensureVersion(redis), QueueError, "newer queuectl");
    assertEquals(newer.code, "refused");
    await redis.ask("SET", "jobs", "x");
    await assertRejects(() => new RedisJobs(redis).add([aJob()]), QueueError, "another program");
  });

  Deno.test("Redis that would throw away keys is refused, and one without memory says so", async () => {
    const redis = server.connect("full");
    const setting = (name: string, value: string) => server.command("CONFIG", "SET", name, value);
    try {
      await new RedisJobs(redis).add([aJob()]);
      await setting("maxmemory", "1");
      const full = await assertRejects(
        () => new RedisJobs(redis).add([aJob({ id: "b" })]),
        QueueError,
      );
      assertEquals([full.code, /memory is full/.test(full.message)], ["io", true], full.message);
      await setting("maxmemory-policy", "allkeys-lru");
      const other = server.connect("full");
      await assertRejects(() => other.info(), QueueError, "would throw away jobs");
      await other.close();
    } finally {
      await setting("maxmemory-policy", "noeviction");
      await setting("maxmemory", "0");
      await redis.close();
    }
  });

  test("the order is that of texts also before 1970 and in far years", async (open) => {
    const jobs = new RedisJobs(open());
    const times = [-8.64e15, -1, 0, EPOCH, 8.64e15];
    await jobs.add(times.map((createdAt, n) => aJob({ id: `t${n}`, createdAt })));
    const listed = (await Array.fromAsync(jobs.list({}))).map(({ createdAt }) => createdAt);
    assertEquals(listed, times.toReversed());
  });
}
