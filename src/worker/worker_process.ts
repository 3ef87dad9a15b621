// A worker process: takes a name, settles the jobs that a dead worker of that name has left, and
// then works. Meanwhile it looks after dead workers (caretaker.ts) and listens for requests. It
// ends when asked to, when nothing is left to do with `drain`, or when its supervisor is gone.
import { adopt, mustSee } from "../exec/adopt.ts";
import { guardJournal } from "../exec/guard.ts";
import { aliveOf, pipeOf } from "../exec/journal.ts";
import { openExecutor } from "../exec/open_executor.ts";
import type { Job } from "../queue/job.ts";
import type { Requests } from "../queue/requests.ts";
import type { Settings } from "../queue/settings.ts";
import type { JobStore } from "../queue/store.ts";
import type { Tallies } from "../queue/tally.ts";
import type { WorkerLock, Workers } from "../queue/workers.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";
import { delay } from "../system/delay.ts";
import type { FileSystem } from "../system/file_system.ts";
import { Caretaker } from "./caretaker.ts";
import { FallibleSteps } from "./fallible_steps.ts";
import { JobRunner, runOf } from "./job_runner.ts";
import { JobsAtHand } from "./jobs_at_hand.ts";
import { type OutputPlace, sendingOutput } from "./output.ts";
import { onceReachable } from "./once_reachable.ts";
import { Recorder } from "./recorder.ts";
import { rescue } from "./rescue.ts";
import { TallyKeeper } from "./tally_keeper.ts";
import { work } from "./worker.ts";

/**
 * Milliseconds between looks whether the last jobs have ended, and between tries to settle a job.
 */
const STOPPING_POLL = 50;
const TRY_AGAIN = 1000;

/** What belongs to this host: see `Host` of the stores. */
export interface WorkerHost extends OutputPlace {
  readonly deadline?: string;
  journal(worker: string): string;
  settleOutput?(): Promise<void>;
}

export interface WorkerOptions {
  readonly jobs: JobStore;
  readonly workers: Workers;
  readonly requests: Requests;
  readonly host: WorkerHost;
  readonly tallies: Tallies;
  readonly files: FileSystem;
  /** The name of the store, for jobs: a path, or a URL without a password. */
  readonly store: string;
  /** The wanted name; `worker-N` if undefined. */
  readonly wanted: string | undefined;
  /** The queues that it takes jobs from; all if undefined. */
  readonly queues?: readonly string[] | undefined;
  readonly drain: boolean;
  readonly pid: number;
  readonly hostname: string;
  readonly now: () => number;
  /** The configuration as it is now. */
  readonly settings: () => Promise<Settings>;
  readonly report: (event: WorkerEvent) => void;
  /** Aborts when no more jobs are to be taken. */
  readonly stopping: AbortController;
  /** Aborts when running jobs are to be killed and given back. */
  readonly force: AbortController;
}

/** Runs a worker until it ends. @returns whether it ended since another has its name */
export async function runWorker(options: WorkerOptions): Promise<boolean> {
  const { workers, wanted, stopping } = options;
  const lock = await onceReachable(() => workers.join(wanted), stopping.signal);
  if (lock === undefined) return false;
  const worker = new WorkerProcess(options, lock);
  await worker.run();
  return worker.isReplaced;
}

class WorkerProcess {
  readonly #options: WorkerOptions;
  #lock: WorkerLock;
  readonly #atHand = new JobsAtHand();
  readonly #steps: FallibleSteps;
  readonly #recorder: Recorder;
  readonly #tally: TallyKeeper;
  readonly #caretaker: Caretaker;
  /** Whether another process has taken this worker's name. */
  isReplaced = false;

  constructor(options: WorkerOptions, lock: WorkerLock) {
    this.#options = options;
    this.#lock = lock;
    this.#steps = new FallibleSteps(options.report);
    this.#tally = new TallyKeeper({
      tallies: options.tallies,
      name: () => this.isReplaced ? undefined : this.#lock.name,
    });
    this.#recorder = new Recorder({
      ...options,
      count: (job, after) => this.#tally.count(job, after),
      atHand: this.#atHand,
      force: options.force.signal,
    });
    this.#caretaker = new Caretaker({
      ...options,
      steps: this.#steps,
      stopping: options.stopping.signal,
      lock: () => this.#lock,
      runs: (id) => this.#atHand.has(id),
      rescue: (name) => this.#rescue(name),
      clear: (lock) => this.#clear(lock),
      onReplaced: () => {
        this.isReplaced = true;
        options.stopping.abort();
      },
    });
  }

  async run(): Promise<void> {
    const { stopping, force, report } = this.#options;
    await this.#announce();
    force.signal.addEventListener("abort", () => this.#atHand.release());
    const listening = this.#listen();
    try {
      await this.#caretaker.start();
      if (await this.#settleNamesakes()) await this.#work();
      // Adopted jobs are killed and given back like the worker's own. Otherwise another worker
      // takes them over.
      if (force.signal.aborted) await this.#caretaker.settled();
    } finally {
      this.#caretaker.stop();
      stopping.abort();
      await listening;
      await this.#tally.flush();
      if (this.isReplaced) await this.#lock.abandon();
      else await this.#clear(this.#lock);
      report({ kind: "worker_stopped", worker: this.#lock.name });
    }
  }

  async #work(): Promise<void> {
    const { host, files, store, stopping } = this.#options;
    const { name } = this.#lock;
    const executor = await openExecutor({
      journal: host.journal(name),
      files,
      // So that an `enqueue` within a job reaches the same queue.
      variables: { QUEUECTL_STORE: store },
      deadline: host.deadline,
    });
    const runner = new JobRunner({
      ...this.#options,
      name,
      executor,
      atHand: this.#atHand,
      recorder: this.#recorder,
      steps: this.#steps,
      stopping: stopping.signal,
    });
    // Before the first claim: a rate counts the claim, and the command is to follow at once. What
    // goes wrong here goes wrong again at the first job, and is told then.
    await executor.ready().catch(() => {});
    try {
      await work(runner, stopping.signal);
    } finally {
      stopping.abort();
      await executor.close();
    }
  }

  async #announce(): Promise<void> {
    const { pid, hostname, now, report } = this.#options;
    const who = { pid, host: hostname, startedAt: now() };
    // If it has to stop before the store is there, nobody needs to know who it was.
    await onceReachable(() => this.#lock.announce(who), this.#options.stopping.signal);
    report({ kind: "worker_started", worker: this.#lock.name });
  }

  /**
   * Settles the jobs that a dead worker of this name has left. If that is not possible, another
   * name is taken, since this worker's shell must not overwrite the journal then.
   * @returns false if it has to stop before
   */
  async #settleNamesakes(): Promise<boolean> {
    const { workers, wanted, stopping } = this.#options;
    const avoid = new Set<string>();
    for (;;) {
      const { name } = this.#lock;
      let isSettled = false;
      const rescue = async () => {
        await this.#rescue(name);
        isSettled = true;
      };
      const isFine = await this.#steps.attempt(
        `take over from ${name} yet`,
        () => onceReachable(rescue, stopping.signal),
      );
      if (isFine) return isSettled;
      avoid.add(name);
      const lock = await onceReachable(() => workers.join(wanted, avoid), stopping.signal);
      if (lock === undefined) return false;
      await this.#lock.abandon();
      this.#lock = lock;
      await this.#announce();
    }
  }

  /** @throws UnseenError if a job of that worker may still run where it can't be seen from here */
  async #rescue(from: string): Promise<void> {
    const { jobs, host, settings, stopping, force, files, report } = this.#options;
    const journal = host.journal(from);
    if ((await jobs.claimedBy(from)).length > 0) await mustSee(journal);
    const { deadline } = host;
    if (deadline !== undefined) guardJournal(files, { journal, deadline });
    const adoptOne = async (job: Job) => {
      const run = runOf(job, from, await settings(), host.log);
      return await sendingOutput(
        host,
        run,
        force.signal,
        () => this.#atHand.follow(job.id, (stop) => adopt(journal, run, stop)),
      );
    };
    await rescue(from, {
      name: this.#lock.name,
      jobs,
      adopt: adoptOne,
      record: (job, ending) => this.#recorder.record(job, ending),
      again: async () => {
        await delay(TRY_AGAIN, stopping.signal);
        return !stopping.signal.aborted;
      },
      report,
    });
    // It may have died after an end was on record, and before the output's file was gone. That can
    // wait for the next start.
    await host.settleOutput?.().catch(() => {});
  }

  /**
   * Removes the files of a worker. If it still holds a job, because the disk is full for example,
   * everything stays: the journal has the end of that job, and the next worker reads it.
   */
  async #clear(lock: WorkerLock): Promise<void> {
    const { jobs, host, files } = this.#options;
    const held = await jobs.claimedBy(lock.name).catch(() => undefined);
    if (held?.length !== 0) return await lock.abandon();
    const journal = host.journal(lock.name);
    for (const path of [journal, pipeOf(journal), aliveOf(journal)]) {
      if (files.info(path) !== undefined) files.remove(path);
    }
    await lock.leave();
  }

  async #listen(): Promise<void> {
    const { requests, stopping } = this.#options;
    while (!stopping.signal.aborted || this.#atHand.count > 0) {
      await this.#steps.attempt("listen to requests", () => this.#obey());
      // While stopping, only running jobs are waited for, so their end is looked for more often.
      if (stopping.signal.aborted) await requests.wait(STOPPING_POLL);
      else await requests.wait(undefined, stopping.signal);
    }
  }

  async #obey(): Promise<void> {
    const { requests, stopping, force } = this.#options;
    const kind = await requests.stopRequested(this.#lock.name);
    if (kind !== undefined && !stopping.signal.aborted) stopping.abort();
    if (kind === "force" && !force.signal.aborted) force.abort();
    for (const id of await requests.cancelRequests()) this.#atHand.cancel(id);
  }
}
