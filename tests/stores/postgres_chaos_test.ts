// Chaos on PostgreSQL.
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { PostgresQueues } from "../../src/stores/postgres/queues.ts";
import { postgresSchemas } from "../support/postgres_schemas.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { testChaos } from "./chaos_scenario.ts";

const server = await startPostgres();
if (server !== undefined) {
  testChaos("PostgresJobs", (test) =>
    postgresSchemas(server)(async (open) => {
      const [killer, looker] = [open(), open()];
      await test({
        jobs: (options) => new PostgresJobs(open(), options),
        queues: () => new PostgresQueues(open()),
        killOne: () =>
          killer.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where application_name = 'queuectl' and pid <> pg_backend_pid()
             order by random() limit 1`,
          ),
        running: async (queue) => {
          const [row] = await looker.read<{ count: number }>(
            "select count(*) from queuectl.jobs where state = 'processing' and queue = $1",
            [queue],
          );
          return row!.count;
        },
        owes: async () => (await looker.read("select from queuectl.jobs where owes")).length > 0,
        tell: (word) => server.tell(word),
      });
    }, { patience: 60_000 }));
}
