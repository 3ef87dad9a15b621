// Schedules fire beside the workers of a `start`. What that takes is loaded when there is one.
import { loadSettings } from "../config/load.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";
import type { FileSystem } from "../system/file_system.ts";
import { Watch } from "../system/watch.ts";
import { Scheduler } from "../worker/scheduler.ts";
import { liveSupervisors } from "../worker/worker_lock.ts";

/** What another `start` is at may still lie there for so long. */
const AT_IT = 10_000;

export interface FiringOptions {
  readonly files: FileSystem;
  readonly dataDir: string;
  readonly drain: boolean;
  readonly now: () => number;
  readonly report: (event: WorkerEvent) => void;
  /** Aborts when nothing more is to be fired. */
  readonly stopping: AbortSignal;
}

/**
 * Fires schedules while `work` runs. Where it drains, it begins when what is due was fired, and
 * again for each missed time that is caught up after another.
 * @param work says whether it could be done
 * @returns the same
 */
export async function whileSchedulesFire(
  options: FiringOptions,
  work: () => Promise<boolean>,
): Promise<boolean> {
  const { files, dataDir, drain, now, report, stopping } = options;
  const folder = `${dataDir}/schedules`;
  if (files.info(folder) === undefined) makeFolder(files, folder);
  let events = 0;
  const watch = new Watch([folder], () => events++);
  const ended = new AbortController();
  const end = AbortSignal.any([stopping, ended.signal]);
  const warned = new Set<string>();
  const scheduler = new Scheduler({
    // Two changes may be too near to each other for the time to tell them apart.
    version: () =>
      files.names(folder).length > 0 ? `${files.info(folder)?.modifiedAt} ${events}` : undefined,
    open: () =>
      openTools(options, (message) => {
        if (!warned.has(message)) report({ kind: "warning", message });
        warned.add(message);
      }),
    settings: () => loadSettings(dataDir, files),
    now,
    aliveSince: aliveSince(options),
    wait: (timeout, signal) => watch.next(timeout, signal),
    report,
  });
  if (drain) await scheduler.look(end);
  const running = scheduler.run(end);
  try {
    for (let seen = -1; seen < scheduler.caughtUp && !end.aborted;) {
      seen = scheduler.caughtUp;
      if (!await work()) return false;
      if (!drain) break;
      await scheduler.look(end);
    }
    return true;
  } finally {
    ended.abort();
    await running;
    watch.close();
  }
}

/** Others that run have fired what was due, or are about to. */
function aliveSince({ files, dataDir, now }: FiringOptions): number {
  const others = liveSupervisors(files, dataDir).filter(({ pid }) => pid !== Deno.pid);
  const first = Math.min(...others.map(({ startedAt }) => startedAt));
  return Math.min(now(), Math.max(first, now() - AT_IT));
}

async function openTools({ files, dataDir }: FiringOptions, warn: (message: string) => void) {
  const [
    { FileSchedules },
    { openFileStore },
    { fireDue },
    { recurrenceOf },
    { nextLook },
  ] = await Promise.all([
    import("../stores/file/schedules.ts"),
    import("../stores/file/store.ts"),
    import("../queue/schedule_firing.ts"),
    import("../queue/schedule_times.ts"),
    import("../queue/schedule.ts"),
  ]);
  const jobs = await openFileStore(dataDir, { files, warn });
  const store = new FileSchedules(dataDir, { files, jobs, warn });
  return { store, fireDue, recurrenceOf, nextLook, close: () => jobs.close() };
}

function makeFolder(files: FileSystem, path: string): void {
  try {
    files.makeFolder(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}
