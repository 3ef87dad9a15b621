// The real program on a data folder of its own, for end-to-end tests: calls it, keeps what it
// started, and ends that by process id.
import { assertEquals } from "@std/assert";
import { numberIn } from "./processes.ts";
import { programUnderTest } from "./program.ts";
import { newTestStore, type TestStore } from "./test_store.ts";
import { withTempDir } from "./temp_dir.ts";
import { waitUntil } from "./wait_until.ts";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class QueueProgram {
  readonly dir: string;
  /** The folder, if the queue is in one. */
  readonly data: string;
  /** The variables by which the program finds the queue. */
  readonly env: Readonly<Record<string, string>>;
  readonly #store: TestStore;
  readonly #started: Deno.ChildProcess[] = [];

  constructor(dir: string, store: TestStore = newTestStore(dir)) {
    this.dir = dir;
    this.data = `${dir}/data`;
    this.#store = store;
    this.env = this.#store.env;
  }

  /** Runs a command to its end. `input` goes to its standard input. */
  async run(
    args: readonly string[],
    options: { input?: string; env?: Record<string, string>; cwd?: string } = {},
  ): Promise<Result> {
    const child = this.#command(args, options, "piped").spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.input ?? "")).catch(() => {});
    await writer.close().catch(() => {});
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Runs a command that must succeed; what it printed, without the last line break. */
  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    assertEquals(code, 0, `queuectl ${args.join(" ")}: ${stderr}`);
    return stdout.trimEnd();
  }

  // deno-lint-ignore no-explicit-any -- whatever the program prints
  async json(...args: string[]): Promise<any> {
    return JSON.parse(await this.ok(...args, "--json"));
  }

  async state(id: string): Promise<string> {
    return (await this.json("job", "show", id)).state;
  }

  async waitForState(id: string, state: string): Promise<void> {
    await waitUntil(async () => await this.state(id) === state, `job ${id} is ${state}`);
  }

  /**
   * Starts `queuectl start` in the background of the test, and returns when its workers are there.
   */
  async start(...args: string[]): Promise<Deno.ChildProcess> {
    const before = (await this.workers()).length;
    const child = this.#command(["start", ...args], {}, "null").spawn();
    this.#started.push(child);
    await waitUntil(async () => (await this.workers()).length > before, "a worker is there");
    return child;
  }

  async workers(): Promise<{ name: string; pid: number; state: string; job_id: string | null }[]> {
    return (await this.json("status")).workers;
  }

  /** Stops all that runs; what this object started has ended then. */
  async end(): Promise<void> {
    await this.run(["stop", "--force"]);
    await Promise.all(this.#started.map((child) => child.status));
    await this.#store.remove();
  }

  #command(
    args: readonly string[],
    options: { env?: Record<string, string>; cwd?: string },
    stdin: "piped" | "null",
  ) {
    const { program, args: front } = programUnderTest();
    return new Deno.Command(program, {
      // Packages that are loaded when they are needed may not be in the cache yet.
      args: [...front.filter((arg) => arg !== "--cached-only"), ...args],
      cwd: options.cwd ?? this.dir,
      env: { ...this.env, NO_COLOR: "1", ...options.env },
      stdin,
      stdout: stdin === "piped" ? "piped" : "null",
      stderr: stdin === "piped" ? "piped" : "null",
    });
  }
}

/** Gives `test` a queue of its own, and ends all that runs on it. */
export function withQueue(test: (queue: QueueProgram) => Promise<void>): Promise<void> {
  return withTempDir(async (dir) => {
    const queue = new QueueProgram(dir);
    try {
      await test(queue);
    } finally {
      await queue.end();
    }
  });
}

/** The number that a job wrote to a file, once it is there. */
export function numberOnceIn(path: string): Promise<number> {
  return waitUntil(() => numberIn(path), `a number in ${path}`);
}
