// queuectl job logs: what attempts printed, byte by byte as they printed it.
import { QueueError } from "../../queue/errors.ts";
import { findJob } from "../../queue/find_job.ts";
import { attemptsBegun, type Job } from "../../queue/job.ts";
import type { LogReader } from "../../queue/logs.ts";
import type { JobReader } from "../../queue/store.ts";
import type { CommandContext } from "../command_context.ts";

const CHUNK = 65_536;
const POLL = 100;

/** Prints a log; with `--follow` until the attempt, or the job for good, has ended. */
export async function logsCommand(call: CommandContext): Promise<void> {
  const { flags, args } = call;
  const chosen = flags.number("attempt");
  await call.withReader(async (jobs, store) => {
    const job = await findJob(jobs, args[0]!);
    const last = attemptsBegun(job);
    const log = new LogPrinter(call, await store.logs(), job.id);
    if (flags.has("follow")) return await follow(call, jobs, log, job, chosen);
    if (last === 0) throw notYet(job);
    if (chosen !== undefined && chosen > last) throw noAttempt(job, chosen);
    const attempt = chosen ?? last;
    if (await log.print(attempt) || (attempt === last && job.status.state === "processing")) return;
    throw new QueueError("not_found", `There is no log of attempt ${attempt} of job "${job.id}"`);
  });
}

async function follow(
  call: CommandContext,
  jobs: JobReader,
  log: LogPrinter,
  first: Job,
  chosen: number | undefined,
): Promise<void> {
  let attempt = chosen ?? Math.max(1, attemptsBegun(first));
  for (let job = first;;) {
    // The state is read before the log: what an attempt printed is complete once it is known to
    // have ended.
    await log.print(attempt);
    const begun = attemptsBegun(job);
    const running = job.status.state === "processing" ? begun : undefined;
    if (attempt <= begun && attempt !== running) {
      if (chosen !== undefined) return;
      if (attempt < begun) {
        attempt += 1;
        call.say(`queuectl: attempt ${attempt}`);
        continue;
      }
    }
    if (isOver(job)) {
      if (attempt > begun) throw chosen === undefined ? notYet(job) : noAttempt(job, attempt);
      return;
    }
    await call.context.sleep(POLL);
    const now = await jobs.get(job.id);
    if (now === undefined) throw new QueueError("not_found", `Job "${job.id}" was removed`);
    job = now;
  }
}

// Prints the logs of one job's attempts, each from where it stopped.
class LogPrinter {
  readonly #call: CommandContext;
  readonly #logs: LogReader;
  readonly #id: string;
  #attempt = 0;
  #offset = 0;

  constructor(call: CommandContext, logs: LogReader, id: string) {
    this.#call = call;
    this.#logs = logs;
    this.#id = id;
  }

  /** Prints what is new. @returns false if there is no such log */
  async print(attempt: number): Promise<boolean> {
    if (attempt !== this.#attempt) [this.#attempt, this.#offset] = [attempt, 0];
    for (;;) {
      const bytes = await this.#logs.read(this.#id, attempt, this.#offset, CHUNK);
      if (bytes === undefined) return false;
      if (bytes.length === 0) return true;
      this.#call.context.stdout.write(bytes);
      this.#offset += bytes.length;
    }
  }
}

function isOver({ status: { state } }: Job): boolean {
  return state === "completed" || state === "dead" || state === "cancelled";
}

function notYet(job: Job): QueueError {
  const hint = isOver(job) ? {} : { hint: `Wait for it: queuectl job logs ${job.id} --follow` };
  return new QueueError("not_found", `Job "${job.id}" has not run`, hint);
}

function noAttempt(job: Job, attempt: number): QueueError {
  const begun = attemptsBegun(job);
  return new QueueError(
    "not_found",
    `Job "${job.id}" has had ${
      begun === 1 ? "1 attempt" : `${begun} attempts`
    }, no attempt ${attempt}`,
  );
}
