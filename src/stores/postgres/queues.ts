// What is set of queues. A claim looks at it; the rows of jobs only say where to look (`line`).
import { QueueError } from "../../queue/errors.ts";
import { DEFAULT_QUEUE } from "../../queue/job.ts";
import {
  isUnrestricted,
  type QueueSettings,
  type QueueStore,
  type QueueView,
  UNRESTRICTED,
} from "../../queue/queues.ts";
import type { Database, Sql } from "./connection.ts";
import type { Wake } from "../shared/wake.ts";
import { wakeOf } from "./channel.ts";

/** Rows that are moved in one transaction. */
const PORTION = 5000;

interface QueueRow {
  readonly name: string;
  readonly max_running: number | null;
  readonly rate_count: number | null;
  readonly rate_seconds: number | null;
  readonly paused: boolean;
}

interface QueueCounts extends Pick<QueueView, "waiting" | "failed" | "blocked" | "running"> {
  readonly queue: string;
  readonly oldest: number | null;
}

export class PostgresQueues implements QueueStore {
  readonly #database: Database;
  readonly #wake: Wake;

  constructor(database: Database) {
    this.#database = database;
    this.#wake = wakeOf(database, "jobs");
  }

  async list(): Promise<QueueView[]> {
    const [settings, counts] = [
      await settingsOf(this.#database),
      await this.#database.read<QueueCounts>(
        // By the partial indexes, so that jobs that have ended cost nothing.
        `select queue, sum(waiting) as waiting, sum(failed) as failed, sum(blocked) as blocked,
           sum(running) as running, min(oldest) as oldest
         from (
           select queue, count(*) as waiting, 0 as failed, 0 as blocked, 0 as running,
             min(created_at) as oldest
           from queuectl.jobs where line <> 'later' group by queue
           union all
           select queue, count(*), 0, 0, 0, min(created_at)
           from queuectl.jobs where line = 'later' group by queue
           union all
           select queue, 0, count(*), 0, 0, null
           from queuectl.jobs where state = 'failed' group by queue
           union all
           select queue, 0, 0, count(*), 0, null
           from queuectl.jobs where state = 'blocked' group by queue
           union all
           select queue, 0, 0, 0, count(*), null
           from queuectl.jobs where state = 'processing' group by queue
         ) as parts group by queue`,
      ),
    ];
    const used = new Map(counts.map((row) => [row.queue, row]));
    const set = [...settings].filter(([, one]) => !isUnrestricted(one)).map(([name]) => name);
    const names = new Set([DEFAULT_QUEUE, ...set, ...used.keys()]);
    return [...names].sort().map((name) => ({
      name,
      ...(settings.get(name) ?? UNRESTRICTED),
      waiting: used.get(name)?.waiting ?? 0,
      failed: used.get(name)?.failed ?? 0,
      blocked: used.get(name)?.blocked ?? 0,
      running: used.get(name)?.running ?? 0,
      oldestWaitingAt: used.get(name)?.oldest ?? null,
    }));
  }

  async settings(): Promise<ReadonlyMap<string, QueueSettings>> {
    const all = await this.#database.again(() => settingsOf(this.#database));
    return new Map([...all].filter(([, one]) => !isUnrestricted(one)));
  }

  async change(
    names: Iterable<string>,
    change: (before: QueueSettings) => QueueSettings | QueueError,
  ): Promise<void> {
    const wanted = [...names];
    await this.#database.transaction(async (sql) => {
      // Waits for the claims under way, and those that come wait for this: see schema_claim.ts.
      await sql.query("lock table queuectl.queues in exclusive mode");
      const before = await settingsOf(sql);
      const after = wanted.map((name) => {
        const settings = change(before.get(name) ?? UNRESTRICTED);
        if (settings instanceof QueueError) throw settings;
        return [name, settings] as const;
      }).filter(([name, settings]) => before.has(name) || !isUnrestricted(settings));
      await putSettings(sql, new Map(after));
    });
    await this.#wake.others();
    await sweepLines(this.#database);
  }
}

/** What is set of each queue; also those that were, and are no more. */
export async function settingsOf(sql: Sql): Promise<Map<string, QueueSettings>> {
  const rows = await sql.query<QueueRow>("select * from queuectl.queues");
  return new Map(rows.map(({ name, max_running, rate_count, rate_seconds, paused }) => [name, {
    limit: max_running,
    rate: rate_count === null ? null : { count: rate_count, seconds: rate_seconds! },
    paused,
  }]));
}

/** Puts these settings in the place of those of the same queues. */
export async function putSettings(
  sql: Sql,
  settings: ReadonlyMap<string, QueueSettings>,
): Promise<void> {
  const all = [...settings.values()];
  await sql.query(
    `insert into queuectl.queues (name, max_running, rate_count, rate_seconds, paused)
     select * from unnest($1::text[], $2::integer[], $3::integer[], $4::float8[], $5::boolean[])
     on conflict (name) do update set max_running = excluded.max_running,
       rate_count = excluded.rate_count, rate_seconds = excluded.rate_seconds,
       paused = excluded.paused`,
    [
      [...settings.keys()],
      all.map(({ limit }) => limit),
      all.map(({ rate }) => rate?.count ?? null),
      all.map(({ rate }) => rate?.seconds ?? null),
      all.map(({ paused }) => paused),
    ],
  );
}

/**
 * Moves the jobs that wait in queues of which something was set to the line in which claims look for
 * them. Only speed depends on it; whoever comes next does the rest of one that died.
 */
export async function sweepLines(database: Database): Promise<void> {
  const queues = await database.read<{ name: string }>(
    "select name from queuectl.queues where not swept",
  );
  for (const { name } of queues) {
    while (await sweepSome(database, name) === PORTION);
    await database.query("update queuectl.queues set swept = true where name = $1", [name]);
  }
}

async function sweepSome(database: Database, queue: string): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `with wrong as (
       select id from queuectl.jobs where line = 'open' and queue = $1
       limit $2 for update skip locked
     ), moved as (
       update queuectl.jobs set line = 'gate' where id in (select id from wrong) returning 1
     ) select count(*) from moved`,
    [queue, PORTION],
  );
  return row!.count;
}
