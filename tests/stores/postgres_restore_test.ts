// A restore in a database beside a worker that nobody knew of any more.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { backup } from "../../src/stores/postgres/backup.ts";
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { PostgresPlaces } from "../../src/stores/postgres/places.ts";
import { restore } from "../../src/stores/postgres/restore.ts";
import { HostWorkers, type HostWorkersOptions } from "../../src/stores/shared/host_workers.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob } from "../support/jobs.ts";
import { postgresSchemas } from "../support/postgres_schemas.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

const server = await startPostgres();

if (server !== undefined) {
  const withSchema = postgresSchemas(server);

  Deno.test("PostgreSQL: restore() sees a job that is claimed at this moment, and changes nothing", () =>
    withSchema((open) =>
      withTempDir(async (dir) => {
        const [database, claiming, watching] = [open(), open(), open()];
        const jobs = new PostgresJobs(database);
        await jobs.add([aJob({ id: "a" })]);
        await backup(database, `${dir}/copy`, diskFiles, () => {});
        const { promise: isClaimed, resolve: tell } = Promise.withResolvers<void>();
        const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
        const claim = claiming.transaction(async (sql) => {
          await sql.query("select queuectl.claim('w', 7, 'box', null, null, null)");
          tell();
          await mayCommit;
        }, { once: true });
        await isClaimed;
        const restoring = assertRejects(
          () =>
            restore(
              {
                database,
                files: diskFiles,
                over: true,
                isAnybodyThere: () => Promise.resolve(false),
              },
              `${dir}/copy`,
              () => {},
            ),
          QueueError,
          'job "a" may still run',
        );
        const waiting = "select from pg_stat_activity where wait_event_type = 'Lock'";
        await waitUntil(async () => (await watching.query(waiting)).length > 0, "it waits");
        commit();
        await claim;
        await restoring;
        assertEquals((await jobs.get("a"))?.status.state, "processing");
        await jobs.close();
      })
    ));

  Deno.test("PostgreSQL: join() of a worker is refused while a backup is restored", () =>
    withSchema(async (open) => {
      const [database, restoring] = [open(), open()];
      const places = new PostgresPlaces(database, "h");
      const keepLease = () => Promise.reject(new Error("too late: that waits for the restore"));
      const workers = new HostWorkers({ places, keepLease } as unknown as HostWorkersOptions);
      await restoring.transaction(async (sql) => {
        await sql.query("lock table queuectl.queues, queuectl.workers in exclusive mode");
        await assertRejects(() => workers.join("w"), QueueError, "A backup is being restored");
      }, { once: true });
      await places.mayJoin();
    }));
}
