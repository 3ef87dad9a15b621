// A worker of a data folder, in this process.
import { DEFAULT_SETTINGS } from "../../src/queue/settings.ts";
import type { WorkerEvent } from "../../src/queue/worker_event.ts";
import { FolderStore } from "../../src/stores/file/folder_store.ts";
import { diskFiles, type FileSystem } from "../../src/system/file_system.ts";
import { runWorker } from "../../src/worker/worker_process.ts";

export interface FileWorkerOptions {
  readonly files?: FileSystem;
  readonly wanted?: string;
  readonly drain?: boolean;
  readonly stopping?: AbortController;
  readonly force?: AbortController;
  readonly report?: (event: WorkerEvent) => void;
  /** Called before the worker joins, announces itself, or looks for jobs of others: may throw. */
  readonly away?: () => void;
}

/** Runs a worker until it ends. Its jobs are real. */
export async function runFileWorker(dir: string, options: FileWorkerOptions = {}): Promise<void> {
  const { files = diskFiles } = options;
  const world = { files, os: "linux", userId: () => null, warn: () => {} };
  const store = await new FolderStore(dir, world).forWorkers();
  const [jobs, requests] = [await store.openJobs(), await store.openRequests()];
  const { away = () => {} } = options;
  const workers = await store.workers();
  const join = workers.join.bind(workers);
  workers.join = async (...args) => {
    away();
    const lock = await join(...args);
    const announce = lock.announce.bind(lock);
    return Object.assign(lock, {
      announce: async (...args: Parameters<typeof announce>) => {
        away();
        await announce(...args);
      },
    });
  };
  const claimedBy = jobs.claimedBy.bind(jobs);
  jobs.claimedBy = async (worker) => {
    away();
    return await claimedBy(worker);
  };
  try {
    await runWorker({
      jobs,
      workers,
      requests,
      host: await store.host(),
      tallies: await store.tallies(),
      files,
      store: store.name,
      wanted: options.wanted,
      drain: options.drain ?? false,
      pid: Deno.pid,
      hostname: "here",
      now: Date.now,
      settings: () => Promise.resolve(DEFAULT_SETTINGS),
      report: options.report ?? (() => {}),
      stopping: options.stopping ?? new AbortController(),
      force: options.force ?? new AbortController(),
    });
  } finally {
    requests.close();
    await jobs.close();
  }
}
