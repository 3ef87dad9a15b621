// How a database is set that keeps less than it says.
import type { Database } from "./connection.ts";

/** What whoever starts workers should know; nothing if all is well. */
export async function cautions(database: Database): Promise<string[]> {
  const [row] = await database.read<{ waits: boolean }>(
    "select current_setting('synchronous_commit') <> 'off' as waits",
  );
  return row!.waits ? [] : [
    `${database.name} does not wait for its disk (synchronous_commit=off): if it crashes, it loses ` +
    "jobs, and may run some twice",
  ];
}
