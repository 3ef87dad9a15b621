// Prints a job's output while it is written, byte for byte, through all of its attempts.
import { QueueError } from "../queue/errors.ts";
import { attemptsBegun, hasEnded, type Job } from "../queue/job.ts";
import { noAttempt, notRun } from "../queue/log_refusals.ts";
import type { LogReader } from "../queue/logs.ts";
import type { JobReader } from "../queue/store.ts";
import type { CommandContext } from "./command_context.ts";
import { rideOut } from "./ride_out.ts";

const CHUNK = 65_536;
const POLL = 100;

export interface Following {
  readonly jobs: JobReader;
  readonly log: LogPrinter;
  /** Follow this attempt alone. */
  readonly attempt?: number | undefined;
  /** Aborts when printing is to stop although the job goes on. */
  readonly stop?: AbortSignal;
}

/**
 * Prints until the job, or the one attempt that is followed, has ended.
 *
 * @returns the job as it was read last
 *
 * @throws QueueError `not_found` if the job is removed, or ends without the attempt that is
 *   followed
 */
export async function followLog(
  call: CommandContext,
  first: Job,
  { jobs, log, attempt: chosen, stop }: Following,
): Promise<Job> {
  let attempt = chosen ?? Math.max(1, attemptsBegun(first));
  const isOver = () => stop?.aborted === true;
  for (let job = first; !isOver();) {
    // The state is read before the log: once an attempt is known to have ended, its log is
    // complete.
    await rideOut(call, () => log.print(attempt), isOver);
    const begun = attemptsBegun(job);
    const running = job.status.state === "processing" ? begun : undefined;
    if (attempt <= begun && attempt !== running) {
      if (chosen !== undefined) return job;
      if (attempt < begun) {
        attempt += 1;
        call.say(`queuectl: attempt ${attempt}`);
        continue;
      }
    }
    if (hasEnded(job)) {
      if (attempt > begun) throw chosen === undefined ? notRun(job) : noAttempt(job, attempt);
      return job;
    }
    await call.context.sleep(POLL);
    const now = await rideOut(call, () => jobs.get(job.id), isOver);
    if (now === undefined) throw new QueueError("not_found", `Job "${job.id}" was removed`);
    job = now;
  }
  return first;
}

/** Prints the logs of one job's attempts, each time from where it stopped. */
export class LogPrinter {
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

  /**
   * Prints what was added since the last call.
   * @returns false if there is no such log
   */
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
