// Looks for rows that can't be what they should be. The database keeps them whole; people and other
// programs may have changed them.
import type { CheckOptions, Finding } from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import { parseConfig } from "../../queue/settings.ts";
import type { Database } from "./connection.ts";
import { type Note, noteErrors, notesTo } from "../shared/notes.ts";
import { settleLost } from "../shared/settle_lost.ts";
import { lostPlaces } from "./gone_hosts.ts";
import { PostgresJobs } from "./jobs.ts";
import { jobOf, type Row } from "./row.ts";
import { allSchedules } from "./schedules.ts";
import { PostgresSettings } from "./settings.ts";

/** Rows that are read at once. */
const PAGE = 1000;

export async function check(
  database: Database,
  { repair }: CheckOptions,
  progress: Progress,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const note = notesTo(findings);
  await checkJobs(database, progress, note);
  await noteErrors("settings", note, async () => {
    const values = await new PostgresSettings(database).setValues();
    parseConfig(JSON.stringify(values));
  });
  await noteErrors("schedules", note, async () => void await allSchedules(database));
  const lost = await strays(database);
  if (lost.length > 0 && repair) {
    const settings = new PostgresSettings(database);
    await settleLost(lostPlaces(database), new PostgresJobs(database), () => settings.load());
  }
  const left = new Set(repair ? await strays(database) : lost);
  for (const id of lost) {
    const repaired = left.has(id) ? null : "recorded as lost";
    note(`jobs/${id}`, "is said to run, and no worker has it", repaired);
  }
  return findings;
}

/** The ids of the jobs whose workers have no place. */
async function strays(database: Database): Promise<string[]> {
  const rows = await database.read<{ id: string }>(
    `select id from queuectl.jobs where state = 'processing'
      and not exists (select from queuectl.workers where name = worker and host_id is not null)`,
  );
  return rows.map(({ id }) => id);
}

async function checkJobs(database: Database, progress: Progress, note: Note): Promise<void> {
  const [{ count } = { count: 0 }] = await database.read<{ count: number }>(
    "select count(*) from queuectl.jobs",
  );
  let done = 0;
  for (let last = "";;) {
    const rows = await database.read<Row>(
      "select * from queuectl.jobs where id > $1 order by id limit $2",
      [last, PAGE],
    );
    for (const row of rows) {
      progress(done++, count);
      await noteErrors(`jobs/${row.id}`, note, () => void jobOf(row));
    }
    if (rows.length < PAGE) return;
    last = rows.at(-1)!.id;
  }
}
