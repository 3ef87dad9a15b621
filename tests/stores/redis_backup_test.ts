// What happens while a backup is made is in it as a whole, or not at all.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { claimOf, type Job } from "../../src/queue/job.ts";
import { addSchedule } from "../../src/queue/schedule_firing.ts";
import { ended } from "../../src/queue/transitions.ts";
import { readBackup } from "../../src/stores/file/read_backup.ts";
import { backup } from "../../src/stores/redis/backup.ts";
import type { Redis } from "../../src/stores/redis/connection.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { PORTION } from "../../src/stores/redis/new_jobs.ts";
import { restore } from "../../src/stores/redis/restore.ts";
import { RedisSchedules } from "../../src/stores/redis/schedules.ts";
import { MOVE } from "../../src/stores/redis/script_change.ts";
import { READ } from "../../src/stores/redis/script_read.ts";
import { REPLACE } from "../../src/stores/redis/script_rest.ts";
import { RedisSettings } from "../../src/stores/redis/settings.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { before, restoreParts } from "../support/redis_restore.ts";
import { redisQueues, startRedis } from "../support/redis_server.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { aSchedule, fire, MINUTE, START } from "./schedule_conformance.ts";

const W1 = { worker: "w-1", pid: 1, host: "box" };

/** Makes a backup, and does something when it is about to read its first jobs. */
async function backupWhile(redis: Redis, happens: () => Promise<void>) {
  before(redis, READ, happens);
  let saved!: ReturnType<typeof readBackup>;
  await withTempDir(async (dir) => {
    await backup(redis, `${dir}/copy`, diskFiles, () => {});
    saved = readBackup(`${dir}/copy`, diskFiles, () => {});
  });
  return saved;
}

const many = (count: number) =>
  Array.from({ length: count }, (_, i) => aJob({ id: `${count}-${i}`, sequence: i }));

const server = await startRedis();
if (server !== undefined) {
  const withQueue = redisQueues(server);
  const partsOf = (redis: Redis, over = true) => restoreParts(redis, server, over);

  Deno.test("Redis: backup() of a schedule that fires meanwhile has the job, or it is to fire", () =>
    withQueue(async (open) => {
      const jobs = new RedisJobs(open());
      const schedules = new RedisSchedules(open(), { jobs });
      await addSchedule(schedules, aSchedule(), false);
      await jobs.add([aJob({ id: "a" })]);
      const saved = await backupWhile(open(), async () => {
        assertEquals(await fire(schedules, START + MINUTE), ["fire 12:01"]);
      });
      const { text } = saved.schedules[0]!;
      const isThere = saved.jobs.length === 2;
      assert(isThere || JSON.parse(text).last_job_id === null, text);
    }));

  Deno.test("Redis: backup() has the hook of a job that ends meanwhile", () =>
    withQueue(async (open) => {
      const jobs = new RedisJobs(open());
      await jobs.add([aJob({ id: "a" })]);
      const job = (await jobs.claim(W1, Date.now()))!;
      const end = (job: Job, now: number) =>
        ended(job, anEnding("succeeded"), { base: 2, max: 60 }, now);
      const saved = await backupWhile(open(), async () => {
        await jobs.change("a", end, claimOf(job), () => aJob({ id: "hook-a", queue: "hooks" }));
        await jobs.add([aJob({ id: "b" })]);
      });
      assertEquals(saved.jobs.map(({ id }) => id).sort(), ["a", "hook-a"]);
    }));

  const additions: Record<string, (redis: Redis) => Promise<unknown>> = {
    "a job": (redis) => new RedisJobs(redis).add([aJob({ id: "b" })]),
    "a batch that is not in its place yet": (redis) => {
      const run = redis.run.bind(redis);
      redis.run = async (script, args) => {
        if (script === MOVE) throw new Error("killed");
        return await run(script, args);
      };
      return new RedisJobs(redis).add(many(PORTION + 1));
    },
    "a schedule": (redis) =>
      addSchedule(new RedisSchedules(redis, { jobs: new RedisJobs(redis) }), aSchedule(), false),
    "a setting": (redis) => new RedisSettings(redis).set("max_retries", 7),
  };
  for (const [what, add] of Object.entries(additions)) {
    Deno.test(`Redis: restore() changes nothing if ${what} has come meanwhile`, () =>
      withQueue((open) =>
        withTempDir(async (dir) => {
          const redis = open();
          const jobs = new RedisJobs(redis);
          await jobs.add([aJob({ id: "a" })]);
          await backup(redis, `${dir}/copy`, diskFiles, () => {});
          await jobs.remove("a", () => undefined);
          before(redis, REPLACE, async () => void await add(open()));
          const restoring = restore(partsOf(redis, false), `${dir}/copy`, () => {});
          await assertRejects(() => restoring, QueueError, "something was added");
          const added = { "a job": 1, "a schedule": 0, "a setting": 0 }[what] ?? PORTION + 1;
          assertEquals((await jobs.count()).pending, added);
          const { jobs: restored } = await restore(partsOf(redis), `${dir}/copy`, () => {});
          assertEquals([restored, (await jobs.count()).pending], [1, 1]);
        })
      ));
  }

  for (const more of [0, 300]) {
    Deno.test(`Redis: restore() takes ended jobs whose key other jobs have, with ${more} more`, () =>
      withQueue((open) =>
        withTempDir(async (dir) => {
          const redis = open();
          const jobs = new RedisJobs(redis);
          const end = (job: Job, now: number) =>
            ended(job, anEnding("succeeded"), { base: 2, max: 60 }, now);
          for (const id of ["a", "b"]) {
            await jobs.add([aJob({ id, unique: "k" })]);
            const job = (await jobs.claim(W1, Date.now()))!;
            await jobs.change(id, end, claimOf(job));
          }
          await jobs.add([aJob({ id: "c", unique: "k" })]);
          await jobs.add(many(more));
          await backup(redis, `${dir}/copy`, diskFiles, () => {});
          assertEquals((await restore(partsOf(redis), `${dir}/copy`, () => {})).jobs, 3 + more);
          // The one that waits has the key.
          const left: string[] = [];
          await jobs.add([aJob({ id: "d", unique: "k" })], (_, holder) => void left.push(holder));
          assertEquals(left, ["c"]);
        })
      ));
  }
}
