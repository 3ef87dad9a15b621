// A worker as a process: takes a name among the living, follows what its dead namesake left to the
// end, then works; meanwhile it looks after those that died (caretaker.ts) and listens to requests.
// It ends when asked to, when drained, or when its supervisor is gone.
import { adopt, mustSee } from "../exec/adopt.ts";
import { aliveOf, pipeOf } from "../exec/journal.ts";
import { openExecutor } from "../exec/open_executor.ts";
import type { StopReason } from "../exec/run.ts";
import { QueueError } from "../queue/errors.ts";
import type { Job } from "../queue/job.ts";
import type { Ending } from "../queue/outcome.ts";
import type { Settings } from "../queue/settings.ts";
import type { JobStore } from "../queue/store.ts";
import { ended, unclaimed } from "../queue/transitions.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";
import { delay } from "../system/delay.ts";
import type { FileSystem } from "../system/file_system.ts";
import { Watch } from "../system/watch.ts";
import { Attempts } from "./attempts.ts";
import { Caretaker } from "./caretaker.ts";
import { cancelRequests, clearCancel, clearStop, stopRequest } from "./control.ts";
import { WorkerLock } from "./worker_lock.ts";
import { rescue } from "./rescue.ts";
import { work } from "./worker.ts";

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
  #presence: WorkerLock;
  /** The jobs in this worker's hands, adopted ones included, each with what stops it. */
  readonly #running = new Map<string, AbortController>();
  /** Jobs that somebody asked to cancel, and that this worker has told to end. */
  readonly #cancelling = new Set<string>();
  readonly #attempts: Attempts;
  /** Whether another has this worker's name by now. */
  #isReplaced = false;
  /** Whether a claim failed half-way. */
  #mayHaveStrays = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#attempts = new Attempts(options.report);
    this.#presence = this.#join(new Set());
  }

  get #name(): string {
    return this.#presence.name;
  }

  async run(): Promise<void> {
    const { files, dataDir, stopping, force, report, paths } = this.#options;
    this.#announce();
    force.signal.addEventListener("abort", () => {
      for (const running of this.#running.values()) running.abort("released" satisfies StopReason);
    });
    const control = new Watch([`${dataDir}/control`], () => {});
    const listening = this.#listen(control);
    const caretaker = this.#caretaker();
    await caretaker.start();
    await this.#settleNamesakes();
    const name = this.#name;
    const executor = await openExecutor({ journal: paths.journal(name), files });
    try {
      await work({
        name,
        claim: () => this.#claim(),
        execute: (job) => this.#follow(job, (stop) => executor.run(this.#runOf(job, name), stop)),
        record: (job, ending) => this.#record(job, ending, name),
        giveBack: (job, error) => this.#giveBack(job, error),
        drained: () => this.#isDrained(),
        wait: () => this.#wait(),
        report,
      }, stopping.signal);
      // Killed and handed back with this worker's own; else the next to look takes them over.
      if (force.signal.aborted) await caretaker.settled();
    } finally {
      caretaker.stop();
      stopping.abort();
      control.close();
      await listening;
      await executor.close();
      if (this.#isReplaced) this.#presence.abandon();
      else await this.#clear(name, this.#presence);
      report({ kind: "worker_stopped", worker: name });
    }
  }

  #caretaker(): Caretaker {
    const { files, dataDir, store, stopping } = this.#options;
    return new Caretaker({
      files,
      dataDir,
      store,
      attempts: this.#attempts,
      stopping: stopping.signal,
      presence: () => this.#presence,
      runs: (id) => this.#running.has(id),
      rescue: (name) => this.#rescue(name),
      clear: (name, place) => this.#clear(name, place),
      onReplaced: () => {
        this.#isReplaced = true;
        stopping.abort();
      },
    });
  }

  #join(avoid: ReadonlySet<string>): WorkerLock {
    const { files, dataDir, wanted } = this.#options;
    const presence = WorkerLock.join(files, dataDir, wanted, avoid);
    clearStop(files, dataDir, presence.name); // a request to one that had the name before
    return presence;
  }

  #announce(): void {
    const { pid, host, now, report } = this.#options;
    this.#presence.announce({ pid, host, startedAt: now() });
    report({ kind: "worker_started", worker: this.#name });
  }

  /**
   * Follows what a dead bearer of this worker's name left to the end. Where that can't even be
   * read, another name is taken: the shell of this worker must not touch the journal then.
   */
  async #settleNamesakes(): Promise<void> {
    const avoid = new Set<string>();
    while (
      !await this.#attempts.attempt(
        `take over from ${this.#name} yet`,
        () => this.#rescue(this.#name),
      )
    ) {
      avoid.add(this.#name);
      this.#presence.abandon();
      this.#presence = this.#join(avoid);
      this.#announce();
    }
  }

  async #claim(): Promise<Job | undefined> {
    const { store, pid, host, now, stopping } = this.#options;
    let job: Job | undefined;
    if (this.#mayHaveStrays) {
      await this.#attempts.attempt("give jobs back", () => this.#giveStraysBack());
    }
    const isFine = await this.#attempts.attempt("take a job", async () => {
      job = await store.claim({ worker: this.#name, pid, host }, now());
    });
    if (!isFine) this.#mayHaveStrays = true;
    if (!isFine) await delay(SLOW_POLL, stopping.signal);
    return job;
  }

  /** What was claimed, and could not be begun since something went wrong at that moment. */
  async #giveStraysBack(): Promise<void> {
    const { store } = this.#options;
    for (const { id } of await store.claimedBy(this.#name)) {
      if (!this.#running.has(id)) await store.change(id, unclaimed, this.#name);
    }
    this.#mayHaveStrays = false;
  }

  async #isDrained(): Promise<boolean> {
    const { drain, store } = this.#options;
    let hasWork = true;
    if (drain) {
      await this.#attempts.attempt(
        "look for work",
        async () => void (hasWork = await store.hasWork()),
      );
    }
    return !hasWork;
  }

  async #wait(): Promise<void> {
    const { store, drain, stopping, now } = this.#options;
    const longest = drain ? DRAIN_POLL : SLOW_POLL;
    const isFine = await this.#attempts.attempt("wait for work", async () => {
      const due = await store.nextDue();
      const timeout = due === undefined ? longest : Math.min(Math.max(due - now(), 0), longest);
      await store.waitForChange(timeout, stopping.signal);
    });
    if (!isFine) await delay(SLOW_POLL, stopping.signal);
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
        await delay(SLOW_POLL);
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
      await store.change(job.id, unclaimed, this.#name);
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      report({ kind: "warning", message: `Cannot give job "${job.id}" back: ${error.message}` });
    }
    if (!stopping.signal.aborted) await delay(SLOW_POLL);
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
    const { store, report, paths, stopping } = this.#options;
    return {
      name: this.#name,
      store,
      adopt: (job: Job, from: string) =>
        this.#follow(job, (stop) => adopt(paths.journal(from), this.#runOf(job, from), stop)),
      record: (job: Job, ending: Ending, holder: string) => this.#record(job, ending, holder),
      again: async () => {
        await delay(SLOW_POLL, stopping.signal);
        return !stopping.signal.aborted;
      },
      report,
    };
  }

  /**
   * Removes what a worker leaves. While it still holds a job, as when the disk is full, all stays:
   * how that job ended stands in the journal, where the next worker looks.
   */
  async #clear(name: string, place: WorkerLock): Promise<void> {
    const { files, dataDir, store, paths } = this.#options;
    const held = await store.claimedBy(name).catch(() => undefined);
    if (held?.length !== 0) return place.abandon();
    const journal = paths.journal(name);
    for (const path of [journal, pipeOf(journal), aliveOf(journal)]) {
      if (files.info(path) !== undefined) files.remove(path);
    }
    try {
      files.removeFolder(`${dataDir}/queue/running/${name}`);
    } catch {
      // There was none, or another program left a file in it.
    }
    clearStop(files, dataDir, name);
    place.leave();
  }

  async #listen(control: Watch): Promise<void> {
    const { stopping } = this.#options;
    while (!stopping.signal.aborted || this.#running.size > 0) {
      await this.#attempts.attempt("listen to requests", () => this.#obey());
      // Once stopping, only the jobs that still run are waited for, so look more often whether they
      // do.
      await control.next(
        stopping.signal.aborted ? DRAIN_POLL : undefined,
        stopping.signal.aborted ? undefined : stopping.signal,
      );
    }
  }

  #obey(): void {
    const { files, dataDir, stopping, force } = this.#options;
    const kind = stopRequest(files, dataDir, this.#name);
    if (kind !== undefined && !stopping.signal.aborted) stopping.abort();
    if (kind === "force" && !force.signal.aborted) force.abort();
    for (const id of cancelRequests(files, dataDir)) {
      const running = this.#running.get(id);
      if (running === undefined || running.signal.aborted) continue;
      this.#cancelling.add(id);
      running.abort("cancelled" satisfies StopReason);
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
