// queuectl job logs: prints the output of attempts, byte for byte.
import { findJob } from "../../queue/find_job.ts";
import { attemptsBegun } from "../../queue/job.ts";
import { noAttempt, noLog, notRun } from "../../queue/log_refusals.ts";
import type { CommandContext } from "../command_context.ts";
import { followLog, LogPrinter } from "../follow_log.ts";

/** Prints a log. With `--follow` it goes on until the attempt or the job has ended. */
export async function logsCommand(call: CommandContext): Promise<void> {
  const { flags, args } = call;
  const chosen = flags.number("attempt");
  await call.withReader(async (jobs, store) => {
    const job = await findJob(jobs, args[0]!);
    const last = attemptsBegun(job);
    const log = new LogPrinter(call, await store.logs(), job.id);
    if (flags.has("follow")) {
      await followLog(call, job, { jobs, log, attempt: chosen });
      return;
    }
    if (last === 0) throw notRun(job);
    if (chosen !== undefined && chosen > last) throw noAttempt(job, chosen);
    const attempt = chosen ?? last;
    if (await log.print(attempt) || (attempt === last && job.status.state === "processing")) return;
    throw noLog(job, attempt);
  });
}
