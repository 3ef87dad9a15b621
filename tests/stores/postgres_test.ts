// The conformance suites against a real server.
import { Database } from "../../src/stores/postgres/connection.ts";
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { PostgresQueues } from "../../src/stores/postgres/queues.ts";
import { PostgresSchedules } from "../../src/stores/postgres/schedules.ts";
import { ensureSchema } from "../../src/stores/postgres/schema.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { testJobStore } from "./conformance.ts";
import { testDependencies } from "./dependency_conformance.ts";
import { testQueues } from "./queue_conformance.ts";
import { testScheduleStore } from "./schedule_conformance.ts";
import { testStartBy } from "./start_by_conformance.ts";
import { testUniqueKeys } from "./unique_conformance.ts";
import type { WithStore } from "./with_store.ts";

const server = await startPostgres();
let schemas = 0;

/** Gives `test` what opens connections to an empty schema. */
async function withSchema(test: (open: () => Database) => Promise<void>): Promise<void> {
  const schema = `test ${++schemas}`;
  const opened: Database[] = [];
  const open = () => {
    // A test that says how time passes leaves none for answers.
    const options = { server: server!.config(), schema, answerWithin: Infinity };
    const database = new Database({ name: "the database", ...options });
    opened.push(database);
    return database;
  };
  try {
    await ensureSchema(open());
    await test(open);
    await opened[0]!.query(`drop schema "${schema}" cascade`);
  } finally {
    for (const database of opened) await database.close();
  }
}

const withStore: WithStore = (test, now) =>
  withSchema(async (open) => {
    const store = () => Promise.resolve(new PostgresJobs(open(), { now }));
    await test(await store(), store);
  });

if (server !== undefined) {
  testJobStore("PostgresJobs", withStore);
  testDependencies("PostgresJobs", withStore);
  testUniqueKeys("PostgresJobs", withStore);
  testStartBy("PostgresJobs", withStore);
  testQueues("PostgresQueues", (test, now) =>
    withSchema(async (open) => {
      const databases = [open(), open(), open()] as const;
      // Nor for connecting.
      for (const database of databases) await database.query("select 1");
      const [first, second, third] = databases;
      await test({
        jobs: new PostgresJobs(first, { now }),
        others: new PostgresJobs(second, { now }),
        queues: new PostgresQueues(third),
      });
    }));
  testScheduleStore("PostgresSchedules", (test) =>
    withSchema(async (open) => {
      const jobs = new PostgresJobs(open());
      const schedules = () => new PostgresSchedules(open(), { jobs });
      await test(jobs, schedules(), schedules);
    }));
}
