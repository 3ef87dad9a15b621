// What becomes of a step that was carried out and whose answer was lost.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { claimOf, type Job } from "../../src/queue/job.ts";
import { cancelled, ended } from "../../src/queue/transitions.ts";
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { aJob, anEnding } from "../support/jobs.ts";
import { type LossyProxy, openLossyProxy } from "../support/lossy_proxy.ts";
import { type Open, postgresSchemas } from "../support/postgres_schemas.ts";
import { startPostgres } from "../support/postgres_server.ts";

const server = await startPostgres();
const W1 = { worker: "w-1", pid: 1, host: "box" };
const end = (job: Job, now: number) => ended(job, anEnding("succeeded"), { base: 2, max: 60 }, now);

if (server !== undefined) {
  const withSchema = postgresSchemas(server);
  const test = (
    says: string,
    body: (jobs: PostgresJobs, proxy: LossyProxy, open: Open) => Promise<void>,
  ) =>
    Deno.test(says, async () => {
      const proxy = openLossyProxy(server);
      try {
        await withSchema(async (open) => {
          await body(new PostgresJobs(open(proxy.config)), proxy, open);
          assert(proxy.lost() > 0, "an answer was lost");
        });
      } finally {
        await proxy.close();
      }
    });

  test("add() of one job is done, if it is found to be there", async (jobs, proxy) => {
    await jobs.count();
    proxy.lose("insert into");
    assertEquals(await jobs.add([aJob()]), 1);
    assertEquals((await jobs.count()).pending, 1);
  });

  test("add() of many is done, if they are found to be there", async (jobs, proxy) => {
    await jobs.count();
    proxy.lose("commit\0");
    assertEquals(await jobs.add([aJob(), aJob({ id: "b", after: ["a"] })]), 2);
    assertEquals([(await jobs.count()).pending, (await jobs.count()).blocked], [1, 1]);
  });

  for (
    const adds of [() => undefined, (_: Job, now: number) => aJob({ id: "hook", createdAt: now })]
  ) {
    const how = adds(aJob(), 0) === undefined ? "in one statement" : "with a hook";
    test(`change() of a claimed job, ${how}, is done once`, async (jobs, proxy) => {
      await jobs.add([aJob()]);
      const job = (await jobs.claim(W1, 0))!;
      proxy.lose(adds(job, 0) === undefined ? "finish(" : "commit\0");
      const after = await jobs.change("a", end, claimOf(job), adds);
      assertEquals(after.history.length, 1);
      assertEquals(await jobs.get("a"), after);
      assertEquals((await jobs.count()).pending, adds(job, 0) === undefined ? 0 : 1);
    });
  }

  test("change() by a user says that it is not known", async (jobs, proxy) => {
    await jobs.add([aJob()]);
    proxy.lose("commit\0");
    const error = await assertRejects(
      () => jobs.change("a", (job, now) => cancelled(job, now)),
      QueueError,
    );
    assertEquals(
      [error.code, /not known/.test(error.message)],
      ["unavailable", true],
      error.message,
    );
    assertEquals((await jobs.get("a"))?.status.state, "cancelled");
  });

  test("change() that claims the next job leaves that to be given back", async (_, proxy, open) => {
    const jobs = new PostgresJobs(open(proxy.config), { ahead: true });
    await jobs.add(["a", "b"].map((id, sequence) => aJob({ id, sequence })));
    const job = (await jobs.claim(W1, 0))!;
    proxy.lose("finish(");
    assertEquals((await jobs.change("a", end, claimOf(job))).status.state, "completed");
    assertEquals((await assertRejects(() => jobs.claim(W1, 0), QueueError)).code, "unavailable");
    assertEquals((await jobs.claimedBy("w-1")).map(({ id }) => id), ["b"]);
  });

  test("claim() leaves the job to be given back", async (jobs, proxy) => {
    await jobs.add([aJob()]);
    proxy.lose("claim(");
    const error = await assertRejects(() => jobs.claim(W1, 0), QueueError);
    assertEquals(error.code, "unavailable");
    assertEquals((await jobs.claimedBy("w-1")).map(({ id }) => id), ["a"]);
  });
}
