// What is special to jobs in PostgreSQL: who is asked and when, what is told in portions.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { claimOf, type Job } from "../../src/queue/job.ts";
import { ended } from "../../src/queue/transitions.ts";
import { type Database, timestamp } from "../../src/stores/postgres/connection.ts";
import { lostPlaces } from "../../src/stores/postgres/gone_hosts.ts";
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { PostgresQueues } from "../../src/stores/postgres/queues.ts";
import { DEFAULT_SETTINGS } from "../../src/queue/settings.ts";
import { settleLost } from "../../src/stores/shared/settle_lost.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { postgresSchemas } from "../support/postgres_schemas.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { waitUntil } from "../support/wait_until.ts";

const server = await startPostgres();
const BACKOFF = { base: 2, max: 60 };
const by = { worker: "w-1", pid: 1, host: "box" };

const end = async (jobs: PostgresJobs, job: Job) =>
  await jobs.change(
    job.id,
    (job, now) => ended(job, anEnding("succeeded"), BACKOFF, now),
    claimOf(job),
  );

/** How many statements a connection has been asked for since. */
function counted(database: Database): () => number {
  let count = 0;
  const query = database.query.bind(database);
  database.query = ((...args: Parameters<typeof query>) => {
    count++;
    return query(...args);
  }) as Database["query"];
  return () => count;
}

async function makePlace(database: Database): Promise<void> {
  await database.query(
    "insert into queuectl.hosts (id, name, guarded, lease, lease_until) values ('h', 'box', true, 60, now())",
  );
  await database.query("insert into queuectl.workers (name, host_id) values ('w-1', 'h')");
}

if (server !== undefined) {
  const withSchema = postgresSchemas(server);

  Deno.test("settleLost() leaves a job that an application has locked for later, and no other", async () => {
    await withSchema(async (open) => {
      const database = open();
      await makePlace(database);
      const jobs = new PostgresJobs(database);
      await jobs.add([aJob(), aJob({ id: "b", sequence: 1 })]);
      for (const _ of ["a", "b"]) await jobs.claim(by, 0);
      await database.query("update queuectl.workers set host_id = null, lost_with = 'box'");
      const settle = () =>
        settleLost(lostPlaces(database), jobs, () => Promise.resolve(DEFAULT_SETTINGS));
      const states = async () =>
        (await Array.fromAsync(jobs.list({}))).map(({ status }) => status.state);
      await open().transaction(async (sql) => {
        await sql.query("select from queuectl.jobs where id = 'a' for update");
        await settle();
        assertEquals(await states(), ["failed", "processing"]);
      });
      await settle();
      assertEquals(await states(), ["failed", "failed"]);
      assertEquals(await lostPlaces(database).list(), []);
    });
  });

  Deno.test("list() of ended jobs does not read the newer ones that wait", async () => {
    await withSchema(async (open) => {
      const database = open();
      await database.query(`insert into queuectl.jobs
        (id, command, state, queue, priority, line, turn, since, created_at, sequence, max_retries,
          timeout, cwd)
        select n::text, 'true', case when n <= 2000 then 'completed' else 'pending' end, 'default',
          0, case when n > 2000 then 'open' end, now(), now(), now() + n * interval '1 s', 0, 3, 0, '/'
        from generate_series(1, 6000) as n`);
      await database.query("analyze queuectl.jobs");
      let plan = "";
      const query = database.query.bind(database);
      database.query = (async (text: string, values: unknown[]) => {
        plan += JSON.stringify(await query(`explain ${text}`, values));
        return await query(text, values);
      }) as Database["query"];
      const list = new PostgresJobs(database).list({ states: ["completed"], limit: 2 });
      assertEquals((await Array.fromAsync(list)).map(({ id }) => id), ["2000", "1999"]);
      assert(plan.includes("jobs_ended"), plan);
    });
  });

  Deno.test("the end of a job is found by its id, not among all that run or have run lately", async () => {
    await withSchema(async (open) => {
      const database = open();
      const jobs = Array.from({ length: 2000 }, (_, n) => aJob({ id: `job-${n}`, sequence: n }));
      await new PostgresJobs(database).add(jobs);
      // The planner believes that none runs, as it nearly always does.
      await database.query("analyze queuectl.jobs");
      await database.transaction(async (sql) => {
        const [job] = await sql.query<{ id: string; at: number }>(
          "select id, started_at as at from queuectl.claim('w-1', 1, 'box', null, null, null)",
        );
        const [{ scans, gated } = {}] = await sql.query<{ scans: number; gated: boolean }>(
          `select queuectl.finish($1, 'w-1', 1, 1, $2, 'completed', $2, null, null, 1, 0, null, '[{}]')
            as gated, pg_stat_get_xact_numscans('queuectl.jobs_running'::regclass) as scans`,
          [job!.id, timestamp(job!.at)],
        );
        assertEquals([gated, scans], [false, 0]);
      });
    });
  });

  Deno.test("claim() of a worker that found nothing asks again when it is told, and not before", async () => {
    await withSchema(async (open) => {
      const database = open();
      await makePlace(database);
      const [jobs, others] = [new PostgresJobs(database, { host: "h" }), new PostgresJobs(open())];
      // The worker's loop, until it is heard that notifications come.
      const asked = counted(database);
      const isQuiet = async () => {
        const before = asked();
        assertEquals(await jobs.claim(by, 0), undefined);
        await jobs.nextDue();
        await jobs.waitForChange(10);
        return asked() === before;
      };
      await waitUntil(isQuiet);
      await others.add([aJob()]);
      await jobs.waitForChange(60_000);
      const job = (await jobs.claim(by, 0))!;
      assertEquals(job.id, "a");
      await end(jobs, job);
      await waitUntil(isQuiet);
      // A job that falls due tells nobody: it was known.
      await others.add([aJob({ id: "b", runAt: Date.now() + 300 })]);
      await waitUntil(async () => {
        await jobs.nextDue();
        await jobs.waitForChange(10);
        return (await jobs.claim(by, 0))?.id === "b";
      });
      for (const one of [jobs, others]) await one.close();
    });
  });

  Deno.test("claim() is refused to a worker that has lost its place, and nothing of it is shown", async () => {
    await withSchema(async (open) => {
      const database = open();
      await makePlace(database);
      const jobs = new PostgresJobs(database, { host: "h", ahead: true });
      await jobs.add(["a", "b", "c"].map((id, sequence) => aJob({ id, sequence })));
      const job = (await jobs.claim(by, 0))!;
      assertEquals((await jobs.claimedBy("w-1")).map(({ id }) => id), ["a"]);
      await database.query("update queuectl.workers set host_id = null");
      assertEquals(await jobs.claimedBy("w-1"), []);
      assertEquals((await assertRejects(() => jobs.claim(by, 0), QueueError)).code, "claim_lost");
      // How the job ended counts for as long as nobody has taken it for lost.
      assertEquals((await end(jobs, job)).status.state, "completed");
      assertEquals((await jobs.count()).pending, 2);
      await jobs.close();
    });
  });

  Deno.test("change() tells thousands of those who wait for a job, and recover() what was left", async () => {
    await withSchema(async (open) => {
      const [database, jobs] = [open(), new PostgresJobs(open())];
      const dependents = (after: string) =>
        Array.from(
          { length: 2500 },
          (_, sequence) => aJob({ id: `${after}-${sequence}`, sequence, after: [after] }),
        );
      for (const id of ["a", "b"]) await jobs.add([aJob({ id }), ...dependents(id)]);
      await end(jobs, (await jobs.claim(by, 0))!);
      assertEquals([(await jobs.count()).pending, (await jobs.count()).blocked], [2501, 2500]);
      // As one leaves it that dies after the first portion.
      await database.query(
        "update queuectl.jobs set state = 'completed', line = null, owes = true where id = 'b'",
      );
      await new PostgresJobs(open()).recover();
      assertEquals([(await jobs.count()).pending, (await jobs.count()).blocked], [5000, 0]);
      assertEquals(await database.query("select from queuectl.jobs where owes"), []);
      assertEquals(await database.query("select from queuectl.dependencies"), []);
    });
  });

  Deno.test("claim() keeps a limit over many claims at one moment", async () => {
    await withSchema(async (open) => {
      const queues = new PostgresQueues(open());
      const all = Array.from({ length: 8 }, () => new PostgresJobs(open()));
      await all[0]!.add(
        Array.from({ length: 40 }, (_, sequence) => aJob({ id: `j${sequence}`, sequence })),
      );
      // The settings come while claims are under way.
      const claims = Promise.all(all.map((jobs, i) => jobs.claim({ ...by, worker: `w-${i}` }, 0)));
      await queues.change(["default"], (one) => ({ ...one, limit: 3 }));
      const before = (await claims).filter((job) => job !== undefined).length;
      const after = await Promise.all(all.map((jobs) => jobs.claim(by, 0)));
      const more = after.filter((job) => job !== undefined).length;
      const { processing } = await all[0]!.count();
      assertEquals([processing, more], [before + more, Math.max(0, 3 - before)]);
      assert(processing >= 3);
    });
  });
}
