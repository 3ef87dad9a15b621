// Where the benchmark takes place: its folder, the program that is measured, and the processes it
// starts, all of which have ended when it is closed.
import { pause } from "../../src/exec/timer.ts";
import { cleanEnvironment, sources } from "../on_path.ts";
import { killAllWith, type Process, processesWith, signal } from "../processes.ts";
import { childSeconds, memoryOf } from "./proc.ts";

/** How a process ended that had to end well. */
export interface Ran {
  readonly seconds: number;
  readonly stdout: string;
  /** The most memory it had, in MB, if that was asked for. */
  readonly peak: number;
}

/** A process that goes on until it is told to end. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<unknown>;
  /** Asks it to end, and waits until it has. */
  end(): Promise<void>;
}

export interface RunOptions {
  /** Seconds after which it is killed. */
  readonly limit?: number;
  /** Whether to look at its memory. */
  readonly watch?: boolean;
  readonly env?: Record<string, string>;
}

/** Seconds that anything may take that says nothing else. */
const LIMIT = 120;

export class Ground {
  readonly folder: string;
  readonly program: readonly string[];
  /** What is measured, in words. */
  readonly programName: string;
  readonly #marker = crypto.randomUUID();
  readonly #entry = `BENCH_MARK=${this.#marker}`;
  readonly #env: Record<string, string>;
  #folders = 0;

  constructor() {
    // Not in /tmp, which may be memory; and a million files are to lie on the disk.
    this.folder = Deno.makeTempDirSync({
      dir: Deno.env.get("TMPDIR") ?? "/var/tmp",
      prefix: "queuectl-bench-",
    });
    const built = Deno.env.get("QUEUECTL_BIN");
    const { program, args } = built ? { program: Deno.realPathSync(built), args: [] } : sources();
    this.program = [program, ...args];
    this.programName = built ? "a build" : "main.ts";
    this.#env = cleanEnvironment({
      BENCH_MARK: this.#marker,
      NO_COLOR: "1",
      // Where a host keeps what belongs to it, so that nothing is left in the user's home.
      XDG_STATE_HOME: `${this.folder}/state`,
    });
  }

  /**
   * A new folder. None is removed before all is done: removing thousands of files makes new ones up
   * to 25 times slower for a while, which would be blamed on what is measured next.
   */
  newFolder(name: string): string {
    const path = `${this.folder}/${++this.#folders}-${name}`;
    Deno.mkdirSync(path);
    return path;
  }

  /** Runs a program to its end. @throws Error if it does not end well, and in time */
  async run(
    words: readonly string[],
    { limit = LIMIT, watch = false, env = {} }: RunOptions = {},
  ): Promise<Ran> {
    const [program, ...args] = words;
    const options = { args, cwd: this.folder, clearEnv: true, env: { ...this.#env, ...env } };
    const begin = performance.now();
    const child = new Deno.Command(program!, {
      ...options,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    })
      .spawn();
    const timer = setTimeout(() => signal(child.pid, "SIGKILL"), limit * 1000);
    let peak = 0;
    // Often enough to see it in its last moments, when it has the most.
    const look = watch
      ? setInterval(() => peak = memoryOf(child.pid)?.peak ?? peak, 10)
      : undefined;
    const [{ code, signal: killedBy }, stdout, stderr] = await Promise.all([
      child.status.finally(() => (clearTimeout(timer), clearInterval(look))),
      textOf(child.stdout),
      textOf(child.stderr),
    ]);
    const seconds = (performance.now() - begin) / 1000;
    if (code === 0) return { seconds, stdout, peak };
    const how = killedBy === null
      ? `exit code ${code}`
      : `${killedBy}, after ${seconds.toFixed(0)} s`;
    throw new Error(`${how}: ${shortly(words)}: ${stderr.slice(-500)}`);
  }

  /** Runs a shell script with `$1`, `$2`, … */
  shell(script: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Ran> {
    return this.run(["/bin/sh", "-c", script, "sh", ...args], options);
  }

  /**
   * Runs a program, its output thrown away: the time it takes, and the CPU time of all its
   * processes. That is what a shell's `times` says of its children; it lacks those that nobody has
   * waited for, and there are none: a worker waits for its shell, the shell for each job, the
   * supervisor for its workers. `perf stat`, which counts processes whoever waits for them, comes
   * to the same, but for some 6 %.
   */
  async cost(
    words: readonly string[],
    options: RunOptions = {},
  ): Promise<{ seconds: number; cpu: number }> {
    const script = '"$@" >/dev/null 2>&1; code=$?; times; exit $code';
    const { seconds, stdout } = await this.shell(script, words, options);
    return { seconds, cpu: childSeconds(stdout) };
  }

  /** Starts a program that goes on by itself; what it prints is thrown away. */
  start(words: readonly string[]): Running {
    const [program, ...args] = words;
    const options = { args, cwd: this.folder, clearEnv: true, env: this.#env } as const;
    const child = new Deno.Command(program!, {
      ...options,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    })
      .spawn();
    return {
      pid: child.pid,
      ended: child.status,
      async end() {
        signal(child.pid, "SIGTERM");
        const timer = setTimeout(() => signal(child.pid, "SIGKILL"), LIMIT * 1000);
        await child.status;
        clearTimeout(timer);
      },
    };
  }

  /** Whether a program is installed. */
  async has(program: string): Promise<boolean> {
    return await this.shell('command -v "$1"', [program]).then(() => true, () => false);
  }

  /** All processes that were started from here, and their children. */
  processes(): Process[] {
    return processesWith(this.#entry);
  }

  /**
   * Writes to the disk all that waits to be written, so that nobody's turn pays for what was done
   * before.
   */
  async settle(): Promise<void> {
    await this.run(["sync"], { limit: 600 });
  }

  /** Kills whatever is left. */
  killAll(): void {
    killAllWith(this.#entry);
  }

  /** Kills whatever is left, and removes the folder with all that is in it. */
  async close(): Promise<void> {
    this.killAll();
    await this.run(["rm", "-rf", this.folder], { limit: 1800 });
  }
}

/** Waits until something is so. @throws Error if it is not after `limit` seconds */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limit = LIMIT,
): Promise<void> {
  const end = performance.now() + limit * 1000;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`Not within ${limit} s: ${what}`);
    await pause(20);
  }
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

function shortly(words: readonly string[]): string {
  const text = words.join(" ");
  return text.length <= 300 ? text : `…${text.slice(-300)}`;
}
