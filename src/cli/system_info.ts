// Gathers what `status --verbose` shows besides counts and workers, from all parts of a store.
import { readFigures } from "../queue/status.ts";
import type { JobReader } from "../queue/store.ts";
import type { ScheduleView } from "../queue/schedule_view.ts";
import { QueueError } from "../queue/errors.ts";
import { SETTING_KEYS } from "../queue/settings.ts";
import type { Store } from "../stores/store.ts";
import type { SystemInfo } from "../view/system_info.ts";
import type { CommandContext } from "./command_context.ts";

export async function readSystemInfo(
  call: CommandContext,
  jobs: JobReader,
  store: Store,
): Promise<SystemInfo> {
  const now = call.context.now();
  const maintenance = await store.maintenance();
  return {
    version: await call.context.version(),
    size: await maintenance.size(),
    cautions: await maintenance.cautions?.() ?? [],
    openTransactions: await maintenance.openTransactions?.() ?? [],
    queues: await readQueues(call, store),
    ...await readFigures(jobs, now),
    settings: await readSettings(store),
    schedules: await readSchedules(call, store),
  };
}

/** Null if what is set of them can't be read, which is said: all else is told nevertheless. */
async function readQueues(call: CommandContext, store: Store): Promise<SystemInfo["queues"]> {
  try {
    return await (await store.queues()).list();
  } catch (error) {
    if (!(error instanceof QueueError) || error.code !== "damaged") throw error;
    call.report([error]);
    return null;
  }
}

/** The settings that differ from their default. */
async function readSettings(store: Store): Promise<SystemInfo["settings"]> {
  const settings = await store.settings();
  const set = await settings.setValues();
  return SETTING_KEYS.flatMap((key) => {
    const value = set[key];
    return value === undefined || value === settings.defaults[key] ? [] : [{ key, value }];
  });
}

async function readSchedules(call: CommandContext, store: Store): Promise<SystemInfo["schedules"]> {
  const entries = await (await store.openSchedules()).list();
  if (entries.length === 0) return [];
  const { viewOf } = await import("../queue/schedule_view.ts");
  const [views, now] = [[] as ScheduleView[], call.context.now()];
  const warn = (message: string) => call.say(`queuectl: ${message}`);
  for (const entry of entries) views.push(await viewOf(entry, now, warn));
  return views;
}
