// A schema for each test of one server. To make one takes longer than most tests, so that one whose
// test was fine is emptied and used again.
import { Database, type ServerConfig } from "../../src/stores/postgres/connection.ts";
import { ensureSchema } from "../../src/stores/postgres/schema.ts";
import type { PostgresServer } from "./postgres_server.ts";

/** Opens one more connection, such as one as another user; they are closed when the test has ended. */
export type Open = (config?: ServerConfig) => Database;

export type WithSchema = (
  test: (open: Open) => Promise<void>,
  options?: { readonly isEmpty?: boolean; readonly patience?: number },
) => Promise<void>;

const TABLES = [
  "jobs",
  "queues",
  "begins",
  "schedules",
  "workers",
  "hosts",
  "requests",
  "settings",
];

/** What gives a test a schema with the tables of a store; with none if `isEmpty`. */
export function postgresSchemas(server: PostgresServer): WithSchema {
  let schemas = 0;
  const unused: string[] = [];
  return async (test, { isEmpty = false, patience } = {}) => {
    const used = isEmpty ? undefined : unused.pop();
    const schema = used ?? `test ${++schemas}`;
    const opened: Database[] = [];
    const open: Open = (config) => {
      const database = new Database({
        name: "the database",
        server: { ...server.config(), ...config },
        schema,
        // A test that says how time passes leaves none for answers.
        answerWithin: Infinity,
        ...(patience === undefined ? {} : { patience }),
      });
      opened.push(database);
      return database;
    };
    try {
      if (!isEmpty && used === undefined) await ensureSchema(open());
      await test(open);
      if (isEmpty) return void await open().query(`drop schema if exists "${schema}" cascade`);
      await open().query(TABLES.map((table) => `delete from queuectl.${table};`).join(" "));
      unused.push(schema);
    } finally {
      for (const database of opened) await database.close();
    }
  };
}
