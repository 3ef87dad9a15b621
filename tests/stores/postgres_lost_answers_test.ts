// Answers of PostgreSQL that are lost.
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { postgresSchemas } from "../support/postgres_schemas.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { testLostAnswers } from "./lost_answers_scenarios.ts";

const server = await startPostgres();
if (server !== undefined) {
  const withSchema = postgresSchemas(server);
  const { host, port } = server.config();
  testLostAnswers({
    name: "PostgresJobs",
    socket: `${host}/.s.PGSQL.${port}`,
    withStores: (proxy, test) =>
      withSchema((open) =>
        test((ahead = false) => new PostgresJobs(open(proxy.config), { ahead }))
      ),
    words: {
      add: "insert into",
      addMany: "commit\0",
      finish: "finish(",
      change: "commit\0",
      claim: "claim(",
    },
  });
}
