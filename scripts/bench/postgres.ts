// How fast a store in a PostgreSQL database is, on a server on this machine that writes to the disk
// as it should, beside what comes with PostgreSQL.
import { Database } from "../../src/stores/postgres/connection.ts";
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { ensureSchema } from "../../src/stores/postgres/schema.ts";
import { type PostgresServer, startPostgres } from "../../tests/support/postgres_server.ts";
import type { Bench } from "./bench.ts";
import { atLeast, atMost, missingRow, ratioRow, type Row } from "./figures.ts";
import { newJobs } from "./new_jobs.ts";
import { ownSteps, pgbenchPath, PLAIN_STEPS } from "./pgbench.ts";
import { familyCpu, parentOf } from "./proc.ts";
import { inTurns } from "./turns.ts";

const CLIENTS = 2;

/** A server, and a connection to it of the benchmark's own. */
class Stage {
  readonly bench: Bench;
  readonly server: PostgresServer;
  readonly database: Database;

  constructor(bench: Bench, server: PostgresServer) {
    this.bench = bench;
    this.server = server;
    this.database = new Database({ name: "the server", server: server.config() });
  }

  /** Empty tables. */
  async clear(): Promise<void> {
    await this.database.query("drop schema if exists queuectl cascade");
    await ensureSchema(this.database);
  }

  /** Adds jobs that wait, and lets the server tidy up after itself. */
  async fill(count: number): Promise<void> {
    await new PostgresJobs(this.database).add(newJobs(count));
    await this.rest();
  }

  /** Jobs that have been done, as if workers had done them. */
  async fillDone(count: number): Promise<void> {
    await new PostgresJobs(this.database).add(newJobs(count));
    await this.database.query(
      `update queuectl.jobs set state = 'completed', line = null, turn = null, attempts = 1,
         history = jsonb_build_array(jsonb_build_object('attempt', 1, 'worker', 'worker-1',
           'host', 'box', 'pid', 1, 'started_at', since, 'ended_at', since,
           'outcome', 'succeeded', 'exit_code', 0, 'signal', null, 'error', null))`,
    );
    await this.rest();
  }

  async rest(): Promise<void> {
    await this.database.query("vacuum analyze queuectl.jobs");
    await this.database.query("checkpoint");
    await this.bench.ground.settle();
  }

  /** Jobs a second that clients of this program claim and finish, and the server's CPU for one. */
  async claims(seconds: number): Promise<{ rate: number; cpu: number }> {
    const client = new URL("postgres_client.ts", import.meta.url).pathname;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const words = [Deno.execPath(), "run", "-A", "--no-check", `--config=${config}`, client]
      .concat(JSON.stringify(this.server.config()), String(seconds));
    const before = await this.#cpu();
    const all = await Promise.all(
      Array.from({ length: CLIENTS }, () => this.bench.ground.run(words)),
    );
    const counts = all.map(({ stdout }) => Number(stdout));
    const done = counts.reduce((sum, count) => sum + count, 0);
    return { rate: done / seconds, cpu: (await this.#cpu() - before) / done };
  }

  /** Jobs a second of a script of pgbench, by as many clients. */
  async pgbench(pgbench: string, script: string, seconds: number): Promise<number> {
    const path = `${this.bench.ground.newFolder("pgbench")}/script`;
    Deno.writeTextFileSync(path, script);
    const { host, port, user, database } = this.server.config();
    const { stdout } = await this.bench.ground.run([
      ...[pgbench, "-n", "-M", "prepared", "-f", path, "-D", "begun=0"],
      ...["-c", String(CLIENTS), "-j", String(CLIENTS), "-T", String(seconds)],
      ...["-h", host!, "-p", String(port), "-U", user!, database!],
    ]);
    const rate = Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1]);
    if (Number.isNaN(rate)) throw new Error(`pgbench said ${stdout}`);
    return rate;
  }

  /** From the next connections on, a commit takes so many milliseconds longer, as on a slower disk. */
  async delayCommits(milliseconds: number): Promise<void> {
    const { database } = this.server.config();
    for (const [name, value] of [["delay", milliseconds * 1000], ["siblings", 0]]) {
      await this.database.query(`alter database ${database} set commit_${name} = ${value}`);
    }
  }

  /** Seconds of CPU that all processes of the server have used so far. */
  async #cpu(): Promise<number> {
    const [row] = await this.database.query<{ pid: number }>("select pg_backend_pid() as pid");
    return familyCpu(parentOf(row!.pid));
  }
}

/** Claim and finish, bulk enqueue, and `status` over a long history. */
export async function postgres(bench: Bench): Promise<Row[]> {
  const server = await startPostgres({ settings: [] });
  if (server === undefined) return [missingRow("PostgreSQL", "/s", "no server can be had")];
  const stage = new Stage(bench, server);
  try {
    return [
      ...await besidePgbench(stage),
      ...await grownServer(stage),
      ...await bulk(stage),
      ...await longHistory(stage),
    ];
  } finally {
    await stage.database.close();
    await server.tell("stop");
  }
}

/**
 * Beside the two steps that anybody would write, in pgbench. Also with our statement in pgbench, which
 * tells what our client takes; and where a commit takes a millisecond longer than on this disk.
 */
async function besidePgbench(stage: Stage): Promise<Row[]> {
  const { bench } = stage;
  const backlog = bench.pick(100_000, 10_000);
  const what = `PostgreSQL: claim and finish, ${CLIENTS} clients, ${backlog} waiting`;
  const pgbench = pgbenchPath();
  if (pgbench === undefined) return [missingRow(what, "/s", "pgbench is not installed")];
  const seconds = bench.pick(8, 2);
  // Anew for each turn, or a fast machine would have done all of them after some rounds.
  const afresh = (measure: () => Promise<number>) => async () => {
    await stage.clear();
    await stage.fill(backlog);
    return await measure();
  };
  const contenders = {
    own: afresh(async () => (await stage.claims(seconds)).rate),
    statement: afresh(() => stage.pgbench(pgbench, ownSteps(), seconds)),
    theirs: afresh(() => stage.pgbench(pgbench, PLAIN_STEPS, seconds)),
  };
  const rows: Row[] = [];
  for (const [delay, where] of [[0, ""], [1, ", a commit takes 1 ms longer"]] as const) {
    await stage.delayCommits(delay);
    const { own, statement, theirs } = await inTurns(bench.rounds(6, 2), contenders, {
      warmUp: true,
    });
    const yardstick = { name: "pgbench", values: theirs };
    const unit = "/s";
    const target = atLeast(1.2);
    rows.push(
      ratioRow({ what: what + where, unit, values: own, yardstick, target }),
      ratioRow({
        what: `PostgreSQL: the same, sent by pgbench${where}`,
        unit,
        values: statement,
        yardstick,
      }),
    );
  }
  await stage.delayCommits(0);
  return rows;
}

/** The server's CPU for a job in a large queue, and in one with a long history, beside a small one. */
async function grownServer(stage: Stage): Promise<Row[]> {
  const { bench } = stage;
  const large = bench.pick(1_000_000, 20_000);
  const seconds = bench.pick(5, 2);
  const measure = async () => (await stage.claims(seconds)).cpu * 1000;
  const rounds = async (prepare: () => Promise<void>, fill = () => Promise.resolve()) => {
    await stage.clear();
    await prepare();
    const values: number[] = [];
    for (let round = 0; round < bench.rounds(3, 2); round++) {
      await fill();
      values.push(await measure());
    }
    return values;
  };
  // So many that the backlog lasts for a round, and is not much more than a thousand.
  const few = () => stage.fill(bench.pick(20_000, 5_000));
  const small = await rounds(few, few);
  const waiting = await rounds(() => stage.fill(large));
  const done = await rounds(() => stage.fillDone(large), few);
  const row = (what: string, values: readonly number[]) =>
    ratioRow({
      what: `PostgreSQL: the server's CPU for a job, ${large} ${what}`,
      unit: "ms",
      values,
      yardstick: { name: "few", values: small },
      target: atMost(1.4),
    });
  return [row("waiting", waiting), row("done", done)];
}

async function bulk(stage: Stage): Promise<Row[]> {
  const { bench, database } = stage;
  const count = bench.pick(100_000, 10_000);
  const folder = bench.ground.newFolder("bulk");
  Deno.writeTextFileSync(`${folder}/batch`, "true\n".repeat(count));
  const words = [...bench.ground.program, "enqueue", "--file", `${folder}/batch`];
  const enqueue = async () => {
    await stage.clear();
    await stage.rest();
    const { seconds } = await bench.ground.run([...words, `--store=${stage.server.url()}`], {
      limit: 300,
    });
    const [row] = await database.query<{ count: number }>("select count(*) from queuectl.jobs");
    if (row!.count !== count) throw new Error(`Of ${count} jobs ${row!.count} are there`);
    return count / seconds;
  };
  const copy = async () => {
    await stage.clear();
    await stage.fill(count);
    const path = `${stage.server.folder}/rows`;
    await database.query(`copy queuectl.jobs to '${path}'`);
    await database.query("truncate queuectl.jobs cascade");
    await stage.rest();
    const begin = performance.now();
    await database.query(`copy queuectl.jobs from '${path}'`);
    const seconds = (performance.now() - begin) / 1000;
    await database.query(`copy (select) to program 'rm ${path}'`);
    return count / seconds;
  };
  const { own, theirs } = await inTurns(bench.rounds(4, 2), { own: enqueue, theirs: copy });
  return [ratioRow({
    what: `PostgreSQL: enqueue --file of ${count} lines`,
    unit: "/s",
    values: own,
    yardstick: { name: "COPY", values: theirs },
    target: atLeast(0.5),
  })];
}

async function longHistory(stage: Stage): Promise<Row[]> {
  const { bench } = stage;
  const large = bench.pick(1_000_000, 20_000);
  const status = async () => {
    const words = [...bench.ground.program, "status", `--store=${stage.server.url()}`];
    return (await bench.ground.run(words)).seconds * 1000;
  };
  const rounds = async () => {
    await status();
    const values: number[] = [];
    for (let round = 0; round < bench.rounds(8, 3); round++) values.push(await status());
    return values;
  };
  await stage.clear();
  const none = await rounds();
  await stage.fillDone(large);
  const values = await rounds();
  const yardstick = { name: "with none", values: none };
  const what = `PostgreSQL: status with ${large} ended jobs`;
  return [ratioRow({ what, unit: "ms", values, yardstick, target: atMost(3) })];
}
