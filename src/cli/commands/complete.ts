// queuectl complete -- <word>...: proposals for the last word, a line each, with a tab and a
// description.
import type { Job, JobState } from "../../queue/job.ts";
import { oneLine } from "../../view/escape.ts";
import type { CommandContext } from "../command_context.ts";
import type { Context } from "../context.ts";
import { dataDirectory } from "../data_dir.ts";
import { proposals, type Proposed } from "../proposals.ts";

const MOST_JOBS = 200;

/**
 * Prints proposals; no jobs, and no error, if they can't be read: this runs while a person types.
 */
export async function completeCommand(call: CommandContext): Promise<void> {
  const words = call.args;
  const at = words.indexOf("--data-dir");
  const chosen = at === -1 ? call.flags.text("data-dir") : words[at + 1];
  const lines = await proposals(words, async (what) => {
    try {
      const dataDir = dataDirectory(call.context, chosen);
      if (what === "schedules") return await schedulesIn(call.context, dataDir);
      if (what === "queues") return await namesIn(call.context, dataDir, (job) => job.queue);
      if (what === "groups") return await namesIn(call.context, dataDir, (job) => job.group);
      return await jobsIn(call.context, dataDir, what);
    } catch {
      return [];
    }
  });
  call.print(lines.map(({ word, about }) => `${word}\t${about}\n`).join(""));
}

async function schedulesIn(context: Context, dataDir: string): Promise<Proposed[]> {
  const all = await (await context.folder.openSchedules(dataDir)).list();
  return all.map(({ schedule }) => ({
    word: schedule.name,
    about: oneLine(schedule.job.command).slice(0, 60),
  }));
}

async function jobsIn(
  context: Context,
  dataDir: string,
  states: readonly JobState[] | undefined,
): Promise<Proposed[]> {
  return (await newest(context, dataDir, states)).map((job) => ({
    word: job.id,
    about: oneLine(`${job.status.state}: ${job.command}`).slice(0, 60),
  }));
}

/** The names that the newest jobs carry. */
async function namesIn(
  context: Context,
  dataDir: string,
  nameOf: (job: Job) => string | null,
): Promise<Proposed[]> {
  const names = new Set((await newest(context, dataDir, undefined)).map(nameOf));
  return [...names].filter((name) => name !== null).sort().map((word) => ({ word, about: "" }));
}

async function newest(
  context: Context,
  dataDir: string,
  states: readonly JobState[] | undefined,
): Promise<Job[]> {
  if (context.files.info(dataDir) === undefined) return [];
  const store = await context.folder.openReader(dataDir);
  try {
    return await Array.fromAsync(store.list({ limit: MOST_JOBS, ...(states && { states }) }));
  } finally {
    store.close();
  }
}
