// A worker as a process: takes a name among the living, follows what its dead namesake left to the
// end, then works; meanwhile it looks after those that died and listens to requests. It ends when
// asked to, when drained, or when its supervisor is gone.
import { adopt, mustSee } from "../exec/adopt.ts";
import { aliveOf, pipeOf } from "../exec/journal.ts";
import { openExecutor } from "../exec/open_executor.ts";
import type { StopReason } from "../exec/run.ts";
import { QueueError } from "../queue/errors.ts";
import { isJobId, type Job } from "../queue/job.ts";
import type { Ending } from "../queue/outcome.ts";
import type { Settings } from "../queue/settings.ts";
import type { JobStore } from "../queue/store.ts";
import { ended, unclaimed } from "../queue/transitions.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";
import type { FileSystem } from "../system/file_system.ts";
import { Watch } from "../system/watch.ts";
import { cancelRequests, clearCancel, clearStop, stopRequest } from "./control.ts";
import { isAlive, knownNames, WorkerLock } from "./worker_lock.ts";
import { rescue } from "./rescue.ts";
import { work } from "./worker.ts";

/** Milliseconds between signs of life, and between looks for those that died. */
const LOOK_AROUND = 1500;
/** Milliseconds between looks for work where no event came, and for the end of all work. */
const SLOW_POLL = 1000;
const DRAIN_POLL = 50;

export interface WorkerOptions {
  readonly files: FileSystem;
  readonly dataDir: string;
  readonly store: JobStore;
  /** The name it would like; `worker-N` if undefined. */
  readonly wanted: string | undefined;
  readonly drain: boolean;
  readonly pid: number;
  readonly host: string;
  readonly now: () => number;
  /** The configuration as it is now. */
  readonly settings: () => Settings;
  readonly report: (event: WorkerEvent) => void;
  readonly paths: { journal(worker: string): string; log(id: string, attempt: number): string };
  /** Aborts when no new job is to be taken. */
  readonly stopping: AbortController;
  /** Aborts when running jobs are to be killed and handed back. */
  readonly force: AbortController;
}

/** Runs a worker until it ends. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const worker = new WorkerProcess(options);
  await worker.run();
}

class WorkerProcess {
  readonly #options: WorkerOptions;
  readonly #presence: WorkerLock;
  /** The jobs in this worker's hands, adopted ones included, each with what stops it. */
  readonly #running = new Map<string, AbortController>();
  /** Jobs that somebody asked to cancel, and that this worker has told to end. */
  readonly #cancelling = new Set<string>();
  readonly #rescues = new Map<string, Promise<void>>();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#presence = WorkerLock.join(options.files, options.dataDir, options.wanted);
  }

  async run(): Promise<void> {
    const { files, dataDir, store, stopping, force, pid, host, now, report, paths } = this.#options;
    const { name } = this.#presence;
    this.#presence.announce({ pid, host, startedAt: now() });
    report({ kind: "worker_started", worker: name });
    clearStop(files, dataDir, name);
    force.signal.addEventListener("abort", () => {
      for (const running of this.#running.values()) running.abort("released" satisfies StopReason);
    });
    const control = new Watch([`${dataDir}/control`], () => {});
    const listening = this.#listen(control, name);
    await this.#lookAround();
    const timer = setInterval(() => this.#lookAround(), LOOK_AROUND);
    await this.#rescue(name);
    const executor = await openExecutor({ journal: paths.journal(name), files });
    try {
      await work({
        name,
        claim: () => this.#claim(),
        execute: (job) => this.#follow(job, (stop) => executor.run(this.#runOf(job, name), stop)),
        record: (job, ending) => this.#record(job, ending, name),
        giveBack: (job, error) => this.#giveBack(job, error),
        drained: async () => this.#options.drain && !await store.hasWork(),
        wait: () => this.#wait(),
        report,
      }, stopping.signal);
      // Killed and handed back with this worker's own; else the next to look takes them over.
      if (force.signal.aborted) await Promise.all(this.#rescues.values());
    } finally {
      clearInterval(timer);
      stopping.abort();
      control.close();
      await listening;
      await executor.close();
      this.#clear(name, this.#presence);
      report({ kind: "worker_stopped", worker: name });
    }
  }

  async #claim(): Promise<Job | undefined> {
    const { store, pid, now } = this.#options;
    return await store.claim({ worker: this.#presence.name, pid }, now());
  }

  async #wait(): Promise<void> {
    const { store, drain, stopping, now } = this.#options;
    const due = await store.nextDue();
    const longest = drain ? DRAIN_POLL : SLOW_POLL;
    const timeout = due === undefined ? longest : Math.min(Math.max(due - now(), 0), longest);
    await store.waitForChange(timeout, stopping.signal);
  }

  /** Runs or adopts a job, such that requests reach it meanwhile. */
  async #follow<T>(job: Job, action: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    this.#running.set(job.id, stop);
    if (this.#options.force.signal.aborted) stop.abort("released" satisfies StopReason);
    try {
      return await action(stop.signal);
    } finally {
      this.#running.delete(job.id);
    }
  }

  /**
   * Writes down how an attempt ended, however long the disk may be full: nothing else may be done
   * with the job before.
   * @returns undefined if that can't be: the job's file is damaged, or somebody removed it
   */
  async #record(job: Job, ending: Ending, holder: string): Promise<Job | undefined> {
    const { files, dataDir, store, now, settings, force, report } = this.#options;
    for (let reported = false;;) {
      try {
        const after = await store.change(job.id, (running) => {
          const { backoff_base: base, backoff_max: max } = settings();
          return ended(running, ending, { base, max }, now());
        }, holder);
        if (this.#cancelling.delete(job.id)) clearCancel(files, dataDir, job.id);
        return after;
      } catch (error) {
        // The shell's journal has the exit code too: whoever comes after this worker settles the
        // job from it.
        if (!(error instanceof Error) || force.signal.aborted) throw error;
        if (error instanceof QueueError) {
          // What failed before may have come after the writing: then it is on record.
          const after = reported ? await store.get(job.id).catch(() => undefined) : undefined;
          if (after !== undefined && isRecorded(after, job)) return after;
          report({
            kind: "warning",
            message: `Cannot record the end of job "${job.id}": ${error.message}`,
          });
          return undefined;
        }
        if (!reported) {
          const message =
            `Cannot record the end of job "${job.id}", trying until it works: ${error.message}`;
          report({ kind: "warning", message });
        }
        reported = true;
        await new Promise((resolve) => setTimeout(resolve, SLOW_POLL));
      }
    }
  }

  /** No shell could be started for it: too many processes or files, a full disk. */
  async #giveBack(job: Job, error: unknown): Promise<void> {
    const { store, stopping, report } = this.#options;
    const why = error instanceof Error ? error.message : String(error);
    report({
      kind: "warning",
      message: `Cannot run job "${job.id}" now, trying again later: ${why}`,
    });
    try {
      await store.change(job.id, unclaimed, this.#presence.name);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      report({ kind: "warning", message: `Cannot give job "${job.id}" back: ${error.message}` });
    }
    if (!stopping.signal.aborted) await new Promise((resolve) => setTimeout(resolve, SLOW_POLL));
  }

  #runOf(job: Job, worker: string) {
    const { kill_grace, log_max } = this.#options.settings();
    const running = job.status.state === "processing" ? job.status.running : undefined;
    const attempt = running?.attempt ?? 0;
    return {
      id: job.id,
      attempt,
      command: job.command,
      cwd: job.cwd,
      env: job.env,
      timeout: job.timeout,
      killGrace: kill_grace,
      log: this.#options.paths.log(job.id, attempt),
      logMax: log_max,
      worker,
      startedAt: running?.startedAt ?? 0,
    };
  }

  /** @throws UnseenError if a job of that one may go on where it can't be seen from here */
  async #rescue(from: string): Promise<void> {
    const { store, paths } = this.#options;
    if ((await store.claimedBy(from)).length > 0) await mustSee(paths.journal(from));
    await rescue(from, this.#rescueParts());
  }

  #rescueParts() {
    const { store, report, paths } = this.#options;
    return {
      name: this.#presence.name,
      store,
      adopt: (job: Job, from: string) =>
        this.#follow(job, (stop) => adopt(paths.journal(from), this.#runOf(job, from), stop)),
      record: (job: Job, ending: Ending, holder: string) => this.#record(job, ending, holder),
      report,
    };
  }

  /** Gives a sign of life, and takes care of those that no longer do. */
  async #lookAround(): Promise<void> {
    const { files, dataDir, store, report } = this.#options;
    try {
      this.#presence.heartbeat();
      await store.recover();
      await this.#clearMootCancels();
      for (const name of knownNames(files, dataDir)) {
        if (
          name === this.#presence.name || this.#rescues.has(name) || isAlive(files, dataDir, name)
        ) {
          continue;
        }
        const place = WorkerLock.takeOver(files, dataDir, name);
        if (place === undefined) continue;
        const done = this.#rescue(name)
          .then(() => this.#clear(name, place))
          .catch((error) => {
            place.abandon();
            report({
              kind: "warning",
              message: `Cannot take over from ${name} yet: ${error.message}`,
            });
          })
          .finally(() => this.#rescues.delete(name));
        this.#rescues.set(name, done);
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      report({ kind: "warning", message: `Cannot look after the data folder: ${message}` });
    }
  }

  /** A request that came too late, and whose maker is gone, must not hit the next attempt. */
  async #clearMootCancels(): Promise<void> {
    const { files, dataDir, store } = this.#options;
    for (const id of cancelRequests(files, dataDir)) {
      if (this.#running.has(id) || !isJobId(id)) continue;
      if ((await store.get(id))?.status.state !== "processing") clearCancel(files, dataDir, id);
    }
  }

  /** Removes what a worker that is settled leaves. */
  #clear(name: string, place: WorkerLock): void {
    const { files, dataDir, paths } = this.#options;
    const journal = paths.journal(name);
    for (
      const path of [journal, pipeOf(journal), aliveOf(journal), `${dataDir}/queue/running/${name}`]
    ) {
      if (files.info(path) !== undefined) files.remove(path);
    }
    clearStop(files, dataDir, name);
    place.leave();
  }

  async #listen(control: Watch, name: string): Promise<void> {
    const { files, dataDir, stopping, force } = this.#options;
    while (!stopping.signal.aborted || this.#running.size > 0) {
      const kind = stopRequest(files, dataDir, name);
      if (kind !== undefined && !stopping.signal.aborted) stopping.abort();
      if (kind === "force" && !force.signal.aborted) force.abort();
      for (const id of cancelRequests(files, dataDir)) {
        const running = this.#running.get(id);
        if (running === undefined || running.signal.aborted) continue;
        this.#cancelling.add(id);
        running.abort("cancelled" satisfies StopReason);
      }
      // Once stopping, only the jobs that still run are waited for, so look more often whether they
      // do.
      await control.next(
        stopping.signal.aborted ? DRAIN_POLL : undefined,
        stopping.signal.aborted ? undefined : stopping.signal,
      );
    }
  }
}

/** Whether the attempt that `running` is at has ended in `after`. */
function isRecorded(after: Job, { status }: Job): boolean {
  return status.state === "processing" &&
    after.history.some(({ attempt, worker }) =>
      attempt === status.running.attempt && worker === status.running.worker
    );
}
