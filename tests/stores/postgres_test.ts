// The conformance suites against a real server.
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { PostgresQueues } from "../../src/stores/postgres/queues.ts";
import { PostgresSchedules } from "../../src/stores/postgres/schedules.ts";
import { postgresSchemas } from "../support/postgres_schemas.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { assertEquals } from "@std/assert";
import { claimOf, type Job } from "../../src/queue/job.ts";
import { ended } from "../../src/queue/transitions.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { waitUntil } from "../support/wait_until.ts";
import { testJobStore } from "./conformance.ts";
import { testDependencies } from "./dependency_conformance.ts";
import { testQueues } from "./queue_conformance.ts";
import { testScheduleStore } from "./schedule_conformance.ts";
import { testStartBy } from "./start_by_conformance.ts";
import { testUniqueKeys } from "./unique_conformance.ts";
import type { WithStore } from "./with_store.ts";

const BACKOFF = { base: 2, max: 60 };
const server = await startPostgres();
if (server !== undefined) {
  const withSchema = postgresSchemas(server);
  const withStore: WithStore = (test, now) =>
    withSchema(async (open) => {
      const store = () => Promise.resolve(new PostgresJobs(open(), { now }));
      await test(await store(), store);
    });

  testJobStore("PostgresJobs", withStore);
  testDependencies("PostgresJobs", withStore);
  testUniqueKeys("PostgresJobs", withStore);
  testStartBy("PostgresJobs", withStore);
  testQueues("PostgresQueues", (test, now) =>
    withSchema(async (open) => {
      const databases = [open(), open(), open()] as const;
      // A test that says how time passes leaves none for connecting.
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

  Deno.test("PostgresJobs: the next job is claimed with the end of one, and given back if nobody asks", async () => {
    await withSchema(async (open) => {
      const [jobs, others] = [new PostgresJobs(open(), { ahead: true }), new PostgresJobs(open())];
      const by = { worker: "w-1", pid: 1, host: "box" };
      const states = async () =>
        (await Array.fromAsync(others.list({}))).map((job) => job.status.state);
      const end = async (job: Job) =>
        await jobs.change(
          job.id,
          (job, now) => ended(job, anEnding("succeeded"), BACKOFF, now),
          claimOf(job),
        );
      await jobs.add(["a", "b", "c"].map((id, sequence) => aJob({ id, sequence })));
      await end((await jobs.claim(by, 0))!);
      assertEquals(await states(), ["pending", "processing", "completed"]);
      const second = (await jobs.claim(by, 0))!;
      assertEquals(second.id, "b");
      await end(second);
      assertEquals(await states(), ["processing", "completed", "completed"]);
      // Nobody asks for it.
      await waitUntil(async () => (await states())[0] === "pending");
      assertEquals((await others.get("c"))?.history, []);
      const third = (await jobs.claim(by, 0))!;
      await jobs.add([aJob({ id: "d", sequence: 3 }), aJob({ id: "e", queue: "q", sequence: 4 })]);
      await end(third);
      assertEquals((await others.get("d"))?.status.state, "processing");
      // Whoever asks for others does not get it, and one that looks at what it holds has it not.
      const fourth = (await jobs.claim(by, 0, ["q"]))!;
      assertEquals([fourth.id, (await others.get("d"))?.status.state], ["e", "pending"]);
      await end(fourth);
      assertEquals(await jobs.claimedBy("w-1"), []);
      await jobs.close();
    });
  });
}
