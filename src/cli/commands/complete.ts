// queuectl complete -- <word>...: prints proposals for the last word, one a line, each with a tab
// and a description.
import type { Job, JobState } from "../../queue/job.ts";
import { oneLine } from "../../view/escape.ts";
import type { CommandContext } from "../command_context.ts";
import type { Store } from "../../stores/store.ts";
import { proposals, type Proposed } from "../grammar/proposals.ts";
import type { CommandSpec } from "../grammar/spec.ts";
import { storeFlagsIn, storeLocation } from "../store_location.ts";

const MOST_JOBS = 200;

/**
 * Prints proposals. If the store can't be read it proposes no jobs and reports no error, since this
 * runs while a person types.
 */
export async function completeCommand(
  call: CommandContext,
  commands: readonly CommandSpec[],
): Promise<void> {
  const words = call.args;
  const typed = storeFlagsIn(words);
  const flags = { text: (name: string) => typed.text(name) ?? call.flags.text(name) };
  const lines = await proposals(commands, words, async (what) => {
    try {
      // Not prepared, since completing a word must not make a folder.
      const store = call.context.openStore(storeLocation(call.context, flags));
      if (store.dataDir !== null && call.context.files.info(store.dataDir) === undefined) return [];
      if (what === "schedules") return await schedulesIn(store);
      if (what === "queues") return await queuesIn(store);
      if (what === "groups") return await namesIn(store, (job) => job.group);
      return await jobsIn(store, what);
    } catch {
      return [];
    }
  });
  call.print(lines.map(({ word, about }) => `${word}\t${about}\n`).join(""));
}

async function schedulesIn(store: Store): Promise<Proposed[]> {
  const all = await (await store.openSchedules()).list();
  return all.map(({ schedule }) => ({
    word: schedule.name,
    about: oneLine(schedule.job.command).slice(0, 60),
  }));
}

/** All queues, and those of the newest jobs that have ended. */
async function queuesIn(store: Store): Promise<Proposed[]> {
  const found = await namesIn(store, (job) => job.queue);
  const about = new Map(found.map(({ word }) => [word, ""]));
  for (const { name, waiting, paused } of await (await store.queues()).list()) {
    about.set(name, `${waiting} waiting${paused ? ", paused" : ""}`);
  }
  return [...about].sort().map(([word, about]) => ({ word, about }));
}

async function jobsIn(
  store: Store,
  states: readonly JobState[] | undefined,
): Promise<Proposed[]> {
  return (await newest(store, states)).map((job) => ({
    word: job.id,
    about: oneLine(`${job.status.state}: ${job.command}`).slice(0, 60),
  }));
}

/** The names of queues or groups that the newest jobs have. */
async function namesIn(store: Store, nameOf: (job: Job) => string | null): Promise<Proposed[]> {
  const names = new Set((await newest(store, undefined)).map(nameOf));
  return [...names].filter((name) => name !== null).sort().map((word) => ({ word, about: "" }));
}

async function newest(store: Store, states: readonly JobState[] | undefined): Promise<Job[]> {
  const reader = await store.openReader();
  try {
    return await Array.fromAsync(reader.list({ limit: MOST_JOBS, ...(states && { states }) }));
  } finally {
    await reader.close();
  }
}
