// Schedules as rows. A firing is one transaction: the new state and its job, or neither.
import { QueueError } from "../../queue/errors.ts";
import { keyTaken, type ScheduleEntry } from "../../queue/schedule.ts";
import { decideOn, noSchedule } from "../../queue/schedule_firing.ts";
import { scheduleStateToJson, scheduleToJson } from "../../queue/schedule_json.ts";
import type { Decide, ScheduleStore } from "../../queue/schedule_store.ts";
import type { Database, Sql } from "./connection.ts";
import { insert } from "./insert.ts";
import {
  entryFrom,
  type FiringParts,
  readable,
  ServerScheduleWatch,
} from "../shared/server_schedules.ts";
import type { Wake } from "../shared/wake.ts";
import { wakeOf } from "./channel.ts";

interface ScheduleRow {
  readonly name: string;
  readonly schedule: Record<string, unknown>;
  readonly state: Record<string, unknown>;
}

export class PostgresSchedules implements ScheduleStore {
  readonly #database: Database;
  readonly #firing: FiringParts | undefined;
  readonly #jobsWake: Wake;
  readonly #wake: Wake;

  /** @param firing without it nothing can be fired */
  constructor(database: Database, firing?: FiringParts) {
    this.#database = database;
    this.#firing = firing;
    this.#wake = wakeOf(database, "schedules");
    this.#jobsWake = wakeOf(database, "jobs");
  }

  async get(name: string): Promise<ScheduleEntry | undefined> {
    const [row] = await this.#database.read<ScheduleRow>(
      "select * from queuectl.schedules where name = $1",
      [name],
    );
    return row && decoded(row);
  }

  async list(): Promise<ScheduleEntry[]> {
    const rows = await this.#database.read<ScheduleRow>(
      "select * from queuectl.schedules order by name",
    );
    return readable(rows, decoded, this.#firing?.warn);
  }

  async put(
    name: string,
    make: (before: ScheduleEntry | undefined) => ScheduleEntry | QueueError,
  ): Promise<ScheduleEntry> {
    const entry = await this.#database.transaction(async (sql) => {
      // Also keeps out another that adds the same name: its lock is the table's.
      await sql.query("lock table queuectl.schedules in share row exclusive mode");
      const [row] = await sql.query<ScheduleRow>(
        "select * from queuectl.schedules where name = $1",
        [name],
      );
      const entry = make(row && decoded(row));
      if (entry instanceof QueueError) throw entry;
      await sql.query(
        `insert into queuectl.schedules values ($1, $2, $3)
         on conflict (name) do update set schedule = excluded.schedule, state = excluded.state`,
        valuesOf(entry),
      );
      await changed(sql);
      return entry;
    });
    await this.#wake.others();
    return entry;
  }

  async remove(name: string): Promise<void> {
    await this.#database.transaction(async (sql) => {
      const rows = await sql.query(
        "delete from queuectl.schedules where name = $1 returning name",
        [name],
      );
      if (rows.length === 0) throw noSchedule(name);
      await changed(sql);
    });
    await this.#wake.others();
  }

  async fire(name: string, decide: Decide): Promise<ScheduleEntry | undefined> {
    const { jobs } = this.#firing!;
    const [row] = await this.#database.read<ScheduleRow>(
      "select * from queuectl.schedules where name = $1",
      [name],
    );
    if (row === undefined) return undefined;
    const entry = decoded(row);
    const firing = await decideOn(entry, jobs, decide);
    if (firing === undefined) return undefined;
    const after = await this.#database.transaction(async (sql) => {
      // Whoever has changed it meanwhile has the last word.
      const unchanged = await sql.query(
        `select from queuectl.schedules where name = $1 and schedule = $2 and state = $3
         for update skip locked`,
        [name, JSON.stringify(row.schedule), JSON.stringify(row.state)],
      );
      if (unchanged.length === 0) return undefined;
      let { state } = firing;
      if (firing.job !== undefined) {
        await insert(
          sql,
          [firing.job],
          (_, holder) => state = keyTaken(firing.state, holder),
          { mayBeThere: true },
        );
      }
      const after = { schedule: entry.schedule, state };
      await sql.query(
        "update queuectl.schedules set schedule = $2, state = $3 where name = $1",
        valuesOf(after),
      );
      return after;
    });
    if (after !== undefined && firing.job !== undefined) await this.#jobsWake.others();
    return after;
  }
}

/** Watches for changes of schedules. */
export function scheduleWatch(database: Database): ServerScheduleWatch {
  return new ServerScheduleWatch(wakeOf(database, "schedules"), async () => {
    const [row] = await database.read<{ version: string }>(
      `select version from queuectl.schedule_changes
       where exists (select from queuectl.schedules)`,
    );
    return row && String(row.version);
  });
}

async function changed(sql: Sql): Promise<void> {
  await sql.query("update queuectl.schedule_changes set version = version + 1");
}

function valuesOf({ schedule, state }: ScheduleEntry): unknown[] {
  return [
    schedule.name,
    JSON.stringify(scheduleToJson(schedule)),
    JSON.stringify(scheduleStateToJson(state)),
  ];
}

/** @throws QueueError `damaged` */
function decoded({ name, schedule, state }: ScheduleRow): ScheduleEntry {
  return entryFrom(name, { ...schedule, ...state }, "row");
}

/** All schedules, for a backup. @throws QueueError `damaged` */
export async function allSchedules(sql: Sql): Promise<ScheduleEntry[]> {
  return (await sql.query<ScheduleRow>("select * from queuectl.schedules")).map(decoded);
}

/** Puts schedules in place, for a restore. */
export async function insertSchedules(sql: Sql, entries: readonly ScheduleEntry[]): Promise<void> {
  for (const entry of entries) {
    await sql.query("insert into queuectl.schedules values ($1, $2, $3)", valuesOf(entry));
  }
  await changed(sql);
}
