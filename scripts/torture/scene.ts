// Where a torture takes place: its folder, how the program is called, and what is kept of it for
// the reckoning at the end.
import { PERMISSION_FLAGS } from "../../src/system/permissions.ts";
import { hasEntry, killAllWith, type Process, processesWith, signal } from "../processes.ts";

const root = new URL("../..", import.meta.url).pathname;

/** A call of the program that has ended. */
export interface Ended {
  readonly args: readonly string[];
  /** Null if it was killed by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
}

export class Scene {
  readonly folder: string;
  readonly dataDir: string;
  readonly notes: string;
  readonly marker: string;
  readonly canSetClock: boolean;

  /** Ids that `enqueue` has printed. */
  readonly acknowledged = new Set<string>();
  /** The ids of each batch, whose jobs are to be there all or not at all. */
  readonly batches: (readonly string[])[] = [];
  readonly cancelled = new Set<string>();
  /** Jobs whose own file was damaged on purpose, and how. */
  readonly damaged = new Map<string, string>();
  /** Ids that `dlq remove` has printed. */
  readonly removed = new Set<string>();
  /** Jobs whose removal was begun by a command that was killed. */
  readonly perhapsRemoved = new Set<string>();
  readonly problems: string[] = [];
  readonly tally = new Map<string, number>();
  /** How often something was damaged, and how much of that a repair has seen. */
  damages = 0;
  repaired = 0;
  /** Enqueuers that run now. */
  readonly enqueuers = new Set<number>();
  /** Supervisors that run now. */
  readonly supervisors = new Set<number>();

  readonly #program: string;
  readonly #args: readonly string[];
  readonly #env: Record<string, string>;
  readonly #startedAt = performance.now();
  readonly #log: Deno.FsFile;

  constructor(folder: string) {
    this.folder = folder;
    this.dataDir = `${folder}/data`;
    this.notes = `${folder}/notes`;
    this.marker = `QUEUECTL_TORTURE=${crypto.randomUUID()}`;
    for (const name of ["notes", "program", "work", "logs", "data"]) {
      Deno.mkdirSync(`${folder}/${name}`, { mode: 0o700 });
    }
    Deno.copyFileSync(`${root}scripts/torture/job.sh`, `${folder}/job.sh`);
    this.#log = Deno.openSync(`${folder}/torture.log`, { write: true, create: true });
    const [name = "", value = ""] = this.marker.split("=");
    this.#env = {
      [name]: value,
      TORTURE_CLOCK: this.#clock,
      NO_COLOR: "1",
      QUEUECTL_DATA_DIR: this.dataDir,
    };
    const built = Deno.env.get("QUEUECTL_BIN");
    this.canSetClock = !built;
    this.#program = built ? Deno.realPathSync(built) : Deno.execPath();
    this.#args = built ? [] : this.#prepareProgram();
  }

  // Beside the program's code, which workers may read: they may read little else.
  get #clock(): string {
    return `${this.folder}/program/offset`;
  }

  /**
   * A copy of the program, behind a clock that can be set. What is edited meanwhile does not
   * matter.
   */
  #prepareProgram(): string[] {
    const folder = `${this.folder}/program`;
    copyTree(`${root}src`, `${folder}/src`);
    for (const name of ["deno.json", "deno.lock"]) {
      Deno.copyFileSync(`${root}${name}`, `${folder}/${name}`);
    }
    Deno.copyFileSync(`${root}main.ts`, `${folder}/queuectl.ts`);
    Deno.copyFileSync(`${root}scripts/torture/clock.ts`, `${folder}/clock.ts`);
    Deno.writeTextFileSync(`${folder}/main.ts`, 'import "./clock.ts";\nimport "./queuectl.ts";\n');
    return [
      "run",
      // Packages that are loaded when they are needed may not be in the cache yet.
      "--no-check",
      `--config=${folder}/deno.json`,
      ...PERMISSION_FLAGS,
      `${folder}/main.ts`,
    ];
  }

  get hasDamage(): boolean {
    return this.damages > this.repaired;
  }

  /** Sets the clock of all processes of the program. */
  setClock(offset: number): void {
    Deno.writeTextFileSync(`${this.folder}/clock`, String(offset));
    Deno.renameSync(`${this.folder}/clock`, this.#clock);
  }

  /** Calls the program. What it says goes to `log`, if given, and else to the result. */
  start(args: readonly string[], { log, input }: { log?: string; input?: string } = {}): Running {
    const command = log === undefined
      ? new Deno.Command(this.#program, {
        ...this.#options,
        args: [...this.#args, ...args],
        stdin: "piped",
      })
      : new Deno.Command("/bin/sh", {
        ...this.#options,
        args: ["-c", 'exec "$@" >>"$0" 2>&1', log, this.#program, ...this.#args, ...args],
        stdin: "piped",
      });
    const child = command.spawn();
    const writer = child.stdin.getWriter();
    const written = writer.write(new TextEncoder().encode(input ?? "")).then(() => writer.close());
    const decoder = new TextDecoder();
    const ended = Promise.all([child.output(), written.catch(() => {})]).then(([output]) => ({
      args,
      code: output.signal === null ? output.code : null,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    }));
    return { pid: child.pid, ended };
  }

  get #options() {
    return {
      env: this.#env,
      cwd: `${this.folder}/work`,
      stdout: "piped",
      stderr: "piped",
    } as const;
  }

  /** Calls the program and waits for its end, which must come within `limit` seconds. */
  async call(
    args: readonly string[],
    options: { input?: string; limit?: number } = {},
  ): Promise<Ended> {
    const limit = options.limit ?? 90;
    const { pid, ended } = this.start(args, options);
    const timer = setTimeout(() => {
      this.problem(`"queuectl ${args.join(" ")}" did not end within ${limit} s`);
      signal(pid, "SIGKILL");
    }, limit * 1000);
    const result = await ended;
    clearTimeout(timer);
    this.checkWords(result);
    return result;
  }

  /** Notes words that the program should never say. */
  checkWords({ args, stdout, stderr }: Ended): void {
    const bug = /.*(?:This is a bug|Uncaught|at file:).*/.exec(stdout + stderr)?.[0];
    if (bug !== undefined) this.problem(`"queuectl ${args.join(" ").slice(0, 200)}" said: ${bug}`);
  }

  problem(text: string): void {
    this.problems.push(text);
    this.note(`PROBLEM ${text}`);
  }

  /** Counts something that was done, and writes it to the log. */
  did(what: string, about = ""): void {
    this.count(what);
    this.note(`${what} ${about}`);
  }

  count(what: string, times = 1): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + times);
  }

  note(text: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(3);
    this.#log.writeSync(
      new TextEncoder().encode(`${seconds} ${new Date().toISOString()} ${text}\n`),
    );
  }

  /** All processes of this torture. */
  processes(): Process[] {
    return processesWith(this.marker);
  }

  /** Kills all processes of this torture. */
  killAll(): void {
    killAllWith(this.marker);
  }

  /** Sends a signal to a process if it is one of this torture. */
  signal(pid: number, name: Deno.Signal): boolean {
    return hasEntry(pid, this.marker) && signal(pid, name);
  }

  /** The workers and their names. */
  workers(): { name: string; pid: number }[] {
    const found: { name: string; pid: number }[] = [];
    const folder = `${this.dataDir}/workers`;
    for (const file of this.names(folder)) {
      const name = /^(?!supervisor-)(.*)\.json$/.exec(file)?.[1];
      if (name === undefined) continue;
      try {
        const { pid } = JSON.parse(Deno.readTextFileSync(`${folder}/${file}`));
        if (hasEntry(pid, this.marker)) found.push({ name, pid });
      } catch {
        // Damaged, or gone.
      }
    }
    return found;
  }

  /** The shells that run jobs, by the journals of their workers. */
  shells(): { name: string; pid: number }[] {
    const found: { name: string; pid: number }[] = [];
    const folder = `${this.dataDir}/workers`;
    for (const file of this.names(folder)) {
      if (!file.endsWith(".runs")) continue;
      try {
        const pid = Number(
          /^shell (\d+) [^\n]*\n/.exec(Deno.readTextFileSync(`${folder}/${file}`))?.[1] ?? 0,
        );
        if (hasEntry(pid, this.marker)) found.push({ name: file.slice(0, -5), pid });
      } catch {
        // Gone.
      }
    }
    return found;
  }

  names(folder: string): string[] {
    try {
      return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    } catch {
      return [];
    }
  }

  close(): void {
    this.#log.close();
  }
}

function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyTree(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}
