// queuectl job show and queuectl job history.
import { fateOf, stillAwaitedBy } from "../../queue/dependencies.ts";
import { findJob } from "../../queue/find_job.ts";
import { attemptsBegun, type Job } from "../../queue/job.ts";
import type { LogReader } from "../../queue/logs.ts";
import { isOrphaned } from "../../queue/status.ts";
import type { JobReader } from "../../queue/store.ts";
import { attemptTable, jobPage, lastLines, type Output } from "../../view/job_page.ts";
import type { CommandContext } from "../command_context.ts";
import { tableStyle } from "../tables.ts";

const LINES = 10;
/** Bytes at the end of a log in which its last lines are looked for. */
const TAIL = 16_384;

/** Shows everything about one job. */
export async function showCommand(call: CommandContext): Promise<void> {
  const { context, flags, args } = call;
  await call.withReader(async (jobs, store) => {
    const job = await findJob(jobs, args[0]!);
    const verbose = flags.has("verbose");
    if (flags.has("json")) {
      const { shownJob } = await import("../../view/json.ts");
      return call.printJson(shownJob(job, verbose));
    }
    const output = await lastOutput(await store.logs(), job);
    const orphaned = await isOrphaned(await store.workers(), job);
    const awaited = await fatesOf(jobs, job);
    const options = { now: context.now(), verbose, orphaned, awaited, output };
    call.print(await jobPage(job, options, tableStyle(context)));
  });
}

/** The jobs that a job waits for, with their states. */
async function fatesOf(jobs: JobReader, job: Job) {
  const awaited = [];
  for (const one of stillAwaitedBy(job)) {
    awaited.push({ ...one, fate: fateOf(await jobs.get(one.id)) });
  }
  return awaited;
}

/** Shows the attempts of one job. */
export async function historyCommand(call: CommandContext): Promise<void> {
  const { context, flags, args } = call;
  await call.withReader(async (store) => {
    const job = await findJob(store, args[0]!);
    if (flags.has("json")) {
      const { historyToJson } = await import("../../queue/job_json.ts");
      return call.printJson(historyToJson(job));
    }
    if (attemptsBegun(job) === 0) return call.say(`Job "${job.id}" has not run yet`);
    const options = { now: context.now(), verbose: flags.has("verbose") };
    call.print(await attemptTable(job, options, tableStyle(context)));
  });
}

async function lastOutput(logs: LogReader, job: Job): Promise<Output | undefined> {
  const attempt = attemptsBegun(job);
  if (attempt === 0) return undefined;
  const size = await logs.size(job.id, attempt);
  if (size === undefined) return undefined;
  const from = Math.max(0, size - TAIL);
  let text = new TextDecoder().decode(await logs.read(job.id, attempt, from, TAIL));
  if (from > 0) text = text.slice(text.indexOf("\n") + 1);
  const lines = lastLines(text, LINES);
  return { attempt, lines, whole: from === 0 && lastLines(text, LINES + 1).length <= LINES };
}
