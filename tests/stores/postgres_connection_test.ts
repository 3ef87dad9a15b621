// A connection that is cut at each moment that matters: what is asked again, and what is not.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { Database } from "../../src/stores/postgres/connection.ts";
import { inWords } from "../../src/stores/postgres/errors.ts";
import { UnknownOutcome } from "../../src/stores/shared/lost_answers.ts";
import {
  type MaintenanceParts,
  PostgresMaintenance,
} from "../../src/stores/postgres/maintenance.ts";
import { parseTextArray, parseTimestamp, timestamp } from "../../src/stores/postgres/driver.ts";
import { openLossyProxy } from "../support/lossy_proxy.ts";
import { type Open, postgresSchemas } from "../support/postgres_schemas.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { waitUntil } from "../support/wait_until.ts";

const server = await startPostgres();

const TWENTY_SECONDS = 20_000;

/** What ends the connection of a database, found by what it said last. */
function killer(open: Open): (said: string) => Promise<void> {
  const own = open();
  return async (said) => {
    await waitUntil(async () => {
      const ended = await own.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where pid <> pg_backend_pid() and query like $1`,
        [`${said}%`],
      );
      return ended.length > 0;
    });
  };
}

/** What a server says when it lets somebody in: "R" with 0, and "Z" with "I". */
const WELCOME = Uint8Array.of(0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49);

/** A server that lets everybody in, and does not answer: as one that hangs behind a pooler. */
function openSilentServer(): { port: number; close(): void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const letIn = async (client: Deno.Conn) => {
    try {
      await client.read(new Uint8Array(1024));
      await client.write(WELCOME);
      while (await client.read(new Uint8Array(1024)) !== null);
    } catch {
      // The other side has closed.
    }
    client.close();
  };
  void (async () => {
    for await (const client of listener) void letIn(client);
  })();
  return { port: listener.addr.port, close: () => listener.close() };
}

if (server !== undefined) {
  const withSchema = postgresSchemas(server);
  const test = (
    says: string,
    body: (open: Open) => Promise<void>,
    patience = TWENTY_SECONDS,
  ) => Deno.test(says, () => withSchema(body, { isEmpty: true, patience }));

  test("query() comes back by itself after its connection has ended", async (open) => {
    const [database, kill] = [open(), killer(open)];
    const pid = async () =>
      (await database.read<{ idle: number }>("select pg_backend_pid() as idle"))[0]?.idle;
    const before = await pid();
    await kill("select pg_backend_pid() as idle");
    assert((await pid()) !== before);
  });

  test("query() under way when the connection ends is not sent again, read() is", async (open) => {
    const [database, kill] = [open(), killer(open)];
    const unavailable = assertRejects(() => database.query("select pg_sleep(60)"), QueueError);
    await kill("select pg_sleep(60)");
    assertEquals((await unavailable).code, "unavailable");
    let calls = 0;
    const again = database.again(async () => {
      return await database.query(calls++ === 0 ? "select pg_sleep(50)" : "select 7 as seven");
    });
    await kill("select pg_sleep(50)");
    assertEquals([await again, calls], [[{ seven: 7 }], 2]);
  });

  test("a standby is said to take no changes, and nothing is left unclear", async (open) => {
    const reading = open({ options: "-c default_transaction_read_only=on" } as object);
    const changes = [
      () => reading.query("create table public.changed ()"),
      () => reading.transaction((sql) => sql.query("create table public.changed ()")),
    ];
    for (const change of changes) {
      const { code, message, cause } = await assertRejects(change, QueueError);
      assertEquals(
        [code, message],
        [
          "unavailable",
          "Cannot reach the database: it takes no changes: it is a standby, or set to be read-only",
        ],
      );
      assert(!(cause instanceof UnknownOutcome));
    }
    assertEquals(await reading.read("select 1 as one"), [{ one: 1 }]);
  }, 200);

  test("a statement waits for a standby to be promoted, as a transaction does", async (open) => {
    // A server that changes from one to the other is as good, and is done sooner.
    const admin = open({ options: "-c default_transaction_read_only=off" } as object);
    await admin.query("alter role all set default_transaction_read_only = on");
    const name = "the database";
    const brief = new Database({ name, server: server.config(), schema: "none", patience: 200 });
    try {
      const made = open().query("create table public.made_late ()");
      // It takes its time, in which the other one was refused, too.
      await assertRejects(() => brief.query("create table public.never_made ()"), QueueError);
      await admin.query("alter role all reset default_transaction_read_only");
      await made;
    } finally {
      await brief.close();
      await admin.query("alter role all reset default_transaction_read_only");
      await admin.query("drop table if exists public.made_late");
    }
  });

  test("a standby that is asked again and again has one connection at a time", async (open) => {
    const [watching, name] = [open(), crypto.randomUUID()];
    const reading = open(
      { options: "-c default_transaction_read_only=on", application_name: name } as object,
    );
    const count = async () => {
      const sessions = await watching.query(
        "select from pg_stat_activity where application_name = $1",
        [name],
      );
      return sessions.length;
    };
    for (let i = 0; i < 5; i++) {
      await assertRejects(() => reading.query("create table public.changed ()"), QueueError);
    }
    await waitUntil(async () => await count() === 0, "those that were of no use are ended");
    assertEquals(await reading.read("select 1 as one"), [{ one: 1 }]);
    assertEquals(await count(), 1);
  }, 200);

  test("times are read, and statements begun again, whatever is set for the user", async (open) => {
    const owner = open();
    await owner.query(`
      drop role if exists peculiar;
      create role peculiar login;
      alter role peculiar set datestyle = 'German';
      alter role peculiar set default_transaction_isolation = 'serializable';
      create table public.counted (n integer);
      insert into public.counted values (0);
      grant select, update on public.counted to peculiar;
    `);
    const [time] = await open({ user: "peculiar" }).read<{ at: number }>(
      "select '2026-01-02 03:04:05Z'::timestamptz as at",
    );
    assertEquals(time, { at: Date.UTC(2026, 0, 2, 3, 4, 5) });
    // Each of them waits for the others, and then could not be put in an order with them.
    const updates = Array.from({ length: 4 }, () => open({ user: "peculiar" }));
    await Promise.all(
      updates.map((database) =>
        database.query("update public.counted set n = n + 1 from pg_sleep(0.05)")
      ),
    );
    assertEquals(await owner.query("select n from public.counted"), [{ n: 4 }]);
    await owner.query("drop table public.counted");
  });

  test("a role that has no connections left is told so", async (open) => {
    const owner = open();
    await owner.query("drop role if exists one_at_a_time");
    await owner.query("create role one_at_a_time login connection limit 1");
    const [first, second] = [open({ user: "one_at_a_time" }), open({ user: "one_at_a_time" })];
    await first.query("select 1");
    const { code, message } = await assertRejects(() => second.query("select 1"), QueueError);
    assertEquals([code, message], [
      "unavailable",
      "Cannot reach the database: all of its connections are in use (too many connections for " +
      'role "one_at_a_time")',
    ]);
  }, 200);

  test("transaction() begins again when the connection ends before the commit", async (open) => {
    const [database, kill] = [open(), killer(open)];
    await database.query("create table public.kept (n integer)");
    let calls = 0;
    await database.transaction(async (sql) => {
      await sql.query("insert into public.kept values (1) returning n as killed_here");
      if (calls++ === 0) await kill("insert into public.kept");
      await sql.query("insert into public.kept values (2)");
    });
    assertEquals([calls, await database.query("select n from public.kept order by n")], [2, [
      { n: 1 },
      { n: 2 },
    ]]);
    await database.query("drop table public.kept");
  });

  test("transaction() that stands still for long holds up nobody, and begins again", async (open) => {
    const [database, other] = [open(), open()];
    await database.query("create table public.still (n integer)");
    let calls = 0;
    const rows = await database.transaction(async (sql) => {
      await sql.query("insert into public.still values (1)");
      const [limit] = await sql.query<{ limit: string }>(
        `select current_setting('idle_in_transaction_session_timeout') as limit`,
      );
      assertEquals(limit, { limit: "10s" });
      if (calls++ === 0) {
        await sql.query("set local idle_in_transaction_session_timeout = '1ms'");
        await waitUntil(async () =>
          (await other.query(
            "select from pg_locks where relation = 'public.still'::regclass",
          )).length === 0
        );
      }
      return await sql.query("select n from public.still");
    });
    assertEquals([calls, rows], [2, [{ n: 1 }]]);
    await database.query("drop table public.still");
  });

  test("transaction() that is cut off in its commit is not begun again, and says so", async (open) => {
    const [database, kill] = [open(), killer(open)];
    await database.query(`
      create table public.slow (n integer);
      create function public.wait_a_minute() returns trigger language plpgsql as
        $$ begin perform pg_sleep(60); return null; end $$;
      create constraint trigger late after insert on public.slow
        deferrable initially deferred for each row execute function public.wait_a_minute();
    `);
    let calls = 0;
    const cut = assertRejects(() =>
      database.transaction(async (sql) => {
        calls++;
        await sql.query("insert into public.slow values (1)");
      }), QueueError);
    await kill("commit");
    const error = await cut;
    assertEquals([error.code, calls], ["unavailable", 1]);
    assert(error.cause instanceof UnknownOutcome);
    await database.query("drop table public.slow; drop function public.wait_a_minute()");
  });

  test("transaction() begins again after a deadlock", async (open) => {
    const databases = [open(), open()];
    await databases[0]!.query(
      "create table public.two (n integer primary key, seen integer default 0);" +
        "insert into public.two values (1), (2)",
    );
    let met = 0;
    const both = Promise.withResolvers<void>();
    await Promise.all(databases.map((database, i) =>
      database.transaction(async (sql) => {
        const [first, second] = i === 0 ? [1, 2] : [2, 1];
        const see = "update public.two set seen = seen + 1 where n = $1";
        await sql.query(see, [first]);
        if (++met === 2) both.resolve();
        await both.promise;
        await sql.query(see, [second]);
      })
    ));
    assert(met > 2, "one of them had to begin again");
    assertEquals(await databases[0]!.query("select seen from public.two"), [{ seen: 2 }, {
      seen: 2,
    }]);
    await databases[0]!.query("drop table public.two");
  });

  test("cautions() tells of a database that does not keep what it has acknowledged", async (open) => {
    const cautions = (database: Database) =>
      new PostgresMaintenance({ database } as MaintenanceParts).cautions();
    assertEquals(await cautions(open()), []);
    const hasty = open({ options: "-c synchronous_commit=off" } as object);
    const [said, ...others] = await cautions(hasty);
    assert(said?.includes("synchronous_commit=off"), said);
    assertEquals(others, []);
  });

  test("listen() goes on after the connection has ended, and tells that it may have missed something", async (open) => {
    const [database, other, kill] = [open(), open(), killer(open)];
    const heard: string[] = [];
    await database.listen("news", (payload) => heard.push(payload));
    await other.query("select pg_notify('news', 'one')");
    await waitUntil(() => heard.includes("one"));
    heard.length = 0;
    await kill("listen");
    await waitUntil(() => heard.includes(""));
    await database.read("select 1");
    await other.query("select pg_notify('news', 'two')");
    await waitUntil(() => heard.includes("two"));
  });

  test("connections that were given up leave no more than one process at the server", async (open) => {
    const [owner, holder] = [open(), open()];
    const hasty = new Database({
      name: "it",
      server: server.config(),
      schema: owner.schema,
      answerWithin: 300,
    });
    await owner.query(`create schema "${owner.schema}"`);
    await owner.query("create table queuectl.held ()");
    await holder.query("begin; lock table queuectl.held");
    for (let n = 0; n < 3; n++) {
      const { code } = await assertRejects(
        () => hasty.query("select from queuectl.held"),
        QueueError,
      );
      assertEquals(code, "unavailable");
    }
    const waiting =
      "select from pg_stat_activity where wait_event_type = 'Lock' and query like '%held%'";
    await waitUntil(async () => (await owner.query(waiting)).length === 1);
    await hasty.close();
    await holder.query("rollback");
  });

  Deno.test("listen() gives up a server that does not answer", async () => {
    const silent = openSilentServer();
    const database = new Database({
      name: "it",
      server: { host: "127.0.0.1", port: silent.port, user: "me", database: "it" },
      answerWithin: 50,
      patience: 500,
    });
    let said: unknown;
    database.listen("news", () => {}).catch((error) => said = error);
    await waitUntil(() => said);
    assertEquals((said as QueueError).code, "unavailable");
    await database.close();
    silent.close();
  });

  Deno.test("a question is given up when the time for all of them is over", async () => {
    const silent = openSilentServer();
    const database = new Database({
      name: "it",
      server: { host: "127.0.0.1", port: silent.port, user: "me", database: "it" },
      answerWithin: Infinity,
      patience: Infinity,
      totalWithin: 300,
    });
    const { code } = await assertRejects(() => database.read("select 1"), QueueError);
    assertEquals(code, "unavailable");
    await database.close();
    silent.close();
  });

  test("often() has its statement prepared, also after its table has changed", async (open) => {
    const database = open();
    await database.query(`create schema "${database.schema}"`);
    await database.query("create table queuectl.numbers as select 1 as one");
    const ask = () => database.often("select *, $1::int as given from queuectl.numbers", [2]);
    const prepared = async () => {
      const rows = await database.query<{ uses: number }>(
        "select generic_plans + custom_plans as uses from pg_prepared_statements",
      );
      return rows.map(({ uses }) => uses);
    };
    for (let n = 0; n < 5; n++) assertEquals(await ask(), [{ one: 1, given: 2 }]);
    assertEquals(await prepared(), []);
    for (let n = 0; n < 3; n++) assertEquals(await ask(), [{ one: 1, given: 2 }]);
    assertEquals(await prepared(), [3]);
    await open().query("alter table queuectl.numbers add two int default 5");
    for (let n = 0; n < 2; n++) assertEquals(await ask(), [{ one: 1, two: 5, given: 2 }]);
    assertEquals(await prepared(), [3]);
  });

  test("often() prepares nothing behind a pooler, which makes up its process id", async (open) => {
    const config = server.config();
    // BackendKeyData: "K", its length, the process id, a key.
    const pooler = openLossyProxy(`${config.host}/.s.PGSQL.${config.port}`, (bytes) => {
      const at = bytes.findIndex((byte, n) =>
        byte === 0x4b && n + 13 <= bytes.length && new DataView(bytes.buffer, n).getUint32(1) === 12
      );
      if (at >= 0) new DataView(bytes.buffer).setUint32(at + 5, 1);
    });
    const database = open(pooler.config);
    for (let n = 0; n < 8; n++) await database.often("select $1::int", [n]);
    assertEquals(await database.query("select from pg_prepared_statements"), []);
    await database.close();
    await pooler.close();
  });

  test("transaction() of what can't be called twice takes the time it needs", async (open) => {
    const names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
    // Servers before 17 do not have it.
    const newer = await open().query("select from pg_settings where name = 'transaction_timeout'");
    if (newer.length > 0) names.push("transaction_timeout");
    const hasty = open({ options: names.map((name) => `-c ${name}=9s`).join(" ") } as object);
    const limits = (once: boolean) =>
      hasty.transaction(async (sql) => {
        const rows = await sql.query<{ limit: string }>(
          "select current_setting(name) as limit from unnest($1::text[]) as name",
          [names],
        );
        return rows.map(({ limit }) => limit);
      }, { once });
    assertEquals(await limits(true), ["0", "0", "10min", "0"].slice(0, names.length));
    assertEquals(await limits(false), ["9s", "9s", "10s", "9s"].slice(0, names.length));
    const impatient = new Database({
      name: "it",
      server: server.config(),
      patience: 200,
      answerWithin: 100,
    });
    const slow = (once: boolean) =>
      impatient.transaction((sql) => sql.query("select pg_sleep(0.3)"), { once });
    assertEquals(await slow(true), [{ pg_sleep: "" }]);
    assertEquals((await assertRejects(() => slow(false), QueueError)).code, "unavailable");
    await impatient.close();
  });

  Deno.test("a time-out that ends a connection is told as that: another may do", () => {
    for (const code of ["57P05", "25P03", "25P04"]) {
      const error = Object.assign(new Error("terminating connection due to a timeout"), { code });
      const told = inWords("the database", "queuectl", error);
      assert(told instanceof QueueError && told.code === "unavailable", `${code} ${told}`);
      assertEquals(told.message, `Cannot reach the database: ${error.message}`);
    }
  });

  test("a statement that takes longer than statement_timeout lets it is told, and what to do", async (open) => {
    const hasty = open({ options: "-c statement_timeout=10ms" } as object);
    const { code, message, hint } = await assertRejects(
      () => hasty.query("select pg_sleep(60)"),
      QueueError,
    );
    assertEquals([code, message, hint], [
      "io",
      "Cannot use the database: canceling statement due to statement timeout",
      "Let statement_timeout of this user or database be longer",
    ]);
  });

  test("a user who is not there hears nothing of passwords", async (open) => {
    const { code, message, hint } = await assertRejects(
      () => open({ user: "stranger" }).query("select 1"),
      QueueError,
    );
    assertEquals([code, hint || undefined], ["refused", undefined]);
    assert(message.endsWith('role "stranger" does not exist'), message);
  });

  test("a character that the database's encoding lacks is told, and what to do", async (open) => {
    const owner = open();
    await owner.query("drop database if exists latin");
    await owner.query("create database latin template template0 encoding LATIN1");
    const latin = open({ database: "latin" });
    await latin.query("select $1::text", ["\u00e9"]);
    const { code, message, hint } = await assertRejects(
      () => latin.query("select $1::text", ["\u20ac"]),
      QueueError,
    );
    assertEquals(code, "refused");
    assert(message.endsWith('has no equivalent in encoding "LATIN1"'), message);
    assert(hint?.includes("-E UTF8"), hint);
    await latin.close();
    await owner.query("drop database latin with (force)");
  });

  Deno.test("query() waits for a server that starts, and gives up in time on one that does not", async () => {
    await withSchema(async (open) => {
      const [patient, hasty] = [
        open(),
        new Database({
          name: "postgres://somewhere/db",
          server: { ...server.config(), password: "secret" },
          patience: 300,
        }),
      ];
      await server.tell("stop");
      const said = patient.query("select 3 as three");
      const error = await assertRejects(() => hasty.query("select 1"), QueueError);
      assertEquals(error.code, "unavailable");
      assert(error.message.startsWith("Cannot reach postgres://somewhere/db: "), error.message);
      assert(!`${error.message}${error.hint}${error.stack}`.includes("secret"));
      await server.tell("start");
      assertEquals(await said, [{ three: 3 }]);
      await hasty.close();
    }, { isEmpty: true, patience: TWENTY_SECONDS });
  });
}

Deno.test("timestamp() and parseTimestamp() agree to the millisecond, whatever the year", () => {
  const times = [
    "0001-01-01T00:00:00.001Z",
    "2026-11-24T20:30:00.999Z",
    "+012026-01-02T03:04:05.678Z",
  ];
  for (const time of times.map(Date.parse)) {
    const text = timestamp(time).replace("T", " ").replace("Z", "+00");
    assertEquals(parseTimestamp(text), time);
  }
  assertEquals(
    parseTimestamp("2026-11-24 20:30:00.5+05:30"),
    Date.parse("2026-11-24T15:00:00.500Z"),
  );
  assertEquals(parseTimestamp("0044-03-15 12:00:00+00 BC"), Date.parse("-000043-03-15T12:00:00Z"));
});

Deno.test("parseTextArray() reads what PostgreSQL prints", () => {
  assertEquals(parseTextArray("{}"), []);
  assertEquals(parseTextArray('{a,"b c","d\\"e\\\\f","",NULLs}'), [
    "a",
    "b c",
    'd"e\\f',
    "",
    "NULLs",
  ]);
});
