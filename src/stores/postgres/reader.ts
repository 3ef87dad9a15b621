// What can be seen of the jobs: each look is a query.
import { type EndedState, type Job, JOB_STATES, type JobState } from "../../queue/job.ts";
import type {
  Arrival,
  Counts,
  JobReader,
  Query,
  WaitingEnds,
  Watching,
} from "../../queue/store.ts";
import { listInPages } from "../shared/list_in_pages.ts";
import { type Database, type Sql, timestamp } from "./connection.ts";
import { jobOf, type Row } from "./row.ts";

/** Jobs that are read at once. */
const PAGE = 1000;

export class PostgresReader implements JobReader {
  protected readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async get(id: string): Promise<Job | undefined> {
    return await this.#first("where id = $1", [id]);
  }

  async findIdsByPrefix(prefix: string, limit: number): Promise<string[]> {
    const rows = await this.database.read<{ id: string }>(
      // No id has a character that comes after chr(126); null: all.
      `select id from queuectl.jobs where id >= $1 and id < $1 || chr(127) order by id limit $2`,
      [prefix, Number.isFinite(limit) ? limit : null],
    );
    return rows.map(({ id }) => id);
  }

  list(query: Query, watching?: Watching): AsyncIterable<Job> {
    return listInPages(query, watching, {
      most: PAGE,
      isExact: query.command === undefined, // a pattern is looked at here
      page: async (last, size) =>
        (await this.database.read<Row>(...pageOf(query, last, size))).map(jobOf),
    });
  }

  async count(): Promise<Counts> {
    const rows = await this.database.read<{ state: JobState; count: number }>(
      "select state, count(*) from queuectl.jobs group by state",
    );
    const none = JOB_STATES.map((state) => [state, 0]);
    return Object.fromEntries([...none, ...rows.map(({ state, count }) => [state, count])]);
  }

  async idsEndedBefore(
    states: readonly EndedState[],
    before: number,
    limit: number,
  ): Promise<string[]> {
    const found: string[] = [];
    for (const state of states) {
      const rows = await this.database.read<{ id: string }>(
        `select id from queuectl.jobs where state = $1 and since < $2 order by since limit $3`,
        [state, timestamp(before), limit - found.length],
      );
      found.push(...rows.map(({ id }) => id));
    }
    return found;
  }

  async countEndedSince(since: number): Promise<Record<EndedState, number>> {
    const rows = await this.database.read<{ state: EndedState; count: number }>(
      `select state, count(*) from queuectl.jobs
       where state in ('completed', 'dead', 'cancelled') and since >= $1 group by state`,
      [timestamp(since)],
    );
    const counts = { completed: 0, dead: 0, cancelled: 0 };
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }

  async waitingEnds(now: number): Promise<WaitingEnds> {
    const at = [timestamp(now)];
    return {
      oldest: await this.#first("where id = queuectl.oldest_due($1)", at),
      next: await this.#first(
        "where line = 'later' and run_at > $1 order by run_at, created_at, sequence, id limit 1",
        at,
      ),
    };
  }

  async lastFailures(limit: number): Promise<Job[]> {
    const last = (state: string) =>
      `(select * from queuectl.jobs where state = '${state}' order by since desc limit $1)`;
    const rows = await this.database.read<Row>(
      `select * from (${last("dead")} union all ${last("failed")}) as failures
       order by since desc, id limit $1`,
      [limit],
    );
    return rows.map(jobOf);
  }

  async claimedBy(worker: string): Promise<Job[]> {
    const rows = await this.database.read<Row>(
      "select * from queuectl.jobs where state = 'processing' and worker = $1",
      [worker],
    );
    return rows.map(jobOf);
  }

  async dependentsOf(id: string): Promise<string[]> {
    const rows = await this.database.read<{ job_id: string }>(
      "select job_id from queuectl.dependencies where awaited_id = $1",
      [id],
    );
    return rows.map((row) => row.job_id);
  }

  async close(): Promise<void> {}

  async #first(where: string, values: readonly unknown[]): Promise<Job | undefined> {
    const [row] = await this.database.read<Row>(`select * from queuectl.jobs ${where}`, values);
    return row && jobOf(row);
  }
}

/** All jobs in the order of their ids, for a backup: `sql` is a transaction that sees one state. */
export async function* allJobs(sql: Sql): AsyncIterable<Job> {
  for (let last = "";;) {
    const rows = await sql.query<Row>(
      "select * from queuectl.jobs where id > $1 order by id limit $2",
      [last, PAGE],
    );
    yield* rows.map(jobOf);
    if (rows.length < PAGE) return;
    last = rows.at(-1)!.id;
  }
}

/** One state as a constant: where it is one of an end, an index has its jobs in order of arrival. */
function stateIn(states: readonly JobState[], value: (one: unknown) => string): string {
  const [state] = states;
  return states.length === 1 && JOB_STATES.includes(state!)
    ? `state = '${state}'`
    : `state = any (${value(states)})`;
}

/** The statement for the next jobs that are meant, newest first. */
function pageOf(query: Query, last: Arrival | undefined, size: number): [string, unknown[]] {
  const values: unknown[] = [];
  const value = (one: unknown) => `$${values.push(one)}`;
  const { states, queue, group, exitCode, since, endedBefore } = query;
  const conditions = [
    states && stateIn(states, value),
    queue && `queue = ${value(queue)}`,
    group && `group_name = ${value(group)}`,
    exitCode === null && "history->-1->>'exit_code' is null",
    typeof exitCode === "number" && `(history->-1->>'exit_code')::bigint = ${value(exitCode)}`,
    since !== undefined && `created_at >= ${value(timestamp(since))}`,
    endedBefore !== undefined &&
    `state in ('completed', 'dead', 'cancelled') and since < ${value(timestamp(endedBefore))}`,
    last && `(created_at, sequence, id) < (${value(timestamp(last.createdAt))}, ` +
      `${value(last.sequence)}, ${value(last.id)})`,
  ].filter((one) => one);
  const where = conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
  return [
    `select * from queuectl.jobs ${where}
     order by created_at desc, sequence desc, id desc limit ${value(size)}`,
    values,
  ];
}
