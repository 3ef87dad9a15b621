// queuectl enqueue --follow: prints a job's output and ends with its exit code, as if it ran here.
import { isUnavailable, QueueError } from "../../queue/errors.ts";
import { hasEnded, type Job } from "../../queue/job.ts";
import type { Enqueued } from "../../queue/enqueue_related.ts";
import type { CommandContext } from "../command_context.ts";
import { followLog, LogPrinter } from "../follow_log.ts";

/** The exit code that `timeout` of coreutils uses too. */
const TIMED_OUT = 124;
/** The exit code of a shell for a command that Ctrl-C has ended. */
const INTERRUPTED = 130;

/**
 * Enqueues a job and prints its output until it has ended.
 *
 * @param enqueue adds the job to the queue
 *
 * @returns the exit code of its last attempt
 */
export async function enqueueAndFollow(
  call: CommandContext,
  enqueue: () => Promise<Enqueued>,
): Promise<number> {
  const stop = new AbortController();
  // Before the job exists: Ctrl-C must not end this process when the job is there but its id was
  // not printed.
  const interrupts = call.context.onInterrupt(() => stop.abort());
  try {
    const { job, remark } = await enqueue();
    call.say(job.id);
    if (remark !== undefined) call.say(`queuectl: ${remark}`);
    const end = await follow(call, job, stop.signal);
    if (hasEnded(end)) return exitCode(call, end);
    call.say(
      `queuectl: stopped following, but job "${job.id}" goes on: ` +
        `queuectl job logs ${job.id} --follow`,
    );
    return INTERRUPTED;
  } finally {
    interrupts.release();
  }
}

async function follow(call: CommandContext, job: Job, stop: AbortSignal): Promise<Job> {
  return await call.withReader(async (jobs, store) => {
    // It may have been cancelled at once, or be another one, that has its key.
    const current = await jobs.get(job.id) ?? job;
    if (!hasEnded(current) && (await (await store.workers()).live()).length === 0) {
      call.say("queuectl: no worker is alive; the job runs as soon as one is (queuectl start)");
    }
    const log = new LogPrinter(call, await store.logs(), job.id);
    try {
      return await followLog(call, job, { jobs, log, stop });
    } catch (error) {
      if (stop.aborted && isUnavailable(error)) return job;
      // It was cancelled before it ran, so there is no log.
      const now = error instanceof QueueError ? await jobs.get(job.id) : undefined;
      if (now?.status.state === "cancelled") return now;
      throw error;
    }
  });
}

function exitCode(call: CommandContext, { id, status, history }: Job): number {
  if (status.state === "completed") return 0;
  if (status.state === "cancelled") {
    call.say(`queuectl: job "${id}" was cancelled${status.reason ? `: ${status.reason}` : ""}`);
    return 1;
  }
  const last = history.at(-1);
  if (last?.outcome === "timed_out" || last?.exitCode === null) {
    call.say(`queuectl: job "${id}" died: ${last.error}`);
  }
  return last?.outcome === "timed_out" ? TIMED_OUT : last?.exitCode || 1;
}
