// A world in memory for commands: store, files, clock, terminal. `run` types a command line in it.
import type { Context, DataFolder, Finding, LeftOut, Output } from "../../src/cli/context.ts";
import type { WorkerInfo } from "../../src/worker/worker_lock.ts";
import { run } from "../../src/cli/run.ts";
import { enqueue } from "../../src/queue/enqueue.ts";
import type { Job } from "../../src/queue/job.ts";
import type { Ending } from "../../src/queue/outcome.ts";
import { ended } from "../../src/queue/transitions.ts";
import { MemorySchedules } from "../../src/stores/memory/schedules.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { MemoryFiles } from "./memory_files.ts";

export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export const DATA = "/home/me/.local/share/queuectl";
/** 2030-01-31, noon in UTC. */
export const NOON = Date.UTC(2030, 0, 31, 12);

class Stream implements Output {
  text = "";
  isTerminal = false;
  columns = 80;
  rows = 24;
  /** What `write` throws, if anything. */
  broken: Error | undefined;

  write(content: string | Uint8Array): void {
    if (this.broken) throw this.broken;
    this.text += typeof content === "string" ? content : new TextDecoder().decode(content);
  }
}

export class World {
  now = NOON;
  readonly env: Record<string, string> = { HOME: "/home/me" };
  readonly files = new MemoryFiles("/home", "/home/me", "/home/me/work");
  readonly stdout = new Stream();
  readonly stderr = new Stream();
  readonly store = new MemoryStore(() => this.now);
  readonly schedules = new MemorySchedules(this.store);
  cwd = "/home/me/work";
  os = "linux";
  userId: number | null = 1000;
  /** Whether what is typed is text. */
  argsAreIntact = true;
  input = "";
  inputIsTerminal = false;
  /** Keys that the user presses, one for each wait; an undefined one is a wait without a key. */
  keys: (string | undefined)[] = [];
  readonly raw: boolean[] = [];
  workers: WorkerInfo[] = [];
  findings: Finding[] = [];
  leftOut: LeftOut[] = [];
  readonly calls: string[] = [];
  /** Called at each sleep, before the clock moves on: what happens meanwhile. */
  meanwhile: () => Promise<void> | void = () => {};
  /** Called when a running job shall be cancelled. */
  onCancel: (id: string) => Promise<void> | void = () => {};
  /** Called when the job of a dead worker shall be ended. */
  onEndOrphan: (id: string) => Promise<boolean> | boolean = () => false;
  /** Called when supervisors and workers are signalled; returns the names that it reached. */
  onSignal: (signal: string) => Promise<string[]> | string[] = () => [];
  /** How far the clock moves each time it is read. */
  tick = 0;
  #ids = 0;

  /** Types a command line. */
  async run(...args: string[]): Promise<Result> {
    this.stdout.text = this.stderr.text = "";
    const code = await run(this.#context(args));
    return { code, out: this.stdout.text, err: this.stderr.text };
  }

  /** Enqueues a job and returns its id. */
  async enqueue(...args: string[]): Promise<string> {
    const { code, out, err } = await this.run("enqueue", ...args);
    if (code !== 0) throw new Error(err);
    return out.trim();
  }

  /** Enqueues a job without a command line, in the middle of another command. */
  async enqueueQuietly(command: string): Promise<void> {
    const settings = { max_retries: 3, job_timeout: 0 };
    const newId = () => `quiet-${++this.#ids}`;
    await enqueue(this.store, { command, cwd: "/" }, { settings, now: this.now, newId });
  }

  /** Lets a worker claim the next job. */
  async claim(worker = "w1"): Promise<Job> {
    const job = await this.store.claim({ worker, pid: 77, host: "box" }, this.now);
    if (job === undefined) throw new Error("Nothing to claim");
    return job;
  }

  /** Lets a worker claim the next job and end it. */
  async work(ending: Partial<Ending> = {}, worker = "w1"): Promise<Job> {
    const { id } = await this.claim(worker);
    return await this.end(id, ending, worker);
  }

  /** Ends a running job after two seconds; it succeeds unless `ending` says otherwise. */
  end(id: string, ending: Partial<Ending> = {}, worker = "w1"): Promise<Job> {
    this.now += 2000;
    const full: Ending = {
      outcome: "succeeded",
      exitCode: 0,
      signal: null,
      error: null,
      ...ending,
    };
    return this.store.change(
      id,
      (job) => ended(job, full, { base: 2, max: 3600 }, this.now),
      worker,
    );
  }

  /** A job that has died, by exit code 3 and without retries. */
  async dead(command = "false"): Promise<string> {
    const id = await this.enqueue("--max-retries", "0", command);
    await this.work({ outcome: "failed", exitCode: 3, error: "exit code 3" });
    return id;
  }

  logPath(id: string, attempt: number): string {
    return `${DATA}/jobs/${id.slice(0, 2)}/${id}.${attempt}.log`;
  }

  #context(args: string[]): Context {
    // deno-lint-ignore no-this-alias
    const world = this;
    const bytesOf = (path: string) => new TextEncoder().encode(this.files.readText(path));
    return {
      args,
      areArgsIntact: () => Promise.resolve(this.argsAreIntact),
      version: () => Promise.resolve("1.2.3"),
      os: this.os,
      cwd: () => this.cwd,
      env: (name) => this.env[name],
      userId: () => this.userId,
      stdout: this.stdout,
      stderr: this.stderr,
      stdin: {
        get isTerminal() {
          return world.inputIsTerminal;
        },
        readAll: () => Promise.resolve(new TextEncoder().encode(this.input)),
        setRaw: (raw) => void this.raw.push(raw),
        nextKey: async (timeout) => {
          await this.meanwhile();
          this.now += timeout;
          return this.keys.shift();
        },
      },
      now: () => this.now += this.tick,
      newId: () => `${String(++this.#ids).padStart(8, "0")}-aaaa-4aaa-8aaa-aaaaaaaaaaaa`,
      sleep: async (milliseconds) => {
        await this.meanwhile();
        this.now += milliseconds;
      },
      files: this.files,
      readBytes: (path, offset, length) =>
        this.files.info(path) && bytesOf(path).subarray(offset, offset + length),
      readAllBytes: bytesOf,
      folder: this.#folder(),
      onEnd: () => ({ release: () => {} }),
    };
  }

  #folder(): DataFolder {
    const note = (text: string) => void this.calls.push(text);
    return {
      openStore: () => Promise.resolve(this.store),
      openReader: () => Promise.resolve(this.store),
      openInbox: () => Promise.resolve(this.store),
      openSchedules: () => Promise.resolve(this.schedules),
      logPath: (_, id, attempt) => Promise.resolve(this.logPath(id, attempt)),
      liveWorkers: () => Promise.resolve(this.workers),
      requestCancel: async (dataDir, id) => {
        note(`cancel ${dataDir} ${id}`);
        await this.onCancel(id);
      },
      endOrphan: async (dataDir, _, { id }, reason) => {
        note(`end ${dataDir} ${id} ${reason}`);
        return await this.onEndOrphan(id);
      },
      signal: async (dataDir, names, signal) => {
        note(`${signal} ${dataDir} ${names}`);
        return await this.onSignal(signal);
      },
      clearCancel: (dataDir, id) => Promise.resolve(note(`clear cancel ${dataDir} ${id}`)),
      backup: (dataDir, target, progress) => {
        note(`backup ${dataDir} ${target}`);
        progress(1, 2);
        return Promise.resolve({ jobs: 1, files: 2, bytes: 30, leftOut: this.leftOut });
      },
      restore: (dataDir, from, progress) => {
        note(`restore ${dataDir} ${from}`);
        progress(1, 1);
        return Promise.resolve({ jobs: 2, leftOut: this.leftOut });
      },
      check: (dataDir, { repair }, progress) => {
        note(`check ${dataDir} ${repair}`);
        progress(1, 1);
        return Promise.resolve(this.findings);
      },
    };
  }
}
