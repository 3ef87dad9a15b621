// New jobs: their rows, their keys, and what they wait for.
import { type Fate, isFinal, stillAwaitedBy } from "../../queue/dependencies.ts";
import type { Job, JobState } from "../../queue/job.ts";
import { idIsTaken } from "../../queue/errors.ts";
import type { Sql } from "./connection.ts";
import { codeOf, type PgError } from "./errors.ts";
import { insertOf, type Statement } from "./row.ts";
import { settle } from "./settle.ts";
import { portionsOf } from "../shared/portions.ts";

/** Rows of one statement. */
const BATCH = 2000;

/** Why a statement could not add a row: what it is to be unique in. */
const TAKEN = "23505";

const UNLESS_KEY_IS_TAKEN = `on conflict (unique_key)
  where unique_key is not null and state not in ('completed', 'dead', 'cancelled')
  do nothing`;

/** Told of a job that is left out, and of the one that has its key. */
export type Left = (job: Job, holder: string) => void;

/** What keeps a key although it has expired is called off. */
export interface Expiry {
  /** The time of the store, in place of that of the database. */
  readonly at?: string | null;
  /** Told if there was one: whoever waits for it is to be told. */
  readonly onExpired?: () => void;
}

/**
 * Adds all jobs but those whose key is taken. @returns how many
 * @throws QueueError `duplicate_id`
 */
export async function insertAll(
  sql: Sql,
  jobs: Iterable<Job>,
  now: () => Promise<number>,
  left: Left,
  expiry: Expiry = {},
): Promise<number> {
  let added = 0;
  const waiting: Job[] = [];
  const count = (own: readonly Job[]) => {
    added += own.length;
    waiting.push(...own.filter(({ status }) => status.state === "blocked"));
  };
  // The next jobs are made while the database is busy with those before.
  let sent: Promise<Job[]> = Promise.resolve([]);
  try {
    for (const batch of portionsOf(jobs, BATCH)) {
      const statement = insertOf(batch);
      count(await sent);
      sent = insert(sql, batch, left, { statement, ...expiry });
    }
  } finally {
    // What went wrong first is what is told.
    await sent.catch(() => {});
  }
  count(await sent);
  if (waiting.length > 0) await block(sql, waiting, now);
  return added;
}

/**
 * Adds jobs in one statement, or in a few where keys are taken.
 * @param statement that of `jobs`, where it is at hand
 * @param mayBeThere whether a job whose id is taken is passed over
 * @returns those that were added
 */
export async function insert(
  sql: Sql,
  jobs: readonly Job[],
  left: Left,
  { statement = insertOf(jobs), mayBeThere = false, at = null, onExpired = () => {} }:
    & Expiry
    & { readonly statement?: Statement; readonly mayBeThere?: boolean } = {},
): Promise<Job[]> {
  if (!mayBeThere && jobs.every(({ unique }) => unique === null)) {
    await orDuplicate(sql.query(statement.text, statement.values));
    return [...jobs];
  }
  const added: Job[] = [];
  for (let rest = jobs; rest.length > 0;) {
    const conflict = mayBeThere ? "on conflict do nothing" : UNLESS_KEY_IS_TAKEN;
    const { text, values } = rest === jobs ? statement : insertOf(rest);
    const rows = await orDuplicate(
      sql.query<{ id: string }>(`${text} ${conflict} returning id`, values),
    );
    const ids = new Set(rows.map(({ id }) => id));
    const out: Job[] = [];
    for (const job of rest) (ids.delete(job.id) ? added : out).push(job);
    if (await cancelExpired(sql, out, at)) {
      onExpired();
      rest = out;
      continue;
    }
    const holders = await holdersOf(sql, out);
    const there = mayBeThere ? await idsThere(sql, out) : new Set();
    // Whoever had the key may have ended since.
    rest = out.filter(({ id, unique }) => !holders.has(unique!) && !there.has(id));
    for (const job of out) {
      const holder = holders.get(job.unique!);
      if (holder !== undefined) left(job, holder);
    }
  }
  return added;
}

/** Whether a job that has one of these keys, and has not begun in time, was called off. */
export async function cancelExpired(
  sql: Sql,
  jobs: readonly Job[],
  at: string | null,
): Promise<boolean> {
  const keys = jobs.flatMap(({ unique }) => unique ?? []);
  if (keys.length === 0) return false;
  const [row] = await sql.query<{ count: number }>(
    "select queuectl.cancel_expired($1, $2) as count",
    [keys, at],
  );
  return row!.count > 0;
}

/** The job that has each of the keys of these, if one has. */
export async function holdersOf(sql: Sql, jobs: readonly Job[]): Promise<Map<string, string>> {
  if (jobs.length === 0) return new Map();
  const rows = await sql.query<{ unique_key: string; id: string }>(
    `select unique_key, id from queuectl.jobs where unique_key = any ($1)
     and unique_key is not null and state not in ('completed', 'dead', 'cancelled')`,
    [jobs.map(({ unique }) => unique)],
  );
  return new Map(rows.map((row) => [row.unique_key, row.id]));
}

async function idsThere(sql: Sql, jobs: readonly Job[]): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>("select id from queuectl.jobs where id = any ($1)", [
    jobs.map(({ id }) => id),
  ]);
  return new Set(rows.map(({ id }) => id));
}

/**
 * Notes what these jobs wait for, and tells them at once what has ended already. Whoever may only
 * enqueue can't: then it is marked, and told by a worker.
 */
async function block(sql: Sql, jobs: readonly Job[], now: () => Promise<number>): Promise<void> {
  const pairs = jobs.flatMap((job) => stillAwaitedBy(job).map((one) => ({ ...one, job: job.id })));
  await sql.query(
    `insert into queuectl.dependencies (awaited_id, job_id, any_end)
     select * from unnest($1::text[], $2::text[], $3::boolean[])`,
    [pairs.map(({ id }) => id), pairs.map(({ job }) => job), pairs.map(({ any }) => any)],
  );
  const ids = [...new Set(pairs.map(({ id }) => id))];
  // From here on those can't end without telling these.
  const rows = await sql.query<{ id: string; state: JobState }>(
    "select id, state from queuectl.jobs where id = any ($1) order by id for update",
    [ids],
  );
  await sql.query("update queuectl.jobs set awaited = true where id = any ($1) and not awaited", [
    ids,
  ]);
  const states = new Map(rows.map(({ id, state }) => [id, state]));
  const fates = ids.map((id): [string, Fate] => [id, states.get(id) ?? "removed"])
    .filter(([, fate]) => isFinal(fate));
  if (fates.length === 0) return;
  await sql.query("savepoint ended");
  try {
    await settle(sql, new Map(fates), await now());
  } catch (error) {
    if (codeOf(error) !== "42501") throw error;
    await sql.query("rollback to savepoint ended");
    await sql.query("update queuectl.jobs set owes = true where id = any ($1)", [
      fates.map(([id]) => id),
    ]);
  }
}

async function orDuplicate<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const { constraint, detail = "" } = error as PgError;
    if (codeOf(error) !== TAKEN || constraint !== "jobs_pkey") throw error;
    const id = /=\((.*?)\)/.exec(detail)?.[1] ?? "?";
    throw idIsTaken(id);
  }
}
