// What the ports other than the jobs must do, and must not, in every store.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import type { LogReader } from "../../src/queue/logs.ts";
import type { Requests } from "../../src/queue/requests.ts";
import type { SettingsStore } from "../../src/queue/settings_store.ts";
import { counted, NOTHING, type Tallies } from "../../src/queue/tally.ts";
import type { WorkerLock, Workers } from "../../src/queue/workers.ts";
import { FileLogs } from "../../src/stores/file/logs.ts";
import { logPath } from "../../src/stores/file/layout.ts";
import { prepareFolder } from "../../src/stores/file/prepare_folder.ts";
import { FileRequests } from "../../src/stores/file/requests.ts";
import { FileSettings } from "../../src/stores/file/settings.ts";
import { FileTallies } from "../../src/stores/file/tallies.ts";
import { FileWorkers } from "../../src/stores/file/workers.ts";
import { MemoryLogs } from "../../src/stores/memory/logs.ts";
import { MemoryRequests } from "../../src/stores/memory/requests.ts";
import { MemorySettings } from "../../src/stores/memory/settings.ts";
import { MemoryTallies } from "../../src/stores/memory/tallies.ts";
import { MemoryWorkers } from "../../src/stores/memory/workers.ts";
import type { ServerStore } from "../../src/stores/shared/server_store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { serversForTests } from "../support/servers.ts";
import { aJob, anAttempt, EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

interface Ports {
  readonly workers: Workers;
  readonly requests: Requests;
  readonly logs: LogReader;
  readonly settings: SettingsStore;
  readonly tallies: Tallies;
  /** Lets an attempt print something. */
  print(id: string, attempt: number, text: string): void | Promise<void>;
}

type WithPorts = (test: (ports: Ports) => Promise<void>) => Promise<void>;

const STORES: Record<string, WithPorts> = {
  memory: async (test) => {
    const [requests, logs] = [new MemoryRequests(), new MemoryLogs()];
    await test({
      workers: new MemoryWorkers(requests),
      requests,
      logs,
      settings: new MemorySettings(),
      tallies: new MemoryTallies(),
      print: (id, attempt, text) => logs.put(id, attempt, text),
    });
  },
  folder: (test) =>
    withTempDir(async (dir) => {
      await prepareFolder(dir, diskFiles);
      const requests = new FileRequests(dir, diskFiles);
      await test({
        workers: new FileWorkers(dir, diskFiles),
        requests,
        logs: new FileLogs(dir, diskFiles),
        settings: new FileSettings(dir, diskFiles),
        tallies: new FileTallies(dir, diskFiles),
        print(id, attempt, text) {
          const path = logPath(dir, id, attempt);
          Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
          Deno.writeTextFileSync(path, text);
        },
      });
      requests.close();
    }),
};

for (const { kind, open } of await serversForTests()) {
  STORES[kind] = (test) => withTempDir((dir) => onServer(open(dir), test));
}

async function onServer(
  opened: ServerStore,
  test: (ports: Ports) => Promise<void>,
): Promise<void> {
  const store = await opened.forWorkers();
  const requests = await store.openRequests();
  const jobs = await store.openJobs();
  const host = await store.host();
  try {
    await jobs.add(["a", "b"].map((id) => aJob({ id })));
    await test({
      workers: await store.workers(),
      requests,
      logs: await store.logs(),
      settings: await store.settings(),
      tallies: await store.tallies(),
      async print(id, attempt, text) {
        Deno.writeTextFileSync(host.log(id, attempt), text);
        await host.sendOutput!({ id, attempt, limit: 0, isNew: false }).finish(
          new AbortController().signal,
        );
      },
    });
  } finally {
    requests.close();
    await jobs.close();
    await opened.close();
  }
}

for (const [store, withPorts] of Object.entries(STORES)) {
  const test = (says: string, body: (ports: Ports) => Promise<void>) =>
    Deno.test(`${store}: ${says}`, () => withPorts(body));

  test("total() of tallies is all that was ever added, under any name", async ({ tallies }) => {
    assertEquals(await tallies.total(), NOTHING);
    const [job, after] = anAttempt("q", "failed", EPOCH + 200, EPOCH + 2700);
    const one = counted(NOTHING, job, after);
    await tallies.add("w-1", one);
    await tallies.add("w-2", counted(one, ...anAttempt("__proto__", "succeeded", EPOCH, EPOCH)));
    await tallies.add("w-1", counted(NOTHING, ...anAttempt("q", "lost", EPOCH, EPOCH + 300)));
    const { attempts, duration, wait } = await tallies.total();
    assertEquals(attempts.get("q"), {
      succeeded: 0,
      failed: 2,
      timed_out: 0,
      lost: 1,
      cancelled: 0,
      released: 0,
    });
    assertEquals(attempts.get("__proto__")?.succeeded, 1);
    assertEquals([attempts.size, duration.sum, wait.sum], [2, 5.3, 0.4]);
    assertEquals(duration.counts.reduce((sum, count) => sum + count), 4);
  });

  test("join() takes the first free name, or the wanted one with a number", async ({ workers }) => {
    const joined: WorkerLock[] = [];
    for (const wanted of [undefined, undefined, "w", "w"]) {
      joined.push(await workers.join(wanted));
    }
    joined.push(await workers.join(undefined, new Set(["worker-3"])));
    const names = joined.map(({ name }) => name);
    assertEquals(names, ["worker-1", "worker-2", "w", "w-2", "worker-4"]);
    for (const lock of joined) await lock.leave();
  });

  test("live() shows workers alone, and what they say of themselves", async ({ workers }) => {
    const [worker, supervisor] = [
      await workers.join(undefined),
      await workers.joinAsSupervisor(7),
    ];
    await worker.announce({ pid: 8, host: "box", startedAt: 1000 });
    assertEquals(
      (await workers.live()).map(({ name, pid, host, startedAt }) => [name, pid, host, startedAt]),
      [["worker-1", 8, "box", 1000]],
    );
    assertEquals((await workers.liveSupervisors()).map(({ name, ready }) => [name, ready]), [
      [supervisor.name, false],
    ]);
    await supervisor.announce({ pid: 7, host: "box", startedAt: 1000, ready: true });
    assertEquals((await workers.find(supervisor.name))?.ready, true);
    await worker.leave();
    assertEquals([await workers.live(), await workers.find("worker-1")], [[], undefined]);
    assertEquals(await workers.dead(), []);
    await supervisor.leave();
  });

  test("takeOver() takes the place of one that died, and of no other", async ({ workers }) => {
    const dying = await workers.join("w");
    await dying.announce({ pid: 7, host: "box", startedAt: 5 });
    assertEquals((await workers.find("w"))?.rescued, undefined);
    assertEquals(await workers.takeOver("w"), undefined);
    await dying.abandon();
    assertEquals(await workers.dead(), ["w"]);
    assertEquals(await workers.live(), []);
    const heir = await workers.takeOver("w");
    assertEquals(heir?.name, "w");
    const [seen] = await workers.live();
    assertEquals([seen?.pid, seen?.host, seen?.rescued], [7, "box", true]);
    assertEquals(await workers.takeOver("w"), undefined);
    assertEquals(await workers.dead(), []);
    // Of a newer one that takes the name nothing of that is said.
    await heir?.abandon();
    const next = await workers.join("w");
    await next.announce({ pid: 8, host: "box", startedAt: 6 });
    assertEquals((await workers.find("w"))?.rescued, undefined);
    await next.leave();
    assertEquals(await workers.find("w"), undefined);
  });

  test("join() gives the name of one that died, and clears requests to it", async (ports) => {
    const { workers, requests } = ports;
    await (await workers.join("w")).abandon();
    await requests.requestStop("w", "force");
    const next = await workers.join("w");
    assertEquals([next.name, await requests.stopRequested("w")], ["w", undefined]);
    await next.leave();
  });

  test("leave() clears requests to the one that goes", async ({ workers, requests }) => {
    const worker = await workers.join("w");
    await requests.requestStop("w", "graceful");
    await worker.leave();
    assertEquals(await requests.stopRequested("w"), undefined);
  });

  test("stopRequested() tells the stronger request to this name", async ({ requests }) => {
    assertEquals(await requests.stopRequested("w"), undefined);
    await requests.requestStop("w", "graceful");
    await requests.requestStop("w", "graceful");
    assertEquals(await requests.stopRequested("w"), "graceful");
    await requests.requestStop("w", "force");
    assertEquals(await requests.stopRequested("w"), "force");
    assertEquals(await requests.stopRequested("v"), undefined);
    await requests.clearStop("w");
    await requests.clearStop("w");
    assertEquals(await requests.stopRequested("w"), undefined);
  });

  test("cancelRequests() has each job once, until it is cleared", async ({ requests }) => {
    for (const id of ["a", "b", "a"]) await requests.requestCancel(id);
    assertEquals((await requests.cancelRequests()).sort(), ["a", "b"]);
    await requests.clearCancel("a");
    await requests.clearCancel("a");
    assertEquals(await requests.cancelRequests(), ["b"]);
  });

  test("wait() resolves at a request, and when it is told to", async ({ requests }) => {
    const told = AbortSignal.abort();
    await requests.wait(60_000, told);
    for (let n = 0; n < 3; n++) {
      const woken = requests.wait(60_000);
      await requests.requestCancel(`job-${n}`);
      await woken;
    }
  });

  test("read() gives parts of a log, and nothing of one that is not there", async (ports) => {
    const { logs, print } = ports;
    await print("a", 2, "0123456789");
    const text = async (attempt: number, offset: number, length: number) => {
      const bytes = await logs.read("a", attempt, offset, length);
      return bytes && new TextDecoder().decode(bytes);
    };
    assertEquals([await text(2, 0, 4), await text(2, 4, 99), await text(2, 10, 4)], [
      "0123",
      "456789",
      "",
    ]);
    assertEquals([await text(1, 0, 4), await logs.size("a", 1)], [undefined, undefined]);
    assertEquals([await logs.size("a", 2), await logs.size("b", 2)], [10, undefined]);
  });

  test("set() and merge() keep other keys, and reset() drops all", async ({ settings }) => {
    assertEquals([await settings.setValues(), await settings.version()], [{}, undefined]);
    await settings.set("max_retries", 9);
    await settings.merge({ worker_count: 4 });
    assertEquals(await settings.setValues(), { max_retries: 9, worker_count: 4 });
    assertEquals(await settings.load(), { ...settings.defaults, max_retries: 9, worker_count: 4 });
    assertEquals(typeof await settings.version(), "number");
    assertEquals(await settings.reset(), undefined);
    assertEquals([await settings.setValues(), await settings.version()], [{}, undefined]);
  });
}

Deno.test("memory: heartbeat() says when another has the name", async () => {
  const workers = new MemoryWorkers(new MemoryRequests());
  const worker = await workers.join("w");
  await worker.abandon();
  await assertRejects(() => worker.heartbeat(), QueueError, "lost its place");
});
