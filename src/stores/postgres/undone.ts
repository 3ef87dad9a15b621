// What others have left undone, or left to whoever comes next: jobs that are to be told of an end, and
// jobs that have not begun in time.
import { expired, hasExpired } from "../../queue/start_by.ts";
import type { Job } from "../../queue/job.ts";
import { type Database, type Sql, timestamp } from "./connection.ts";
import { columnsOf, jobOf, type Row, UPDATE } from "./row.ts";
import { forgetAwaited, PORTION, settle } from "./settle.ts";
import type { Wake } from "../shared/wake.ts";

export class Undone {
  readonly #database: Database;
  readonly #wake: Wake;
  readonly #now: (() => number) | undefined;

  /** @param now the time of the store, in place of that of the database */
  constructor(database: Database, wake: Wake, now?: () => number) {
    this.#database = database;
    this.#wake = wake;
    this.#now = now;
  }

  /** Tells all who have not been told of an end. */
  async tellAll(): Promise<void> {
    while (await this.#tellSome());
  }

  /** Tells a portion of those who have not been told of an end. @returns whether there were any */
  async #tellSome(): Promise<boolean> {
    const ends = await this.#database.transaction(async (sql) => {
      const rows = await sql.query<Pick<Row, "id" | "state">>(
        "select id, state from queuectl.jobs where owes limit 100 for update skip locked",
      );
      if (rows.length === 0) return false;
      const fates = new Map(rows.map(({ id, state }) => [id, state]));
      const { all } = await settle(sql, fates, await timeOf(sql, this.#now), PORTION);
      if (all) {
        await sql.query("update queuectl.jobs set owes = false where id = any ($1)", [
          [...fates.keys()],
        ]);
      }
      return true;
    });
    if (ends) await this.#wake.others();
    return ends;
  }

  /** Calls off all jobs that have not begun in time. Those that wait for them are to be told. */
  async callOffExpired(): Promise<void> {
    while (await this.#callOffSome());
  }

  async #callOffSome(): Promise<boolean> {
    return await this.#database.transaction(async (sql) => {
      const now = await timeOf(sql, this.#now);
      const rows = await sql.query<Row>(
        `select * from queuectl.jobs j
         where start_by is not null and state in ('pending', 'blocked') and start_by < $1
           and queuectl.has_expired(j, $1)
         limit $2 for update skip locked`,
        [timestamp(now), PORTION],
      );
      const jobs = rows.map(jobOf).filter((job) => hasExpired(job, now));
      if (jobs.length === 0) return false;
      await sql.query(UPDATE, columnsOf(jobs.map((job) => expired(job, now) as Job)));
      await forgetAwaited(sql, jobs.map(({ id }) => id));
      const awaited = rows.filter((row) => row.awaited).map((row) =>
        [row.id, "cancelled"] as const
      );
      await settle(sql, new Map(awaited), now, PORTION);
      return true;
    });
  }
}

/** The time of the store. */
export async function timeOf(sql: Sql, now: (() => number) | undefined): Promise<number> {
  return now?.() ?? (await sql.query<{ now: number }>("select queuectl.time() as now"))[0]!.now;
}
