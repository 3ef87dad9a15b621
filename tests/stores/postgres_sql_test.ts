// Enqueuing in SQL, and who may do what.
import { assertEquals, assertRejects } from "@std/assert";
import { assert } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { cancelled, ended } from "../../src/queue/transitions.ts";
import { type Database, timestamp } from "../../src/stores/postgres/connection.ts";
import { openTransactions } from "../../src/stores/postgres/open_transactions.ts";
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { PostgresQueues } from "../../src/stores/postgres/queues.ts";
import { ensureSchema, schemaScript } from "../../src/stores/postgres/schema.ts";
import { aJob, anEnding, changeAs } from "../support/jobs.ts";
import { postgresSchemas } from "../support/postgres_schemas.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { waitUntil } from "../support/wait_until.ts";

const server = await startPostgres();
const W1 = { worker: "w-1", pid: 1, host: "box" };

async function enqueue(database: Database, options: string): Promise<string> {
  const [row] = await database.query<{ id: string }>(`select queuectl.enqueue(${options}) as id`);
  return row!.id;
}

async function refused(action: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await assertRejects(() => action, Error);
  assert(message.test(error.message), error.message);
}

if (server !== undefined) {
  const withSchema = postgresSchemas(server);

  Deno.test("queuectl.enqueue() makes the job that was asked for, and workers are told", async () => {
    await withSchema(async (open) => {
      const [database, jobs] = [open(), new PostgresJobs(open())];
      await jobs.waitForChange(0);
      await jobs.claim(W1, 0);
      const woken = jobs.waitForChange(60_000);
      const before = Date.now() - 1000;
      const id = await enqueue(
        database,
        `'make', queue => 'q', priority => 2, cwd => '/tmp', env => '{"A": "b"}', max_retries => 1,
        timeout => 1.5, group_name => 'g', unique_key => 'k', start_by => now() + interval '1 day'`,
      );
      await woken;
      const job = (await jobs.get(id))!;
      assert(job.createdAt > before && job.startBy! > job.createdAt);
      const { createdAt, sequence, startBy } = job;
      const request = { queue: "q", priority: 2, cwd: "/tmp", env: { A: "b" }, maxRetries: 1 };
      const rest = { timeout: 1.5, group: "g", unique: "k", createdAt, sequence, startBy };
      assertEquals(job, aJob({ id, command: "make", ...request, ...rest }));
      assertEquals((await jobs.claim(W1, 0))?.id, id);
    });
  });

  Deno.test("queuectl.enqueue() takes what is set for all jobs, and keeps the order", async () => {
    await withSchema(async (open) => {
      const [database, jobs] = [open(), new PostgresJobs(open())];
      await database.query("insert into queuectl.settings values ('max_retries', '7')");
      await database.query(
        "select queuectl.enqueue('true', id => 'j' || n) from generate_series(1, 20) as n",
      );
      assertEquals((await jobs.get("j1"))?.maxRetries, 7);
      const order: (string | undefined)[] = [];
      for (let n = 1; n <= 20; n++) order.push((await jobs.claim(W1, 0))?.id);
      assertEquals(order, Array.from({ length: 20 }, (_, n) => `j${n + 1}`));
    });
  });

  Deno.test("queuectl.enqueue() takes null for what is not given", async () => {
    await withSchema(async (open) => {
      const [database, jobs] = [open(), new PostgresJobs(open())];
      const nothing =
        "queue => null, priority => null, cwd => null, env => null, after => '{null}'";
      const id = await enqueue(database, `'true', ${nothing}, after_any => null`);
      const { queue, priority, cwd, env, after, afterAny } = (await jobs.get(id))!;
      assertEquals([queue, priority, cwd, env, after, afterAny], ["default", 0, "/", {}, [], []]);
    });
  });

  Deno.test("queuectl.enqueue() belongs to the transaction of its caller", async () => {
    await withSchema(async (open) => {
      const [database, jobs] = [open(), new PostgresJobs(open())];
      await database.query("begin");
      await enqueue(database, "'true', id => 'a'");
      assertEquals(await jobs.claim(W1, 0), undefined);
      await database.query("rollback");
      assertEquals(await jobs.get("a"), undefined);
      await enqueue(database, "'true', id => 'a'");
      assertEquals((await jobs.claim(W1, 0))?.id, "a");
    });
  });

  Deno.test("queuectl.enqueue() returns the job that has its key, and refuses an id that is taken", async () => {
    await withSchema(async (open) => {
      const database = open();
      const id = await enqueue(database, "'true', unique_key => 'k'");
      assertEquals(await enqueue(database, "'false', unique_key => 'k'"), id);
      await refused(enqueue(database, `'true', id => '${id}'`), /is taken/);
    });
  });

  Deno.test("docs/postgresql.md: its SQL does what it says", async () => {
    const page = await Deno.readTextFile(new URL("../../docs/postgresql.md", import.meta.url));
    const blocks = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, sql]) => sql!);
    await withSchema(async (open) => {
      const [database, jobs] = [open(), new PostgresJobs(open())];
      await database.query("create temporary table orders (id integer)");
      const rows = [];
      try {
        for (const block of blocks) {
          for (const statement of block.split(";")) rows.push(...await database.query(statement));
        }
      } finally {
        await database.query("drop owned by web");
        await database.query("drop role web");
      }
      assertEquals((await jobs.claim(W1, 0))?.command, "bill-order 17");
      const nothing = { attempt: null, outcome: null, exit_code: null, ended_at: null };
      assertEquals(rows.at(-1), { id: 17, state: "pending", ...nothing });
    });
  });

  Deno.test("queuectl.enqueue() refuses what the command line refuses", async () => {
    await withSchema(async (open) => {
      const database = open();
      const cases: [string, RegExp][] = [
        ["' '", /command is empty/],
        ["null", /command is empty/],
        ["'true', id => '-a'", /"-a" cannot be a job's id/],
        ["'true', queue => 'a b'", /"a b" cannot be the name of a queue/],
        ["'true', group_name => ''", /cannot be the name of a group/],
        ["'true', unique_key => E'a\\nb'", /its key/],
        ["'true', priority => 1000001", /priority/],
        ["'true', max_retries => -1", /max_retries/],
        ["'true', timeout => -1", /timeout/],
        ["'true', timeout => 'nan'", /timeout/],
        ["'true', run_at => 'infinity'", /finite/],
        ["'true', run_at => '290000-01-01'", /before 275760/],
        ["'true', start_by => '290000-01-01'", /before 275760/],
        ["'true', run_at => now(), delay => '1s'", /not both/],
        ["'true', start_by => now() - interval '1s'", /start_by/],
        [`'true', env => '{"A": 1}'`, /env/],
        [`'true', env => '{"1A": "x"}'`, /env/],
        ["'true', cwd => 'here'", /cwd is to be a whole path, .* not "here"/],
        ["'true', cwd => ''", /cwd is to be a whole path/],
        ["'true', after => '{nobody}'", /no job "nobody"/],
      ];
      for (const [options, message] of cases) await refused(enqueue(database, options), message);
      assertEquals(await database.query("select from queuectl.jobs"), []);
      for (const cwd of ["C:\\jobs", "C:/jobs", "\\\\server\\jobs"]) {
        await enqueue(database, `'true', cwd => '${cwd}'`);
      }
    });
  });

  Deno.test("queuectl.enqueue() waits for others as the command line does", async () => {
    await withSchema(async (open) => {
      const [database, jobs] = [open(), new PostgresJobs(open())];
      await jobs.add([aJob({ id: "a" }), aJob({ id: "b" })]);
      await enqueue(database, "'true', id => 'c', after => '{a}', after_any => '{a,b}'");
      assertEquals((await jobs.get("c"))?.status.state, "blocked");
      const end = async (id: string) => {
        await jobs.claim(W1, 0);
        const ending = anEnding("succeeded");
        await changeAs(jobs, "w-1", id, (job, now) => ended(job, ending, { base: 2, max: 9 }, now));
      };
      await end("a");
      assertEquals((await jobs.get("c"))?.status.state, "blocked");
      await end("b");
      assertEquals((await jobs.get("c"))?.status.state, "pending");
      // What has ended before is told of by whoever looks for that.
      await enqueue(database, "'true', id => 'd', after => '{a}'");
      await jobs.recover();
      assertEquals((await jobs.get("d"))?.status.state, "pending");
      // A null in one list takes nothing from the other.
      await enqueue(database, "'true', id => 'e', after => null, after_any => '{d}'");
      assertEquals((await jobs.get("e"))?.afterAny, ["d"]);
    });
  });

  Deno.test("queuectl.enqueue() puts a job into the line of its queue", async () => {
    await withSchema(async (open) => {
      const [database, jobs] = [open(), new PostgresJobs(open())];
      await new PostgresQueues(open()).change(["q"], (one) => ({ ...one, paused: true }));
      await enqueue(database, "'true', queue => 'q'");
      await enqueue(database, "'true', id => 'later', delay => '1h'");
      assertEquals(await jobs.claim(W1, 0), undefined);
      await database.query("update queuectl.jobs set run_at = $1 where id = 'later'", [
        timestamp(Date.now() - 1000),
      ]);
      assertEquals((await jobs.claim(W1, 0))?.id, "later");
    });
  });

  Deno.test("queuectl.attempts shows how each attempt ended", async () => {
    await withSchema(async (open) => {
      const [database, jobs] = [open(), new PostgresJobs(open())];
      await jobs.add([aJob()]);
      await jobs.claim(W1, 0);
      await changeAs(
        jobs,
        "w-1",
        "a",
        (job, now) => ended(job, anEnding("failed"), { base: 2, max: 9 }, now),
      );
      const rows = await database.query(
        "select job_id, attempt, outcome, exit_code from queuectl.attempts",
      );
      assertEquals(rows, [{ job_id: "a", attempt: 1, outcome: "failed", exit_code: 1 }]);
    });
  });

  Deno.test("ensureSchema() by many at one moment makes the tables once", async () => {
    await withSchema(async (open) => {
      const databases = Array.from({ length: 8 }, open);
      await Promise.all(databases.map(ensureSchema));
      assertEquals((await databases[0]!.query("select * from queuectl.version")).length, 1);
    }, { isEmpty: true });
  });

  Deno.test("ensureSchema() waits for another one, whatever time-outs are set for the user", async () => {
    await withSchema(async (open) => {
      const other = open();
      const limits = { options: "-c lock_timeout=1" } as object;
      const hasty = [open(limits), open(limits)];
      await other.query("select pg_advisory_lock(7365120311)");
      const all = Promise.all(hasty.map(ensureSchema));
      const waiting = "select from pg_locks where locktype = 'advisory' and not granted";
      await waitUntil(async () => (await other.query(waiting)).length === hasty.length);
      await other.query("select pg_advisory_unlock(7365120311)");
      await all;
    }, { isEmpty: true });
  });

  Deno.test("where all tables are published, all that changes can be changed", async () => {
    await withSchema(async (open) => {
      const database = open();
      await ensureSchema(database);
      // Which tables a publication covers counts, not whether somebody reads it.
      const without = await database.query(
        `select relname from pg_class c where relkind = 'r' and relreplident <> 'f'
          and relnamespace = (select oid from pg_namespace where nspname = $1)
          and not exists (select from pg_index where indrelid = c.oid and indisprimary)`,
        [database.schema],
      );
      assertEquals(without, []);
    }, { isEmpty: true });
  });

  Deno.test("ensureSchema() refuses tables of a newer version", async () => {
    await withSchema(async (open) => {
      const database = open();
      await ensureSchema(database);
      await database.query("update queuectl.version set version = 99");
      const error = await assertRejects(() => ensureSchema(database), QueueError);
      assertEquals(error.code, "refused");
      assert(error.message.includes("newer queuectl"), error.message);
    }, { isEmpty: true });
  });

  Deno.test("ensureSchema() says which right is missing, and the script gives it", async () => {
    await withSchema(async (open) => {
      const owner = open();
      await owner.query("drop role if exists guest");
      await owner.query("create role guest login");
      const guest = open({ user: "guest" });
      const error = await assertRejects(() => ensureSchema(guest), QueueError);
      assertEquals(error.code, "refused");
      assert(/permission denied for database/.test(error.message), error.message);
      assert(/storage check --repair/.test(error.hint ?? ""), error.hint);
      await owner.query(await schemaScript(guest));
      await ensureSchema(guest);
      const jobs = new PostgresJobs(guest);
      await jobs.add([aJob()]);
      assertEquals((await jobs.claim(W1, 0))?.id, "a");
      // Who has the role may do the same, also change the tables later.
      await owner.query("drop role if exists deputy; create role deputy login in role guest");
      await owner.query("drop index queuectl.jobs_ended; update queuectl.version set version = 1");
      const deputy = open({ user: "deputy" });
      await ensureSchema(deputy);
      const deputys = new PostgresJobs(deputy);
      await deputys.add([aJob({ id: "b" })]);
      assertEquals((await deputys.claim(W1, 0))?.id, "b");
      await owner.query("drop owned by guest, deputy cascade; drop role deputy");
    }, { isEmpty: true });
  });

  Deno.test("ensureSchema() that may not change the tables: the script of their owner does", async () => {
    await withSchema(async (open) => {
      const owner = open();
      await owner.query("drop role if exists guest");
      await owner.query("create role guest login");
      await ensureSchema(owner);
      await owner.query("select queuectl.grant_enqueue('guest')");
      await owner.query("drop index queuectl.jobs_ended; update queuectl.version set version = 1");
      const guest = open({ user: "guest" });
      const error = await assertRejects(() => ensureSchema(guest), QueueError);
      assertEquals(error.code, "refused");
      assert(error.message.startsWith("Cannot change the tables"), error.message);
      await owner.query(await schemaScript(guest));
      await ensureSchema(guest);
      await owner.query("drop owned by guest");
    }, { isEmpty: true });
  });

  Deno.test("ensureSchema() of a user who may not see the tables says who can let him", async () => {
    await withSchema(async (open) => {
      const owner = open();
      await owner.query("drop role if exists guest");
      await owner.query("create role guest login");
      await ensureSchema(owner);
      const guest = open({ user: "guest" });
      const denied = await assertRejects(() => ensureSchema(guest), QueueError);
      assert(/permission denied for schema/.test(denied.message), denied.message);
      assert(denied.hint?.endsWith(`select ${owner.schema}.grant_enqueue('YOU')`), denied.hint);
      // What makes tables is no help.
      const { message } = await assertRejects(() => schemaScript(guest), QueueError);
      assertEquals(message, denied.message);
    }, { isEmpty: true });
  });

  Deno.test("openTransactions() tells of those that hold a snapshot, and how to end them", async () => {
    await withSchema(async (open) => {
      const [database, other] = [open(), open()];
      const all = () => openTransactions(database, 0);
      const own = (await database.query<{ pid: number }>("select pg_backend_pid() as pid"))[0]!.pid;
      const others = async () => (await all()).filter(({ remedy }) => !remedy.includes(`(${own})`));
      await assertRejects(
        () =>
          other.transaction(async (sql) => {
            await sql.query("set transaction isolation level repeatable read");
            const [{ pid } = { pid: 0 }] = await sql.query<{ pid: number }>(
              "select pg_backend_pid() as pid from queuectl.jobs right join (select 1) as one on true",
            );
            const found = (await others())[0]!;
            assertEquals(found.remedy, `select pg_terminate_backend(${pid})`);
            assert(found.who.includes("user queuectl, idle in transaction"), found.who);
            assert(found.seconds >= 0 && found.seconds < 600);
            assertEquals(await openTransactions(database), []);
            throw new QueueError("refused", "seen");
          }),
        QueueError,
        "seen",
      );
      await waitUntil(async () => (await others()).length === 0);
    });
  });

  Deno.test("ensureSchema() says what to do where the version was removed", async () => {
    await withSchema(async (open) => {
      const owner = open();
      await ensureSchema(owner);
      await owner.query("delete from queuectl.version");
      const { code, hint } = await assertRejects(() => ensureSchema(owner), QueueError);
      assertEquals(code, "damaged");
      await owner.query(hint!.replace("Tell it: ", ""));
      await ensureSchema(owner);
    }, { isEmpty: true });
  });

  Deno.test("a role that may only enqueue and look can do that, and no more", async () => {
    await withSchema(async (open) => {
      const owner = open();
      await owner.query("drop role if exists clerk");
      await owner.query("create role clerk login");
      // As where a careful owner has set it for all functions to come.
      await owner.query(
        `revoke execute on all functions in schema "${owner.schema}" from public`,
      );
      await owner.query("select queuectl.grant_enqueue('clerk')");
      const clerk = open({ user: "clerk" });
      await ensureSchema(clerk);
      const jobs = new PostgresJobs(clerk);
      await jobs.add([aJob()]);
      await jobs.add([aJob({ id: "b", after: ["a"], unique: "k" })]);
      await enqueue(clerk, "'true', id => 'c', after => '{a}'");
      assertEquals((await jobs.count()).blocked, 2);
      // One that waits for a job that has ended is told of it by a worker.
      const workers = new PostgresJobs(owner);
      await workers.change("a", (job, now) => cancelled(job, now));
      await jobs.add([aJob({ id: "d", afterAny: ["a"] })]);
      assertEquals((await jobs.get("d"))?.status.state, "blocked");
      await workers.recover();
      assertEquals((await jobs.get("d"))?.status.state, "pending");
      assertEquals((await Array.fromAsync(jobs.list({}))).length, 4);
      for (
        const action of [
          () => jobs.claim(W1, 0),
          () => jobs.remove("a", () => undefined),
          () => jobs.change("a", (job) => ({ ...job, priority: 3 })),
          () => new PostgresQueues(clerk).change(["q"], (one) => ({ ...one, paused: true })),
        ]
      ) {
        const { code, message, hint } = await assertRejects(action, QueueError);
        assertEquals([code, hint], ["refused", undefined]);
        assert(
          /^The user of the database may not do that: permission denied/.test(message),
          message,
        );
      }
      await owner.query("drop owned by clerk");
    });
  });
}
