// Tells blocked jobs what has become of those that they wait for, in portions: with each portion the
// rows of `dependencies` go that it has told of, so what is left is what is still to be told.
import { type Fate, settled } from "../../queue/dependencies.ts";
import { hasEnded, isWaiting, type Job } from "../../queue/job.ts";
import type { Sql } from "./connection.ts";
import { columnsOf, jobOf, type Row, UPDATE } from "./row.ts";

/** Jobs that are told of an end in the transaction of that end. */
export const PORTION = 1000;

export interface Told {
  /** Whether all have been told, and those who wait for these, and so on. */
  readonly all: boolean;
  /** Whether one of them may be claimed now. */
  readonly freed: boolean;
}

/**
 * Tells at most `most` jobs of these ends, and of what follows from them. Who could not be told is
 * so later: the jobs that end are marked (`owes`).
 */
export async function settle(
  sql: Sql,
  ends: ReadonlyMap<string, Fate>,
  now: number,
  most = Infinity,
): Promise<Told> {
  const fates = new Map(ends);
  let [left, freed] = [most, false];
  while (left > 0) {
    const told = await tellSome(sql, fates, now, Math.min(left, PORTION));
    if (told === undefined) return { all: true, freed };
    left -= told.count;
    freed ||= told.freed;
  }
  await sql.query("update queuectl.jobs set owes = true where id = any ($1) and not owes", [
    [...fates.keys()],
  ]);
  return { all: false, freed };
}

/** @returns undefined if nobody had to be told */
async function tellSome(
  sql: Sql,
  fates: Map<string, Fate>,
  now: number,
  limit: number,
): Promise<{ count: number; freed: boolean } | undefined> {
  const dead = [...fates].filter(([, fate]) => fate === "dead").map(([id]) => id);
  const rows = await sql.query<Row & { told_of: string }>(
    `select j.*, d.awaited_id as told_of
     from queuectl.dependencies d join queuectl.jobs j on j.id = d.job_id
     where d.awaited_id = any ($1) and (d.any_end or d.awaited_id <> all ($2))
     order by j.id limit $3 for update of j`,
    [[...fates.keys()], dead, limit],
  );
  if (rows.length === 0) return undefined;
  const [before, after] = [new Map<string, Row>(), new Map<string, Job>()];
  for (const row of rows) {
    before.set(row.id, row);
    const job = after.get(row.id) ?? jobOf(row);
    after.set(row.id, settled(job, row.told_of, fates.get(row.told_of)!, now));
  }
  const jobs = [...after.values()];
  await sql.query(UPDATE, columnsOf(jobs));
  await sql.query(
    `delete from queuectl.dependencies d using unnest($1::text[], $2::text[]) as told(awaited_id, job_id)
     where d.awaited_id = told.awaited_id and d.job_id = told.job_id`,
    [rows.map((row) => row.told_of), rows.map((row) => row.id)],
  );
  const ended = jobs.filter(hasEnded);
  if (ended.length > 0) await forgetAwaited(sql, ended.map(({ id }) => id));
  for (const { id, status } of ended) if (before.get(id)!.awaited) fates.set(id, status.state);
  return { count: rows.length, freed: jobs.some(({ status }) => isWaiting(status)) };
}

/** These jobs wait for nothing any more. */
export async function forgetAwaited(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query("delete from queuectl.dependencies where job_id = any ($1)", [ids]);
}
