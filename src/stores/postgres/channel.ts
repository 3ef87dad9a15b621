// Words from process to process by NOTIFY. One is a statement of its own, after the commit: within one
// it would let all commits of the database wait for one another.
import { type Channel, Wake } from "../shared/wake.ts";
import type { Database } from "./connection.ts";

/** @param topic what it is about */
export function channelOf(database: Database, topic: string): Channel {
  const name = `${database.schema}_${topic}`;
  return {
    listen: (heard) => database.listen(name, heard),
    say: async (word) => {
      await database.query("select pg_notify($1, $2)", [name, word]);
    },
  };
}

/** @param listens whether to listen at all */
export function wakeOf(database: Database, topic: string, listens = true): Wake {
  return new Wake(channelOf(database, topic), listens);
}
