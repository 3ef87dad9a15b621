// What can be done where the memory of the server is full: all that lets jobs run on and end.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { claimOf } from "../../src/queue/job.ts";
import { cancelled, ended } from "../../src/queue/transitions.ts";
import type { Redis } from "../../src/stores/redis/connection.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { LastPieces } from "../../src/stores/shared/last_pieces.ts";
import { RedisLeases } from "../../src/stores/redis/leases.ts";
import { requestTable } from "../../src/stores/redis/tables.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { redisQueues, startRedis } from "../support/redis_server.ts";

const W1 = { worker: "w-1", pid: 1, host: "box" };
const HOST = { id: "host-1", hostname: "box", guarded: true };

const server = await startRedis();
if (server !== undefined) {
  const withQueue = redisQueues(server);
  const fullTest = (
    says: string,
    test: (redis: Redis, fill: () => Promise<void>) => Promise<void>,
  ) =>
    Deno.test(`Redis with a full memory: ${says}`, () =>
      withQueue(async (open) => {
        try {
          await test(open(), async () => {
            await server.command("CONFIG", "SET", "maxmemory", "1");
          });
        } finally {
          await server.command("CONFIG", "SET", "maxmemory", "0");
        }
      }));

  fullTest("no job can be enqueued, and nothing is changed", async (redis, fill) => {
    const jobs = new RedisJobs(redis);
    await fill();
    const error = await assertRejects(() => jobs.add([aJob()]), QueueError);
    assertEquals(error.message, "Cannot use the server: its memory is full");
    assertEquals((await jobs.count()).pending, 0);
  });

  for (const ahead of [true, false]) {
    fullTest(
      `jobs begin and end, ${ahead ? "one with" : "each without"} the next`,
      async (redis, fill) => {
        const jobs = new RedisJobs(redis, { ahead });
        await jobs.add([
          aJob({ id: "a", sequence: 0 }),
          aJob({ id: "b", sequence: 1, after: ["a"] }),
        ]);
        await fill();
        for (const id of ["a", "b"]) {
          const job = (await jobs.claim(W1, Date.now(), ["default"]))!;
          assertEquals(job.id, id);
          const end = (job: Parameters<typeof ended>[0], now: number) =>
            ended(job, anEnding("succeeded"), { base: 2, max: 60 }, now);
          const hook = () => aJob({ id: `hook-${id}`, queue: "hooks" });
          await jobs.change(job.id, end, claimOf(job), hook);
        }
        const { completed, pending } = await jobs.count();
        assertEquals([completed, pending], [2, 2]);
      },
    );
  }

  fullTest(
    "an end waits for room for its output, and the claim after it is fine",
    async (redis, fill) => {
      const lastPieces = new LastPieces();
      const jobs = new RedisJobs(redis, { ahead: true, lastPieces });
      await jobs.add([aJob({ id: "a", sequence: 0 }), aJob({ id: "b", sequence: 1 })]);
      const job = (await jobs.claim(W1, Date.now()))!;
      lastPieces.keep("a", {
        attempt: 1,
        from: 0,
        bytes: new Uint8Array(1),
        send: () => Promise.resolve(),
        isThere: () => {},
      });
      const end = () =>
        jobs.change(
          "a",
          (job, now) => ended(job, anEnding("succeeded"), { base: 2, max: 60 }, now),
          claimOf(job),
        );
      await fill();
      await assertRejects(end, QueueError, "its memory is full");
      assertEquals((await jobs.get("a"))?.status.state, "processing");
      await server.command("CONFIG", "SET", "maxmemory", "0");
      await end();
      assertEquals((await jobs.claim(W1, Date.now()))?.id, "b");
    },
  );

  fullTest("jobs that wait can be called off, and removed", async (redis, fill) => {
    const jobs = new RedisJobs(redis);
    await jobs.add([
      aJob({ id: "a", sequence: 0, unique: "key" }),
      aJob({ id: "b", sequence: 1, after: ["a"] }),
      aJob({ id: "c", sequence: 2, runAt: Date.now() + 100_000 }),
    ]);
    await fill();
    for (const id of ["a", "c"]) await jobs.change(id, cancelled);
    // Those who wait for them are told of it.
    assertEquals((await jobs.count()).cancelled, 3);
    for (const id of ["a", "b", "c"]) await jobs.remove(id, () => undefined);
    assertEquals((await jobs.count()).cancelled, 0);
  });

  fullTest("a host keeps its lease, and workers can be told to stop", async (redis, fill) => {
    const leases = new RedisLeases(redis, { settle: () => Promise.resolve() });
    const { epoch } = await leases.beat(HOST, 60, new Map());
    await fill();
    assertEquals((await leases.beat(HOST, 60, new Map())).epoch, epoch);
    const requests = requestTable(redis);
    await requests.put({ kind: "graceful", name: "w-1" });
    assertEquals(await requests.all(), [{ kind: "graceful", name: "w-1" }]);
  });
}
