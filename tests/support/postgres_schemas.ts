// A schema of its own for each test of one server, which goes with it.
import { Database, type ServerConfig } from "../../src/stores/postgres/connection.ts";
import { ensureSchema } from "../../src/stores/postgres/schema.ts";
import type { PostgresServer } from "./postgres_server.ts";

/** Opens one more connection, such as one as another user; they are closed when the test has ended. */
export type Open = (config?: ServerConfig) => Database;

export type WithSchema = (
  test: (open: Open) => Promise<void>,
  options?: { readonly isEmpty?: boolean; readonly patience?: number },
) => Promise<void>;

/** What gives a test a schema with the tables of a store; with none if `isEmpty`. */
export function postgresSchemas(server: PostgresServer): WithSchema {
  let schemas = 0;
  return async (test, { isEmpty = false, patience } = {}) => {
    const schema = `test ${++schemas}`;
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
      if (!isEmpty) await ensureSchema(open());
      await test(open);
      await open().query(`drop schema if exists "${schema}" cascade`);
    } finally {
      for (const database of opened) await database.close();
    }
  };
}
