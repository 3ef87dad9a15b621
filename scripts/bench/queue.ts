// A queue that is measured: a data folder of its own, filled and asked by the program, or looked
// into through the store.
import type { Attempt } from "../../src/queue/outcome.ts";
import type { JobStore } from "../../src/queue/store.ts";
import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import type { Pace } from "./peers.ts";
import { type Ground, type Ran, type Running, type RunOptions, until } from "./ground.ts";

/** What filling a queue took. */
export interface Filled {
  readonly ids: readonly string[];
  readonly seconds: number;
  /** The most memory that `enqueue` had, in MB. */
  readonly peak: number;
}

export class Queue {
  readonly ground: Ground;
  readonly folder: string;
  readonly #store: string | undefined;

  /** `store`: the URL of a server that keeps it; without it, its folder does. */
  constructor(ground: Ground, name: string, store?: string) {
    this.ground = ground;
    this.folder = ground.newFolder(name);
    this.#store = store;
  }

  get dataDir(): string {
    return `${this.folder}/data`;
  }

  /** The words of a command on this queue. */
  words(...args: string[]): string[] {
    const store = this.#store === undefined
      ? `--data-dir=${this.dataDir}`
      : `--store=${this.#store}`;
    return [...this.ground.program, ...args, store];
  }

  /** Runs a command to its end. */
  call(args: readonly string[], options?: RunOptions): Promise<Ran> {
    return this.ground.run(this.words(...args), options);
  }

  start(...args: string[]): Running {
    return this.ground.start(this.words("start", ...args));
  }

  serve(...args: string[]): Running {
    return this.ground.start(this.words("serve", ...args));
  }

  /** Enqueues `count` jobs as one batch; each line of it is what `line` says. */
  fill(count: number, line: string | Record<string, unknown> = "true"): Promise<Filled> {
    return this.fillWith(Array<typeof line>(count).fill(line));
  }

  /** Enqueues a job for each of these lines, as one batch. */
  async fillWith(lines: readonly (string | Record<string, unknown>)[]): Promise<Filled> {
    const [batch, printed] = [`${this.folder}/batch`, `${this.folder}/ids`];
    const count = lines.length;
    const text = (line: typeof lines[0]) => typeof line === "string" ? line : JSON.stringify(line);
    Deno.writeTextFileSync(batch, lines.map((line) => `${text(line)}\n`).join(""));
    // The ids go to a file, as a user who wants a million of them would have it; `exec`, so that
    // the process looked at is the program.
    const { seconds, peak } = await this.ground.shell('out=$1; shift; exec "$@" >"$out"', [
      printed,
      ...this.words("enqueue", "--file", batch),
    ], { watch: true, limit: 900 });
    const ids = Deno.readTextFileSync(printed).trimEnd().split("\n");
    if (ids.length !== count) throw new Error(`Of ${count} jobs ${ids.length} were enqueued`);
    return { ids, seconds, peak };
  }

  /**
   * Seconds from the first start to the last end of these jobs. @throws Error if one of them is not
   * completed
   */
  async span(ids: readonly string[]): Promise<number> {
    let [first, last] = [Infinity, -Infinity];
    for (const attempt of await this.attempts(ids)) {
      first = Math.min(first, attempt.startedAt);
      last = Math.max(last, attempt.endedAt);
    }
    return (last - first) / 1000;
  }

  /** The first attempt of each of these jobs. @throws Error if one of them is not completed */
  async attempts(ids: readonly string[]): Promise<Attempt[]> {
    return await this.withStore(async (store) => {
      const attempts: Attempt[] = [];
      for (const id of ids) {
        const job = await store.get(id);
        const [attempt] = job?.history ?? [];
        if (job?.status.state !== "completed" || attempt === undefined) {
          throw new Error(`Job ${id} is ${job?.status.state ?? "gone"}, and should be completed`);
        }
        attempts.push(attempt);
      }
      return attempts;
    });
  }

  /** Has two workers do all there is. The rate is from the first start of these to the last end. */
  async drain(ids: readonly string[]): Promise<Pace> {
    const words = this.words("start", "--count=2", "--drain");
    const { cpu } = await this.ground.cost(words, { limit: 600 });
    return { rate: ids.length / await this.span(ids), cpu: cpu / ids.length };
  }

  /**
   * Has two workers do `count` jobs in front of whatever waits here already, and stops them then.
   * @returns jobs a second, from the first start to the last end
   */
  async drainInFront(count: number): Promise<number> {
    const { ids } = await this.fill(count, { command: "true", priority: 1 });
    const workers = this.start("--count=2");
    try {
      await this.withStore(async (store) => {
        const isDone = async (id: string) => (await store.get(id))?.status.state === "completed";
        // The last is looked at alone, so that looking costs little while the others are done; then
        // what is left of them.
        for (const id of ids.toReversed()) await until(() => isDone(id), `${count} jobs are done`);
      });
    } finally {
      await workers.end();
    }
    return count / await this.span(ids);
  }

  /** Looks into it through the store. */
  async withStore<T>(action: (store: JobStore) => Promise<T>): Promise<T> {
    const store = await openFileStore(this.dataDir, { files: diskFiles });
    try {
      return await action(store);
    } finally {
      store.close();
    }
  }
}

export function exists(path: string): boolean {
  return diskFiles.info(path) !== undefined;
}
