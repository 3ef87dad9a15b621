// A world in memory for commands: store, files, clock, terminal. `run` runs a command line in it.
import type { Context, Output } from "../../src/cli/context.ts";
import { run } from "../../src/cli/run.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { enqueue } from "../../src/queue/enqueue.ts";
import type { Job } from "../../src/queue/job.ts";
import type { Finding, LeftOut, Maintenance } from "../../src/queue/maintenance.ts";
import type { Ending } from "../../src/queue/outcome.ts";
import { ended } from "../../src/queue/transitions.ts";
import type { WorkerInfo } from "../../src/queue/workers.ts";
import { FolderStore } from "../../src/stores/file/folder_store.ts";
import { FileMaintenance } from "../../src/stores/file/file_maintenance.ts";
import { FileRequests } from "../../src/stores/file/requests.ts";
import { FileWorkers } from "../../src/stores/file/workers.ts";
import { MemorySchedules } from "../../src/stores/memory/schedules.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import type { Store } from "../../src/stores/store.ts";
import { changeAs } from "./jobs.ts";
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
  /** How often a command gave up the network. */
  networkDrops = 0;
  /** Called at each sleep, before the clock moves on: what happens meanwhile. */
  meanwhile: () => Promise<void> | void = () => {};
  /** Called when a running job shall be cancelled. */
  onCancel: (id: string) => Promise<void> | void = () => {};
  /** Called when the job of a dead worker shall be ended. */
  onEndOrphan: (id: string) => Promise<boolean> | boolean = () => false;
  /** Called when supervisors and workers are signalled; returns the names that it reached. */
  onSignal: (signal: string) => Promise<string[]> | string[] = () => [];
  /** Presses Ctrl-C, where somebody listens to it. */
  interrupt = () => {};
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
    return changeAs(
      this.store,
      worker,
      id,
      (job) => ended(job, full, { base: 2, max: 3600 }, this.now),
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

  /** The store of this world, as commands are given it. */
  openStore(): Store {
    this.files.makeAll(DATA);
    return this.#storeIn(DATA);
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
      readAllBytes: bytesOf,
      openStore: (location) => {
        if (location.kind === "folder") return this.#storeIn(location.path);
        this.calls.push(`open ${location.url} within ${location.within}`);
        throw new QueueError("unavailable", `This world has no ${location.url}`);
      },
      endOrphan: async ({ name }, _, { id }, reason) => {
        this.calls.push(`end ${name} ${id} ${reason}`);
        return await this.onEndOrphan(id);
      },
      dropNetwork: () => void this.networkDrops++,
      onInterrupt: (hear) => {
        this.interrupt = hear;
        return { release: () => this.interrupt = () => {} };
      },
      onEnd: () => ({ release: () => {} }),
    };
  }

  /** Jobs and schedules are in memory, all else in files of this world. */
  #storeIn(path: string): Store {
    // deno-lint-ignore no-this-alias
    const world = this;
    const { files, os } = world;
    const folder = new FolderStore(path, {
      files,
      os,
      userId: () => world.userId,
      warn: (message) => world.stderr.write(`queuectl: ${message}\n`),
    });
    return Object.assign(folder, {
      openJobs: () => Promise.resolve(world.store),
      openReader: () => Promise.resolve(world.store),
      openInbox: () => Promise.resolve(world.store),
      queues: () => Promise.resolve(world.store.queues),
      openSchedules: () => Promise.resolve(world.schedules),
      workers: () => Promise.resolve(new WorldWorkers(world, path)),
      openRequests: () => Promise.resolve(new WorldRequests(world, path)),
      maintenance: () => Promise.resolve(world.#maintenance(path)),
    });
  }

  #maintenance(path: string): Maintenance {
    const real = new FileMaintenance(path, this.files);
    const note = (text: string) => void this.calls.push(text);
    return {
      size: () => real.size(),
      afterReboot: () => real.afterReboot(),
      backup: (target, progress) => {
        note(`backup ${path} ${target}`);
        progress(1, 2);
        return Promise.resolve({ jobs: 1, files: 2, bytes: 30, leftOut: this.leftOut });
      },
      restore: (from, { over }, progress) => {
        note(`restore ${path} ${from}${over ? " over" : ""}`);
        progress(1, 1);
        return Promise.resolve({ jobs: 2, leftOut: this.leftOut });
      },
      check: ({ repair }, progress) => {
        note(`check ${path} ${repair}`);
        progress(1, 1);
        return Promise.resolve(this.findings);
      },
    };
  }
}

/** Those of the folder, and those that a test says are there. */
class WorldWorkers extends FileWorkers {
  readonly #world: World;

  constructor(world: World, path: string) {
    super(path, world.files);
    this.#world = world;
  }

  override async live(): Promise<WorkerInfo[]> {
    return [...this.#world.workers, ...await super.live()];
  }

  override async find(name: string): Promise<WorkerInfo | undefined> {
    return this.#world.workers.find((worker) => worker.name === name) ?? await super.find(name);
  }

  override async signal(names: readonly string[], signal: string): Promise<string[]> {
    this.#world.calls.push(`${signal} ${names}`);
    return await this.#world.onSignal(signal);
  }
}

/** Those of the folder; what is asked is noted. */
class WorldRequests extends FileRequests {
  readonly #world: World;

  constructor(world: World, path: string) {
    super(path, world.files);
    this.#world = world;
    world.files.makeAll(`${path}/control`);
  }

  override async requestCancel(id: string): Promise<void> {
    this.#world.calls.push(`cancel ${id}`);
    await super.requestCancel(id);
    await this.#world.onCancel(id);
  }

  override async clearCancel(id: string): Promise<void> {
    this.#world.calls.push(`clear cancel ${id}`);
    await super.clearCancel(id);
  }
}
