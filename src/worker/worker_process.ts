// A worker as a process: takes a name among the living, follows what its dead namesake left to the
// end, then works; meanwhile it looks after those that died and listens to requests. It ends when
// asked to, when drained, or when its supervisor is gone.
import { adopt } from "../exec/adopt.ts";
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
import { cancelRequests, clearCancel, clearStop, stopRequest } from "./control.ts";
import { isAlive, isMissing, knownNames, LOCK_RENEWAL, WorkerLock } from "./worker_lock.ts";
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
  #presence: WorkerLock;
  /** The jobs in this worker's hands, adopted ones included, each with what stops it. */
  readonly #running = new Map<string, AbortController>();
  /** Jobs that somebody asked to cancel, and that this worker has told to end. */
  readonly #cancelling = new Set<string>();
  readonly #rescues = new Map<string, Promise<void>>();
  /** What could not be done when this worker last looked around. */
  readonly #failures = new Map<string, string>();
  #isLooking = false;
  /** Whether another has this worker's name by now. */
  #isReplaced = false;
  /** How often in a row this worker has not had its lock. */
  #unlocked = 0;
  /** Whether a claim failed half-way. */
  #mayHaveStrays = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
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
    await this.#lookAround();
    const timer = setInterval(() => this.#lookAround(), LOOK_AROUND);
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
      if (force.signal.aborted) await Promise.all(this.#rescues.values());
    } finally {
      clearInterval(timer);
      stopping.abort();
      control.close();
      await listening;
      await executor.close();
      if (this.#isReplaced) this.#presence.abandon();
      else this.#clear(name, this.#presence);
      report({ kind: "worker_stopped", worker: name });
    }
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
      !await this.#attempt(
        `take over from ${this.#name} yet`,
        () => rescue(this.#name, this.#rescueParts()),
      )
    ) {
      avoid.add(this.#name);
      this.#presence.abandon();
      this.#presence = this.#join(avoid);
      this.#announce();
    }
  }

  async #claim(): Promise<Job | undefined> {
    const { store, pid, now, stopping } = this.#options;
    let job: Job | undefined;
    if (this.#mayHaveStrays) await this.#attempt("give jobs back", () => this.#giveStraysBack());
    const isFine = await this.#attempt("take a job", async () => {
      job = await store.claim({ worker: this.#name, pid }, now());
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
      await this.#attempt("look for work", async () => void (hasWork = await store.hasWork()));
    }
    return !hasWork;
  }

  async #wait(): Promise<void> {
    const { store, drain, stopping, now } = this.#options;
    const longest = drain ? DRAIN_POLL : SLOW_POLL;
    const isFine = await this.#attempt("wait for work", async () => {
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
   * Gives a sign of life, and takes care of those that no longer do. What goes wrong with one job,
   * one name or one file is told once, and keeps nothing else from being looked at.
   */
  async #lookAround(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { files, dataDir, store } = this.#options;
    await this.#attempt("give a sign of life", () => this.#heartbeat());
    await this.#attempt("put right what commands left", () => store.recover());
    await this.#attempt("look for requests", async () => {
      for (const id of cancelRequests(files, dataDir)) {
        await this.#attempt(`see to the request to cancel "${id}"`, () => this.#clearMoot(id));
      }
    });
    await this.#attempt("look for workers that died", async () => {
      for (const name of knownNames(files, dataDir)) {
        await this.#attempt(`look after ${name}`, () => this.#lookAfter(name));
      }
    });
    this.#isLooking = false;
  }

  /**
   * Does a step that may fail: then it says so, the same only once. @returns whether it went well
   */
  async #attempt(what: string, step: () => void | Promise<void>): Promise<boolean> {
    try {
      await step();
      this.#failures.delete(what);
      return true;
    } catch (error) {
      const message = `Cannot ${what}: ${error instanceof Error ? error.message : error}`;
      if (this.#failures.get(what) !== message) {
        this.#options.report({ kind: "warning", message });
      }
      this.#failures.set(what, message);
      return false;
    }
  }

  #heartbeat(): void {
    try {
      this.#presence.heartbeat();
      this.#unlocked = 0;
    } catch (error) {
      // Who looks whether this worker lives has its lock for a moment.
      if (!(error instanceof QueueError) || ++this.#unlocked < 3) throw error;
      // Somebody removed the lock's file, and another worker goes on in this one's place.
      this.#isReplaced = true;
      this.#options.stopping.abort();
      throw error;
    }
  }

  #lookAfter(name: string): void {
    const { files, dataDir } = this.#options;
    const isMine = name === this.#name || this.#rescues.has(name);
    if (isMine || isAlive(files, dataDir, name)) return;
    const done = this.#rescue(name).finally(() => this.#rescues.delete(name));
    this.#rescues.set(name, done);
  }

  async #rescue(name: string): Promise<void> {
    const { files, dataDir, stopping } = this.#options;
    if (isMissing(files, dataDir, name)) {
      await delay(LOCK_RENEWAL, stopping.signal);
      if (stopping.signal.aborted) return;
    }
    const place = WorkerLock.takeOver(files, dataDir, name);
    if (place === undefined) return;
    await this.#attempt(`take over from ${name} yet`, async () => {
      try {
        await rescue(name, this.#rescueParts());
        this.#clear(name, place);
      } catch (error) {
        place.abandon();
        throw error;
      }
    });
  }

  /** A request that came too late, and whose maker is gone, must not hit the next attempt. */
  async #clearMoot(id: string): Promise<void> {
    const { files, dataDir, store } = this.#options;
    if (this.#running.has(id)) return;
    if ((await store.get(id))?.status.state !== "processing") clearCancel(files, dataDir, id);
  }

  /** Removes what a worker that is settled leaves. */
  #clear(name: string, place: WorkerLock): void {
    const { files, dataDir, paths } = this.#options;
    const journal = paths.journal(name);
    if (files.info(journal) !== undefined) files.remove(journal);
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
      await this.#attempt("listen to requests", () => this.#obey());
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
