// The counters as rows of a table.
import type { TallyTable } from "../shared/kept_tallies.ts";
import type { Database } from "./connection.ts";

export function tallyTable(database: Database): TallyTable {
  return {
    put: async (name, json) => {
      await database.query(
        `insert into queuectl.tallies (name, tally) values ($1, $2::jsonb)
        on conflict (name) do update set tally = excluded.tally`,
        [name, json],
      );
    },
    get: async (name) => {
      const [row] = await database.read<{ tally: unknown }>(
        "select tally from queuectl.tallies where name = $1",
        [name],
      );
      return row?.tally;
    },
    all: async () => {
      const rows = await database.read<{ tally: unknown }>("select tally from queuectl.tallies");
      return rows.map(({ tally }) => tally);
    },
  };
}
