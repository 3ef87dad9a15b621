// Answers of PostgreSQL that are lost.
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { PostgresLogs } from "../../src/stores/postgres/outputs.ts";
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
        test((options) => new PostgresJobs(open(proxy.config), options), new PostgresLogs(open()))
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
