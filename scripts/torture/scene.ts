// Where a torture takes place: its folder, its processes, and what is kept of it for the reckoning
// at the end.
import { hasEntry, killAllWith, type Process, processesWith, signal } from "../processes.ts";
import { Ledger, uptime } from "./ledger.ts";
import { type Call, type Ended, Program, type Running } from "./program.ts";
import { QueueLog } from "./queue_log.ts";
import { ScheduleLog } from "./schedule_log.ts";

const root = new URL("../..", import.meta.url).pathname;

export class Scene {
  readonly folder: string;
  readonly dataDir: string;
  /** The same data folder, behind a symbolic link. */
  readonly linkedDir: string;
  readonly notes: string;
  readonly marker: string;
  readonly canSetClock: boolean;
  readonly backlog: number;

  readonly ledger = new Ledger();
  /** What was set of queues, and when. */
  readonly queues = new QueueLog();
  /** What was asked of schedules. */
  readonly schedules = new ScheduleLog();
  readonly problems: string[] = [];
  readonly tally = new Map<string, number>();
  /** How often something was damaged, and how much of that a repair has seen. */
  damages = 0;
  repaired = 0;
  /** Cleanups that run now. */
  cleanups = 0;
  /** How long each `enqueue` took of late, in milliseconds: how slow the machine is. */
  readonly pace: { at: number; took: number }[] = [];
  /** What was seen of claims; see claims.ts. */
  readonly watched = { since: Infinity, longest: 0, waits: 0, claims: 0, openings: 0 };
  /** Until then, by `performance.now()`, nobody can tell whether a claim is late. */
  disturbedUntil = 0;
  /** Until then, nobody can tell whether claims are in order. */
  confusedUntil = 0;
  /** Until then somebody may be stopped who holds what others need. */
  frozenUntil = 0;
  /** Enqueuers that run now. */
  readonly enqueuers = new Set<number>();
  /** Processes that are not to be killed now, since a command has to deal with them. */
  readonly spared = new Set<number>();
  /** Supervisors that run now. */
  readonly supervisors = new Set<number>();

  readonly #program: Program;
  readonly #startedAt = performance.now();
  readonly #log: Deno.FsFile;

  /** @param backlog so many jobs wait at most before the enqueuers take a rest */
  constructor(folder: string, backlog: number) {
    this.backlog = backlog;
    this.folder = folder;
    this.dataDir = `${folder}/data`;
    this.linkedDir = `${folder}/link`;
    this.notes = `${folder}/notes`;
    this.marker = `QUEUECTL_TORTURE=${crypto.randomUUID()}`;
    for (const name of ["notes", "peers", "keys", "program", "work", "logs", "data"]) {
      Deno.mkdirSync(`${folder}/${name}`, { mode: 0o700 });
    }
    Deno.symlinkSync("data", this.linkedDir);
    Deno.copyFileSync(`${root}scripts/torture/job.sh`, `${folder}/job.sh`);
    this.#log = Deno.openSync(`${folder}/torture.log`, { write: true, create: true });
    this.#program = new Program(folder, this.marker);
    this.canSetClock = this.#program.canSetClock;
  }

  get hasDamage(): boolean {
    return this.damages > this.repaired;
  }

  /** Milliseconds that the program's clock is off. */
  clockOffset = 0;
  /** The latest that it was before it was last set. */
  latestTime = 0;

  /** Sets the clock of all processes of the program. */
  setClock(offset: number): void {
    this.latestTime = Math.max(this.latestTime, Date.now() + this.clockOffset);
    this.clockOffset = offset;
    this.ledger.clockChanges.push(uptime());
    this.disturbedUntil = performance.now() + 2000;
    this.#program.setClock(offset);
  }

  jobFile(id: string): string {
    return `${this.dataDir}/jobs/${id.slice(0, 2)}/${id}.jsonl`;
  }

  hasJobFile(id: string): boolean {
    try {
      return Deno.lstatSync(this.jobFile(id)).isFile;
    } catch {
      return false;
    }
  }

  /** Calls the program. What it says goes to `log`, if given, and else to the result. */
  start(args: readonly string[], call: Call = {}): Running {
    return this.#program.start(args, call);
  }

  /** Calls the program and waits for its end, which must come within `limit` seconds. */
  async call(
    args: readonly string[],
    options: Call & { readonly limit?: number; readonly spare?: boolean } = {},
  ): Promise<Ended> {
    const limit = options.limit ?? 90;
    const { pid, ended } = this.start(args, options);
    if (options.spare) this.spared.add(pid);
    const timer = setTimeout(() => {
      this.problem(`"queuectl ${args.join(" ")}" did not end within ${limit} s`);
      signal(pid, "SIGKILL");
    }, limit * 1000);
    const result = await ended;
    this.spared.delete(pid);
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

  failed(error: unknown): void {
    const text = error instanceof Error ? error.stack : String(error);
    this.problem(`The torture itself failed: ${text}`);
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

  /**
   * How long the machine takes for a small thing, in milliseconds: the longest `enqueue` of the last
   * ten seconds, or else the last one.
   */
  get slowness(): number {
    const now = performance.now();
    while (this.pace.length > 1 && this.pace[0]!.at < now - 10_000) this.pace.shift();
    return Math.max(0, ...this.pace.map(({ took }) => took));
  }

  /** Sends a signal to a process if it is one of this torture. */
  signal(pid: number, name: Deno.Signal): boolean {
    if (name === "SIGKILL" && this.spared.has(pid)) return false;
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
