// A queue moves from a folder to a server and back, and nothing of it changes.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { cancelled, claimed, created, ended } from "../../src/queue/transitions.ts";
import type { Job } from "../../src/queue/job.ts";
import type { Outcome } from "../../src/queue/outcome.ts";
import { openStore } from "../../src/stores/open.ts";
import type { Store } from "../../src/stores/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { anEnding, aRequest, EPOCH } from "../support/jobs.ts";
import { type ServerForTests, serversForTests } from "../support/servers.ts";
import { withTempDir } from "../support/temp_dir.ts";

const world = (dir: string) => ({
  files: diskFiles,
  os: "linux",
  userId: () => Deno.uid(),
  env: (name: string) => name === "XDG_STATE_HOME" ? dir : undefined,
  warn: () => {},
});

const OVER = { over: true };
const CAREFUL = { over: false };

/** A job of each kind that a backup may hold. */
function jobs(): Job[] {
  const attempt = (job: Job, outcome: Outcome, at: number) => {
    const running = claimed(job, { worker: "w", pid: 7, host: "box" }, at) as Job;
    return ended(running, anEnding(outcome), { base: 2, max: 60 }, at + 500) as Job;
  };
  const job = (id: string, values = {}) => created(aRequest({ id, ...values }));
  return [
    job("new", { priority: 3, env: { A: "b" }, queue: "q", group: "g" }),
    job("later", { runAt: EPOCH + 1e9, startBy: EPOCH + 2e9 }),
    attempt(job("failed"), "failed", EPOCH + 1000),
    attempt(attempt(job("done"), "lost", EPOCH + 1000), "succeeded", EPOCH + 9000),
    attempt(job("dead", { maxRetries: 0 }), "timed_out", EPOCH + 1000),
    attempt(job("back"), "released", EPOCH + 1000),
    cancelled(job("off"), EPOCH + 1000, "expired") as Job,
    job("keyed", { unique: "k" }),
    job("waits", { after: ["new"], afterAny: ["keyed"] }),
  ];
}

async function contents(store: Store): Promise<unknown> {
  const reader = await store.openReader();
  try {
    const all = await Array.fromAsync(reader.list({}));
    const logs = await store.logs();
    return {
      jobs: all.sort((a, b) => a.id < b.id ? -1 : 1),
      waiting: await reader.dependentsOf("new"),
      log: new TextDecoder().decode(await logs.read("done", 1, 0, 1_000_000)),
      settings: await (await store.settings()).setValues(),
      queues: (await (await store.queues()).list()).map(({ name, limit }) => [name, limit]),
    };
  } finally {
    await reader.close();
  }
}

async function inDatabase(
  server: ServerForTests,
  dir: string,
  use: (store: Store) => Promise<void>,
): Promise<void> {
  const store = server.open(dir);
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

function folder(path: string): Store {
  const store = openStore({ kind: "folder", path }, world(path));
  store.prepare();
  return store;
}

for (const server of await serversForTests()) {
  Deno.test(`${server.kind}: backup() and restore(): a queue moves from a folder, and back`, () =>
    withTempDir(async (dir) => {
      const first = folder(`${dir}/first`);
      const store = await first.openJobs();
      await store.add(jobs());
      await store.close();
      const log = "x".repeat(150_000) + "end\n";
      Deno.writeTextFileSync((await first.host()).log("done", 1), log);
      await (await first.settings()).set("max_retries", 7);
      await (await first.queues()).change(["q"], (before) => ({ ...before, limit: 2 }));
      await (await first.maintenance()).backup(`${dir}/one`, () => {});
      const wanted = await contents(first);

      await inDatabase(server, dir, async (database) => {
        const maintenance = await database.maintenance();
        assertEquals(
          (await maintenance.restore(`${dir}/one`, CAREFUL, () => {})).jobs,
          jobs().length,
        );
        assertEquals(await contents(database), wanted);
        assertEquals(await maintenance.check({ repair: false }, () => {}), []);
        // Once more, over what is there: as if it had come while the backup was read.
        const careful = () => maintenance.restore(`${dir}/one`, CAREFUL, () => {});
        await assertRejects(careful, QueueError, "something was added to the queue meanwhile");
        assertEquals(await contents(database), wanted);
        await maintenance.restore(`${dir}/one`, OVER, () => {});
        const { jobs: count } = await maintenance.backup(`${dir}/two`, () => {});
        assertEquals(count, jobs().length);
      });

      const second = folder(`${dir}/second`);
      await (await second.maintenance()).restore(`${dir}/two`, CAREFUL, () => {});
      assertEquals(await contents(second), wanted);
      assertEquals(await (await second.maintenance()).check({ repair: false }, () => {}), []);
    }));

  Deno.test(`${server.kind}: restore() changes nothing while a worker lives, or a job runs`, () =>
    withTempDir((dir) =>
      inDatabase(server, dir, async (database) => {
        const own = folder(`${dir}/own`);
        await (await own.maintenance()).backup(`${dir}/backup`, () => {});
        const store = await database.openJobs();
        await store.add(jobs());
        const restore = async () =>
          await (await database.maintenance()).restore(`${dir}/backup`, OVER, () => {});
        const here = await database.forWorkers();
        const worker = await (await here.workers()).join("w");
        await assertRejects(restore, QueueError, "while workers run");
        const job = await store.claim({ worker: "w", pid: 1, host: "box" }, Date.now());
        await worker.abandon();
        await assertRejects(restore, QueueError, `job "${job?.id}" may still run`);
        assertEquals((await store.count()).processing, 1);
        await store.close();
      })
    ));
}
