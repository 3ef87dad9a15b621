// The real program on a data folder of its own, for end-to-end tests: calls it, keeps what it
// started, and ends that by process id.
import { assertEquals } from "@std/assert";
import { numberIn } from "./processes.ts";
import { programUnderTest } from "./program.ts";
import { isOnServer, newTestStore, type TestStore } from "./test_store.ts";
import { withTempDir } from "./temp_dir.ts";
import { waitUntil } from "./wait_until.ts";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `serve` that runs. */
export interface Serving {
  /** As it was printed, with its one-time code. */
  readonly address: URL;
  readonly origin: string;
  readonly port: number;
  /** Ends it by a signal. @returns its exit code, and what it said on stderr */
  end(signal?: Deno.Signal): Promise<{ code: number; stderr: string }>;
}

export class QueueProgram {
  readonly dir: string;
  /** The folder, if the queue is in one. */
  readonly data: string;
  /** What the program calls the queue. */
  readonly name: string;
  /** The variables by which the program finds the queue. */
  readonly env: Readonly<Record<string, string>>;
  readonly #store: TestStore;
  readonly #started: Deno.ChildProcess[] = [];

  constructor(dir: string, store: TestStore = newTestStore(dir)) {
    this.dir = dir;
    this.data = `${dir}/data`;
    this.#store = store;
    this.env = this.#store.env;
    const url = isOnServer ? this.env.QUEUECTL_STORE : undefined;
    this.name = url === undefined ? this.data : withoutPassword(url);
  }

  /**
   * On the queue that this URL leads to, which is left as it is at the end.
   * @param env more variables; with another `XDG_STATE_HOME` it is another host
   */
  static at(url: string, dir: string, env: Record<string, string> = {}): QueueProgram {
    return new QueueProgram(dir, {
      env: { QUEUECTL_STORE: url, XDG_STATE_HOME: `${dir}/state`, ...env },
      remove: () => Promise.resolve(),
    });
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
    assertEquals(code, 0, `queuectl ${args.join(" ")}: ${stderr}${stdout}`);
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
    // Not how many there are: one that was killed may still be there for a moment.
    const before = new Set((await this.workers()).map(({ pid }) => pid));
    const child = this.#command(["start", ...args], {}, "null").spawn();
    this.#started.push(child);
    const isNew = ({ pid }: { pid: number }) => !before.has(pid);
    await waitUntil(async () => (await this.workers()).some(isNew), "a worker is there");
    return child;
  }

  /** The folder of what belongs to this host: that of the queue, or one of its own. */
  hostFolder(): string {
    if (!isOnServer) return this.data;
    let path = `${this.dir}/state/queuectl`;
    for (let depth = 0; depth < 2; depth++) path += `/${[...Deno.readDirSync(path)][0]!.name}`;
    return path;
  }

  async workers(): Promise<{ name: string; pid: number; state: string; job_id: string | null }[]> {
    return (await this.json("status")).workers;
  }

  /** Starts `queuectl serve` on any free port, and returns when it says where it is. */
  async serve(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Serving> {
    const command = this.#command(["serve", "--listen", "127.0.0.1:0", ...args], { env }, "piped");
    const child = command.spawn();
    await child.stdin.close();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (!said.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`serve ended: ${await new Response(child.stderr).text()}`);
      said += value;
    }
    const address = new URL(said.trim());
    const end = async (signal: Deno.Signal = "SIGTERM") => {
      child.kill(signal);
      await reader.cancel();
      const stderr = await new Response(child.stderr).text();
      return { code: (await child.status).code, stderr };
    };
    return { address, origin: address.origin, port: Number(address.port), end };
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

function withoutPassword(url: string): string {
  const named = new URL(url);
  named.password = "";
  return named.href;
}
