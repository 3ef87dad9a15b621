// Idle workers of a host on one database: one listens, the others have no connection until there is
// more to do than that one does.
import { assertEquals } from "@std/assert";
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";
import { PostgresRequestTable } from "../../src/stores/postgres/requests.ts";
import { channelOf } from "../../src/stores/postgres/channel.ts";
import { Lookout, lookoutFolder } from "../../src/stores/shared/lookout.ts";
import { ToldRequests } from "../../src/stores/shared/told_requests.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { aJob } from "../support/jobs.ts";
import { type Open, postgresSchemas } from "../support/postgres_schemas.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

const server = await startPostgres();

/** A worker that rests when it has found nothing twice. */
function worker(name: string, open: Open, dir: string) {
  const database = open({ application_name: name } as object);
  const lookout = new Lookout(diskFiles, dir, 0);
  lookout.onRest((isResting) => database.rest(isResting));
  const jobs = new PostgresJobs(database, { host: "h", ahead: true, lookout });
  const requests = new ToldRequests(
    new PostgresRequestTable(database),
    channelOf(database, "requests"),
    true,
    lookout,
  );
  const claim = async () => (await jobs.claim({ worker: name, pid: 1, host: "box" }, 0))?.id;
  return { name, jobs, requests, lookout, claim };
}

if (server !== undefined) {
  const withSchema = postgresSchemas(server);

  Deno.test("of idle workers one has a connection, and the others get up when there is work", () =>
    withTempDir((dir) =>
      withSchema(async (open) => {
        Deno.mkdirSync(`${lookoutFolder(dir)}/locks`, { recursive: true });
        Deno.utimeSync(lookoutFolder(dir), 0, 0);
        const others = open();
        await others.query(
          "insert into queuectl.hosts (id, name, guarded, lease, lease_until) values ('h', 'box', true, 60, now())",
        );
        const all = ["w-1", "w-2", "w-3"].map((name) => worker(name, open, dir));
        for (const { name } of all) {
          await others.query(
            "insert into queuectl.workers (name, host_id) values ($1, 'h')",
            [name],
          );
        }
        const connected = async () => {
          const rows = await others.query<{ name: string }>(
            `select distinct application_name as name from pg_stat_activity
             where application_name like 'w-%' order by 1`,
          );
          return rows.map(({ name }) => name).join();
        };
        for (const { claim } of all) assertEquals(await claim(), undefined);
        assertEquals(await connected(), "w-1,w-2,w-3");
        for (const { claim } of all) assertEquals(await claim(), undefined);
        await waitUntil(async () => await connected() === "w-1", "one has a connection");
        // What a resting one is asked costs nothing.
        const [one, two, three] = all as [typeof all[0], typeof all[0], typeof all[0]];
        await two.jobs.recover();
        assertEquals([await two.jobs.nextDue(), await two.claim()], [undefined, undefined]);
        assertEquals(await two.requests.cancelRequests(), []);
        assertEquals(await connected(), "w-1");
        // Its job wakes the next one, and that one's all others.
        const add = new PostgresJobs(others);
        await add.add(["a", "b", "c"].map((id, sequence) => aJob({ id, sequence })));
        const waiting = two.jobs.waitForChange(60_000);
        await one.jobs.waitForChange(60_000);
        assertEquals(await one.claim(), "a");
        await waiting;
        assertEquals([await two.claim(), await three.claim()], ["b", "c"]);
        // One that looks passes on what is asked of those that rest.
        for (const { claim } of [two, three]) {
          await claim();
          await waitUntil(async () => await claim() === undefined);
        }
        await waitUntil(async () => {
          await three.claim();
          return three.lookout.isResting;
        });
        await new ToldRequests(
          new PostgresRequestTable(others),
          channelOf(others, "requests"),
          false,
        ).requestStop("w-3", "graceful");
        await waitUntil(async () => {
          await two.requests.stopRequested("w-2");
          await three.claim();
          return await three.requests.stopRequested("w-3") === "graceful";
        });
        for (const { jobs, requests } of all) {
          requests.close();
          await jobs.close();
        }
        await add.close();
      })
    ));
}
