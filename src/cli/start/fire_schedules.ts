// Fires schedules beside the workers of a `start`. The code for it is loaded when there is a
// schedule.
import type { WorkerEvent } from "../../queue/worker_event.ts";
import type { Store } from "../../stores/store.ts";
import { delay } from "../../system/delay.ts";
import { Scheduler } from "../../worker/scheduler.ts";

/** Milliseconds for which another live `start` may take to fire what is due. */
const AT_IT = 10_000;

export interface FiringOptions {
  readonly store: Store;
  readonly drain: boolean;
  readonly now: () => number;
  readonly report: (event: WorkerEvent) => void;
  /** Aborts when no more schedules are to fire. */
  readonly stopping: AbortSignal;
}

/**
 * Fires schedules while `work` runs. With `drain`, what is due is fired before `work` begins, and
 * `work` runs again after each further missed time that is caught up.
 *
 * @param work returns whether any worker came up
 *
 * @returns what `work` returned
 */
export async function whileSchedulesFire(
  options: FiringOptions,
  work: () => Promise<boolean>,
): Promise<boolean> {
  const { store, drain, now, report, stopping } = options;
  const watch = await store.watchSchedules();
  const settings = await store.settings();
  const ended = new AbortController();
  const end = AbortSignal.any([stopping, ended.signal]);
  const warned = new Set<string>();
  const scheduler = new Scheduler({
    version: () => watch.version(),
    open: () =>
      openTools(store, (message) => {
        if (!warned.has(message)) report({ kind: "warning", message });
        warned.add(message);
      }),
    settings: () => settings.load(),
    now,
    aliveSince: await aliveSince(options),
    // Where nothing can be heard now, the clock alone says when to look next.
    wait: (timeout, signal) => watch.wait(timeout, signal).catch(() => delay(timeout, signal)),
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

/**
 * The time from which on some `start` has been there to fire. Others that run have fired what was
 * due, or are about to.
 */
async function aliveSince({ store, now }: FiringOptions): Promise<number> {
  const others = (await (await store.workers()).liveSupervisors())
    .filter(({ pid, isElsewhere }) => pid !== Deno.pid || isElsewhere);
  const first = Math.min(...others.map(({ startedAt }) => startedAt));
  return Math.min(now(), Math.max(first, now() - AT_IT));
}

async function openTools(store: Store, warn: (message: string) => void) {
  const [{ fireDue }, { recurrenceOf }, { nextLook }] = await Promise.all([
    import("../../queue/schedule_firing.ts"),
    import("../../queue/schedule_times.ts"),
    import("../../queue/schedule.ts"),
  ]);
  const jobs = await store.openJobs(warn);
  const schedules = await store.openSchedules({ jobs, warn });
  return { store: schedules, fireDue, recurrenceOf, nextLook, close: () => jobs.close() };
}
