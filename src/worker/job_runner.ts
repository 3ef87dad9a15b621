// The steps of the loop in worker.ts: claims jobs, runs them, and records their ends.
import type { Executor, Run } from "../exec/run.ts";
import { messageOf, QueueError } from "../queue/errors.ts";
import { claimOf, type Job } from "../queue/job.ts";
import type { Ending } from "../queue/outcome.ts";
import type { Settings } from "../queue/settings.ts";
import type { JobStore } from "../queue/store.ts";
import { unclaimed } from "../queue/transitions.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";
import { delay } from "../system/delay.ts";
import type { FallibleSteps } from "./fallible_steps.ts";
import type { JobsAtHand } from "./jobs_at_hand.ts";
import { type OutputPlace, sendingOutput } from "./output.ts";
import type { Recorder } from "./recorder.ts";
import type { WorkerParts } from "./worker.ts";

/**
 * Milliseconds between looks for work without an event, and for the end of all work with `drain`.
 */
const SLOW_POLL = 1000;
const DRAIN_POLL = 50;
/** Milliseconds between looks whether another server keeps the store. */
const SERVER_LOOK = 1000;

export interface JobRunnerParts {
  readonly name: string;
  readonly pid: number;
  readonly hostname: string;
  readonly jobs: JobStore;
  readonly executor: Executor;
  readonly atHand: JobsAtHand;
  readonly recorder: Recorder;
  readonly steps: FallibleSteps;
  /** The queues that it takes jobs from; all if undefined. */
  readonly queues?: readonly string[] | undefined;
  /** Whether to stop when there is nothing left to do. */
  readonly drain: boolean;
  readonly now: () => number;
  readonly settings: () => Promise<Settings>;
  readonly report: (event: WorkerEvent) => void;
  readonly host: OutputPlace;
  readonly stopping: AbortSignal;
  /** Aborts when nothing is waited for any more. */
  readonly force: AbortController;
}

export class JobRunner implements WorkerParts {
  readonly name: string;
  readonly report: (event: WorkerEvent) => void;
  readonly #parts: JobRunnerParts;
  /**
   * Whether a job may be claimed without being run: since a claim has failed half-way, or since the
   * server has lost the end of one.
   */
  #mayHaveStrays = false;
  #server: string | undefined;
  #lookedAt = -Infinity;
  /** The lease under which the job was claimed, where there are any. */
  #epoch: string | undefined;

  constructor(parts: JobRunnerParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.report = parts.report;
  }

  async claim(): Promise<Job | undefined> {
    const { jobs, steps, pid, hostname, now, queues, stopping, host } = this.#parts;
    let job: Job | undefined;
    // Before the claim: the job may begin under this lease alone.
    this.#epoch = host.epoch?.();
    if (host.epoch !== undefined && this.#epoch === undefined) return undefined;
    this.#noticeServer();
    if (this.#mayHaveStrays) await steps.attempt("give jobs back", () => this.#giveStraysBack());
    const isFine = await steps.attempt("take a job", async () => {
      job = await jobs.claim({ worker: this.name, pid, host: hostname }, now(), queues);
    });
    if (!isFine) {
      this.#mayHaveStrays = true;
      await delay(SLOW_POLL, stopping);
    }
    return job;
  }

  async execute(job: Job): Promise<Ending> {
    const { executor, atHand, settings, host, force } = this.#parts;
    const run = { ...runOf(job, this.name, await settings(), host.log), epoch: this.#epoch };
    return await sendingOutput(
      host,
      run,
      force.signal,
      (run) => atHand.follow(job.id, (stop) => executor.run(run, stop)),
      { isNew: true },
    );
  }

  record(job: Job, ending: Ending): Promise<Job | undefined> {
    return this.#parts.recorder.record(job, ending);
  }

  /**
   * Gives a job back for which no shell could be started: too many processes or open files, or a
   * full disk.
   */
  async giveBack(job: Job, error: unknown): Promise<void> {
    const { jobs, stopping, report } = this.#parts;
    const why = messageOf(error);
    report({
      kind: "warning",
      message: `Cannot run job "${job.id}" now, trying again later: ${why}`,
    });
    try {
      await jobs.change(job.id, unclaimed, claimOf(job));
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      report({ kind: "warning", message: `Cannot give job "${job.id}" back: ${error.message}` });
    }
    if (!stopping.aborted) await delay(SLOW_POLL);
  }

  async drained(): Promise<boolean> {
    const { drain, jobs, queues, steps } = this.#parts;
    let hasWork = true;
    if (drain) {
      await steps.attempt("look for work", async () => void (hasWork = await jobs.hasWork(queues)));
    }
    return !hasWork;
  }

  async wait(): Promise<void> {
    const { jobs, steps, drain, stopping, now } = this.#parts;
    const longest = drain ? DRAIN_POLL : SLOW_POLL;
    const isFine = await steps.attempt("wait for work", async () => {
      const due = await jobs.nextDue();
      const timeout = due === undefined ? longest : Math.min(Math.max(due - now(), 0), longest);
      await jobs.waitForChange(timeout, stopping);
    });
    if (!isFine) await delay(SLOW_POLL, stopping);
  }

  /** Another server, or one that was started anew, may have lost what was recorded last. */
  #noticeServer(): void {
    const { host } = this.#parts;
    if (host.server === undefined || performance.now() - this.#lookedAt < SERVER_LOOK) return;
    this.#lookedAt = performance.now();
    const before = this.#server;
    this.#server = host.server() ?? before;
    if (before !== undefined && before !== this.#server) this.#mayHaveStrays = true;
  }

  /** Gives back jobs that are claimed and do not run. */
  async #giveStraysBack(): Promise<void> {
    const { jobs, atHand } = this.#parts;
    for (const job of await jobs.claimedBy(this.name)) {
      if (!atHand.has(job.id)) await jobs.change(job.id, unclaimed, claimOf(job));
    }
    this.#mayHaveStrays = false;
  }
}

/**
 * The input of an executor for the attempt that `worker` has claimed. If the job's own environment
 * names a data folder, the worker's store must not override it.
 */
export function runOf(
  job: Job,
  worker: string,
  { kill_grace, log_max }: Pick<Settings, "kill_grace" | "log_max">,
  log: (id: string, attempt: number) => string,
): Run {
  const running = job.status.state === "processing" ? job.status.running : undefined;
  const attempt = running?.attempt ?? 0;
  return {
    id: job.id,
    attempt,
    command: job.command,
    cwd: job.cwd,
    env: "QUEUECTL_DATA_DIR" in job.env ? { QUEUECTL_STORE: "", ...job.env } : job.env,
    timeout: job.timeout,
    killGrace: kill_grace,
    log: log(job.id, attempt),
    logMax: log_max,
    worker,
    startedAt: running?.startedAt ?? 0,
  };
}
