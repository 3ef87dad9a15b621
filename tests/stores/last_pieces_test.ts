// The last of what an attempt prints goes to a server together with its end.
import { assert, assertEquals } from "@std/assert";
import { claimOf, type Job } from "../../src/queue/job.ts";
import type { JobStore } from "../../src/queue/store.ts";
import { ended } from "../../src/queue/transitions.ts";
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { PostgresLogs } from "../../src/stores/postgres/outputs.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { RedisLogs } from "../../src/stores/redis/outputs.ts";
import type { OutputTable } from "../../src/stores/shared/file_sender.ts";
import { LastPieces } from "../../src/stores/shared/last_pieces.ts";
import type { JobsOptions } from "../../src/stores/shared/server_store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { senderOf } from "../support/file_sender.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { postgresSchemas } from "../support/postgres_schemas.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { startRedis } from "../support/redis_server.ts";
import { withTempDir } from "../support/temp_dir.ts";

interface Opened {
  jobs(options: JobsOptions): JobStore;
  readonly outputs: OutputTable;
}

const W1 = { worker: "w-1", pid: 1, host: "box" };
const end = (job: Job, now: number) => ended(job, anEnding("succeeded"), { base: 2, max: 60 }, now);

/** Counts what goes to the store by itself. */
function counting(outputs: OutputTable): { outputs: OutputTable; puts: () => number } {
  let puts = 0;
  return {
    outputs: {
      size: (...asked) => outputs.size(...asked),
      read: (...asked) => outputs.read(...asked),
      put: (...piece) => {
        puts++;
        return outputs.put(...piece);
      },
    },
    puts: () => puts,
  };
}

function testLastPieces(
  name: string,
  withStore: (test: (opened: Opened) => Promise<void>) => Promise<void>,
): void {
  const textOf = async (outputs: OutputTable, id = "a") => {
    const bytes = await outputs.read(id, 1, 0, 1000);
    return bytes && new TextDecoder().decode(bytes);
  };

  /** Claims a job that prints `text`, and whose worker has waited for its end. */
  const withEnded = (
    text: string,
    test: (
      parts: Opened & { job: Job; store: JobStore; path: string; puts: () => number },
    ) => Promise<void>,
    { limit = 0, isClaimed = true } = {},
  ) =>
    withStore((opened) =>
      withTempDir(async (dir) => {
        const lastPieces = new LastPieces();
        const store = opened.jobs({ lastPieces });
        await store.add([aJob(), aJob({ id: "b", sequence: 1 })]);
        const job = (await store.claim(W1, 0))!;
        const path = `${dir}/a.1.log`;
        const { outputs, puts } = counting(opened.outputs);
        diskFiles.create(path, "left by an earlier job of the same id");
        const sender = senderOf(path, outputs, {
          limit,
          isNew: true,
          lastPieces: isClaimed ? lastPieces : new LastPieces(),
        });
        diskFiles.create(path, text);
        await sender.finish(new AbortController().signal);
        await test({ ...opened, job, store, path, puts });
        assertEquals(diskFiles.info(path), undefined);
        await store.close?.();
      })
    );

  for (const text of ["", "said\n", "ünd\0 €"]) {
    Deno.test(`${name}: the end takes ${JSON.stringify(text)} along`, () =>
      withEnded(text, async ({ job, store, outputs, puts, path }) => {
        assert(diskFiles.info(path) !== undefined, "it stays until the end is on record");
        await store.change("a", end, claimOf(job));
        assertEquals([await textOf(outputs), puts()], [text, 0]);
        assertEquals((await store.get("a"))?.status.state, "completed");
      }));
  }

  Deno.test(`${name}: an end that goes another way finds the output there`, () =>
    withEnded("said\n", async ({ job, store, outputs, puts }) => {
      const hook = (_: Job, now: number) => aJob({ id: "hook", createdAt: now });
      await store.change("a", end, claimOf(job), hook);
      assertEquals([await textOf(outputs), puts()], ["said\n", 1]);
    }));

  Deno.test(`${name}: what is much, or beyond the limit, goes before the end`, async () => {
    await withEnded("x".repeat(70_000), async ({ outputs, puts }) => {
      assertEquals([await outputs.size("a", 1), puts()], [70_000, 1]);
    });
    await withEnded("said\n", async ({ outputs, puts }) => {
      const capped = "sa\n[queuectl: log capped at 2 bytes; the rest was dropped]\n";
      assertEquals([await textOf(outputs), puts()], [capped, 2]);
    }, { limit: 2 });
  });

  Deno.test(`${name}: the output of a job that another worker has taken over is kept`, () =>
    withEnded("said\n", async ({ job, jobs, store, outputs, puts }) => {
      const other = jobs({});
      await other.change("a", end, claimOf(job));
      await store.change("a", end, claimOf(job)).catch(() => {});
      assertEquals([await textOf(outputs), puts()], ["said\n", 1]);
      await other.close?.();
    }));

  Deno.test(`${name}: an earlier piece that comes late takes nothing away from a longer one`, () =>
    withEnded("said more\n", async ({ job, store, outputs }) => {
      // Of a worker that was killed: what is there was asked before.
      await outputs.put("a", 1, 0, new TextEncoder().encode("sai"));
      await store.change("a", end, claimOf(job));
      assertEquals(await textOf(outputs), "said more\n");
      for (const text of ["b", "bo", "", "both", "bot"]) {
        await outputs.put("b", 1, 0, new TextEncoder().encode(text));
      }
      assertEquals(await textOf(outputs, "b"), "both");
    }));

  Deno.test(`${name}: output of a job that this process has not claimed is sent by itself`, () =>
    withEnded("said\n", async ({ outputs, puts }) => {
      assertEquals([await textOf(outputs), puts()], ["said\n", 1]);
    }, { isClaimed: false }));
}

const postgres = await startPostgres();
if (postgres !== undefined) {
  const withSchema = postgresSchemas(postgres);
  testLastPieces("PostgreSQL", (test) =>
    withSchema(async (open) => {
      const database = open();
      await test({
        jobs: (options) => new PostgresJobs(database, options),
        outputs: new PostgresLogs(database),
      });
    }));
}

const redisServer = await startRedis();
if (redisServer !== undefined) {
  let queues = 0;
  testLastPieces("Redis", async (test) => {
    const redis = redisServer.connect(`last-${++queues}`);
    try {
      await test({
        jobs: (options) => new RedisJobs(redis, options),
        outputs: new RedisLogs(redis),
      });
    } finally {
      await redis.close();
    }
  });
}
