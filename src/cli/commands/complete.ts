// queuectl complete -- <word>...: proposals for the last word, a line each, with a tab and a
// description.
import type { JobState } from "../../queue/job.ts";
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
      return what === "schedules"
        ? await schedulesIn(call.context, dataDir)
        : await jobsIn(call.context, dataDir, what);
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
  if (context.files.info(dataDir) === undefined) return [];
  const store = await context.folder.openReader(dataDir);
  try {
    const jobs: Proposed[] = [];
    for await (const job of store.list({ limit: MOST_JOBS, ...(states && { states }) })) {
      jobs.push({
        word: job.id,
        about: oneLine(`${job.status.state}: ${job.command}`).slice(0, 60),
      });
    }
    return jobs;
  } finally {
    store.close();
  }
}
