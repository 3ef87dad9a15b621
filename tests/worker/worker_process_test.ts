// A worker with its own data folder, in this process: what it does if one file, one job or one name
// is damaged. Its jobs are real.
import { assert, assertEquals } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { FileRequests } from "../../src/stores/file/requests.ts";
import { FileTallies } from "../../src/stores/file/tallies.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import type { WorkerEvent } from "../../src/queue/worker_event.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles, type FileSystem } from "../../src/system/file_system.ts";
import { type FileWorkerOptions, runFileWorker } from "../support/file_worker.ts";
import { aJob } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

interface Bench {
  readonly dir: string;
  readonly store: FileStore;
  readonly events: WorkerEvent[];
  /** Starts a worker, which is stopped at the end. */
  work(files?: FileSystem, more?: Pick<FileWorkerOptions, "away">): Promise<void>;
  state(id: string): Promise<string | undefined>;
  ended(id: string): Promise<unknown>;
}

const warnings = (events: readonly WorkerEvent[]) =>
  events.flatMap((event) => event.kind === "warning" ? [event.message] : []);

function withBench(test: (bench: Bench) => Promise<void>): Promise<void> {
  return withTempDir(async (dir) => {
    const store = await openFileStore(dir, { files: diskFiles });
    const events: WorkerEvent[] = [];
    const stopping = new AbortController();
    const workers: Promise<void>[] = [];
    const state = async (id: string) => (await store.get(id))?.status.state;
    const report = (event: WorkerEvent) => void events.push(event);
    const work = (files = diskFiles, more: Pick<FileWorkerOptions, "away"> = {}) => {
      workers.push(runFileWorker(dir, { files, stopping, report, ...more }));
      return Promise.resolve();
    };
    try {
      await test({
        dir,
        store,
        events,
        work,
        state,
        ended: (id) => waitUntil(async () => await state(id) === "completed", `${id} completes`),
      });
    } finally {
      stopping.abort();
      await Promise.all(workers);
      await store.close();
    }
  });
}

/** Enqueues a job in this folder. */
async function enqueue({ dir, store }: Bench, id: string, command = "true"): Promise<void> {
  await store.add([aJob({ id, command, cwd: dir, createdAt: Date.now() })]);
}

/** A job that a worker called `name` took, which has died without a word. */
async function orphan(bench: Bench, id: string, name: string): Promise<void> {
  await enqueue(bench, id);
  const claimed = await bench.store.claim({ worker: name, pid: 1, host: "box" }, Date.now());
  assertEquals(claimed?.id, id);
}

Deno.test("a worker takes over from one that died without a lock file", () =>
  withBench(async (bench) => {
    await orphan(bench, "a", "gone");
    await bench.work();
    await bench.ended("a");
  }));

Deno.test("a worker looks after others although files of other programs lie everywhere", () =>
  withBench(async (bench) => {
    await orphan(bench, "a", "gone");
    for (const folder of ["queue/running/gone", "workers", "control"]) {
      for (const name of [".DS_Store", "Thumbs.db", "desktop.ini", "x y.lock", "a.cancel~"]) {
        Deno.writeTextFileSync(`${bench.dir}/${folder}/${name}`, "?");
      }
    }
    Deno.mkdirSync(`${bench.dir}/workers/folder.lock`);
    await bench.work();
    await bench.ended("a");
    await enqueue(bench, "b");
    await bench.ended("b");
  }));

Deno.test("a request to cancel a damaged job keeps no worker from looking after others", () =>
  withBench(async (bench) => {
    await orphan(bench, "a", "gone");
    Deno.writeTextFileSync(`${bench.dir}/workers/gone.lock`, "");
    await enqueue(bench, "bad");
    Deno.writeTextFileSync(`${bench.dir}/jobs/ba/bad.jsonl`, "?\n");
    await new FileRequests(bench.dir, diskFiles).requestCancel("bad");
    await bench.work();
    await bench.ended("a");
  }));

Deno.test("a worker has its shell before it claims its first job", () =>
  withBench(async (bench) => {
    const claimsAt: boolean[] = [];
    const hasShell = () => {
      const journal = `${bench.dir}/workers/worker-1.runs`;
      return diskFiles.info(journal) !== undefined &&
        diskFiles.readText(journal).startsWith("shell ");
    };
    const rename: FileSystem["rename"] = (from, to) => {
      if (from.includes("/queue/ready/")) claimsAt.push(hasShell());
      diskFiles.rename(from, to);
    };
    await enqueue(bench, "a");
    await bench.work({ ...diskFiles, rename });
    await bench.ended("a");
    assertEquals(claimsAt[0], true);
  }));

Deno.test("a request to stop one that had the name before does not stop a new worker", () =>
  withBench(async (bench) => {
    const requests = new FileRequests(bench.dir, diskFiles);
    await requests.requestStop("worker-1", "graceful");
    await bench.work();
    await enqueue(bench, "a");
    await bench.ended("a");
    assertEquals(await requests.stopRequested("worker-1"), undefined);
  }));

/** The real disk, of which one operation fails while `isOn`. */
function failing(fails: (operation: "names" | "rename", path: string) => boolean) {
  const trouble = { isOn: true, count: 0 };
  const check = (operation: "names" | "rename", path: string) => {
    if (!trouble.isOn || !fails(operation, path)) return;
    trouble.count++;
    throw new Deno.errors.PermissionDenied("not now");
  };
  const files: FileSystem = {
    ...diskFiles,
    names: (path) => (check("names", path), diskFiles.names(path)),
    rename: (from, to) => (check("rename", from), diskFiles.rename(from, to)),
  };
  return { trouble, files };
}

Deno.test("a worker goes on when claims fail for a while, and says so once", () =>
  withBench(async (bench) => {
    const { trouble, files } = failing((what, path) => what === "rename" && path.endsWith(".a"));
    await enqueue(bench, "a");
    await bench.work(files);
    await waitUntil(() => trouble.count >= 3, "it has tried");
    trouble.isOn = false;
    await bench.ended("a");
    assertEquals(warnings(bench.events), ["Cannot take a job: not now"]);
  }));

Deno.test("a worker takes another name where what its namesake left can't be read, and looks after it later", () =>
  withBench(async (bench) => {
    await orphan(bench, "a", "worker-1");
    const { trouble, files } = failing((what, path) =>
      what === "names" && path.endsWith("running/worker-1")
    );
    await bench.work(files);
    await enqueue(bench, "b");
    await bench.ended("b");
    assertEquals((await bench.store.get("b"))?.history.map(({ worker }) => worker), ["worker-2"]);
    trouble.isOn = false;
    await bench.ended("a");
  }));

Deno.test("a worker whose lock file was removed makes another, and nobody takes its place", () =>
  withBench(async (bench) => {
    await bench.work();
    await waitUntil(() => diskFiles.info(`${bench.dir}/workers/worker-1.json`), "it is there");
    Deno.removeSync(`${bench.dir}/workers/worker-1.lock`);
    const other = FileWorkerLock.join(diskFiles, bench.dir, undefined);
    assertEquals(other.name, "worker-2");
    other.leave();
    await waitUntil(() => diskFiles.info(`${bench.dir}/workers/worker-1.lock`), "it has another");
    assert(diskFiles.lock(`${bench.dir}/workers/worker-1.lock`) === undefined);
  }));

Deno.test("runWorker() counts each attempt in the store, once it has ended", () =>
  withBench(async (bench) => {
    await enqueue(bench, "a");
    await enqueue(bench, "b", "exit 3");
    await bench.work();
    await bench.ended("a");
    await waitUntil(async () => await bench.state("b") === "failed");
    const tallies = new FileTallies(bench.dir, diskFiles);
    await waitUntil(async () => {
      const outcomes = (await tallies.total()).attempts.get("default");
      return outcomes?.succeeded === 1 && outcomes.failed === 1;
    }, "both are counted");
  }));

Deno.test("a worker waits for a store that is away when it begins, and takes the place of a dead one then", () =>
  withBench(async (bench) => {
    await orphan(bench, "a", "worker-1");
    Deno.writeTextFileSync(`${bench.dir}/workers/worker-1.lock`, "");
    let refusals = 0;
    await bench.work(diskFiles, {
      away: () => {
        if (refusals++ < 3) throw new QueueError("unavailable", "Cannot reach the store");
      },
    });
    await bench.ended("a");
    assertEquals(warnings(bench.events), []);
    assertEquals(
      bench.events.flatMap((event) => event.kind === "worker_started" ? [event.worker] : []),
      ["worker-1"],
    );
  }));

Deno.test("a worker that has to stop while the store is away leaves the journal of its namesake alone", () =>
  withBench(async (bench) => {
    await orphan(bench, "a", "worker-1");
    Deno.writeTextFileSync(`${bench.dir}/workers/worker-1.lock`, "");
    const journal = `${bench.dir}/workers/worker-1.runs`;
    Deno.writeTextFileSync(journal, "what its shell has noted\n");
    const [stopping, calls] = [new AbortController(), { count: 0 }];
    const worker = runFileWorker(bench.dir, {
      stopping,
      away: () => {
        // It joins, and says who it is.
        if (calls.count++ >= 2) throw new QueueError("unavailable", "Cannot reach the store");
      },
    });
    await waitUntil(() => calls.count > 3);
    stopping.abort();
    await worker;
    assertEquals(Deno.readTextFileSync(journal), "what its shell has noted\n");
    assertEquals(await bench.state("a"), "processing");
    Deno.removeSync(journal);
  }));
