// What happens while a backup is made is in it as a whole, or not at all.
import { assert, assertEquals } from "@std/assert";
import { claimOf, type Job } from "../../src/queue/job.ts";
import { addSchedule } from "../../src/queue/schedule_firing.ts";
import { ended } from "../../src/queue/transitions.ts";
import { readBackup } from "../../src/stores/file/read_backup.ts";
import { backup } from "../../src/stores/redis/backup.ts";
import type { Redis } from "../../src/stores/redis/connection.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { restore } from "../../src/stores/redis/restore.ts";
import { RedisSchedules } from "../../src/stores/redis/schedules.ts";
import { READ } from "../../src/stores/redis/script_read.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { redisQueues, startRedis } from "../support/redis_server.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { aSchedule, fire, MINUTE, START } from "./schedule_conformance.ts";

const W1 = { worker: "w-1", pid: 1, host: "box" };

/** Makes a backup, and does something when it is about to read its first jobs. */
async function backupWhile(redis: Redis, happens: () => Promise<void>) {
  const run = redis.run.bind(redis);
  redis.run = async (script, args) => {
    if (script === READ) {
      redis.run = run;
      await happens();
    }
    return await run(script, args);
  };
  let saved!: ReturnType<typeof readBackup>;
  await withTempDir(async (dir) => {
    await backup(redis, `${dir}/copy`, diskFiles, () => {});
    saved = readBackup(`${dir}/copy`, diskFiles, () => {});
  });
  return saved;
}

const server = await startRedis();
if (server !== undefined) {
  const withQueue = redisQueues(server);

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

  for (const many of [0, 300]) {
    Deno.test(`Redis: restore() takes ended jobs whose key other jobs have, with ${many} more`, () =>
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
          await jobs.add(
            Array.from({ length: many }, (_, i) => aJob({ id: `m${i}`, sequence: i })),
          );
          await backup(redis, `${dir}/copy`, diskFiles, () => {});
          const [prefix] = /(?<=\{).*(?=\})/.exec(redis.base)!;
          const parts = {
            redis,
            options: {
              name: "the server",
              address: { host: `${server.folder}/s`, port: 0 },
              prefix,
            },
            files: diskFiles,
            over: true,
            isAnybodyThere: () => Promise.resolve(false),
          };
          assertEquals((await restore(parts, `${dir}/copy`, () => {})).jobs, 3 + many);
          // The one that waits has the key.
          const left: string[] = [];
          await jobs.add([aJob({ id: "d", unique: "k" })], (_, holder) => void left.push(holder));
          assertEquals(left, ["c"]);
        })
      ));
  }
}
