// What the reckoning goes by: what jobs noted of themselves, what the queue says of them in the end,
// and what was asked for.
import type { Job } from "../../../src/queue/job.ts";
import type { Archive } from "../faults/fault.ts";
import { keyOf, type Ledger, uptimeOf } from "../ledger.ts";
import { queueOfKey } from "../queue_log.ts";
import type { Scene } from "../scene.ts";

/** What a job noted of one of its runs. Times are those of `uptime`. */
export interface Run {
  readonly attempt: number;
  readonly pid: number;
  readonly begin: number;
  /** The queue it was in then, and how many of that queue's jobs ran at that moment, it included. */
  readonly queue: string;
  readonly running: number;
  code: number | undefined;
  end: number | undefined;
}

/** What a hook noted: whose end it was told of. */
export interface HookNote {
  readonly id: string;
  readonly of: string;
  readonly state: string;
  readonly attempts: number;
}

/** A job that met another one with its key, and when. */
export interface Meeting {
  readonly id: string;
  readonly key: string;
}

export class Facts {
  readonly scene: Scene;
  readonly ledger: Ledger;
  /** The jobs that are there in the end, by keys; see ledger.ts. */
  readonly jobs: ReadonlyMap<string, Job>;
  /** These, and those that a cleanup has removed, as they were. */
  readonly all: ReadonlyMap<string, Job>;
  /** By keys, in the order of their begins. */
  readonly runs = new Map<string, Run[]>();
  readonly hookNotes: HookNote[] = [];
  readonly meetings: Meeting[] = [];
  /** How often each promise was put to the test. */
  readonly tested = new Map<string, number>();

  constructor(scene: Scene, jobs: ReadonlyMap<string, Job>, archive: Archive) {
    this.scene = scene;
    this.ledger = scene.ledger;
    this.jobs = jobs;
    this.all = new Map([...archive, ...jobs]);
    for (const id of scene.names(scene.notes)) this.#read(id);
  }

  /** A promise that does not hold: which, for which job, and what shows it. */
  broken(promise: string, text: string): void {
    this.scene.problem(`${promise}: ${text}`);
  }

  /** A promise was put to the test, so that it could have been found broken. */
  tests(promise: string): void {
    this.tested.set(promise, (this.tested.get(promise) ?? 0) + 1);
  }

  runsOf(key: string): readonly Run[] {
    return this.runs.get(key) ?? [];
  }

  /** What is known of a job, in words. */
  told(key: string): string {
    const job = this.all.get(key);
    const status = job === undefined ? "gone" : JSON.stringify(job.status);
    return `${toldRuns(this.runsOf(key))}; the queue says ${status}`;
  }

  #read(id: string): void {
    const text = Deno.readTextFileSync(`${this.scene.notes}/${id}`);
    for (const line of text.split("\n").slice(0, -1)) {
      const [what, attempt = "", pid = "", life = "", ...rest] = line.split(" ");
      const key = keyOf(id, Number(life));
      const runs = this.runs.get(key) ?? [];
      this.runs.set(key, runs);
      const isOf = (run: Run) => run.pid === Number(pid) && run.attempt === Number(attempt);
      if (what === "overlap") {
        this.broken("one at a time", `two runs of job ${id} at once: ${JSON.stringify(text)}`);
      } else if (what === "beside") this.meetings.push({ id, key: rest[0]! });
      else if (what === "begin") runs.push(runOf(Number(attempt), Number(pid), rest));
      else if (what === "hook") {
        const [of = "", state = "", attempts] = rest;
        this.hookNotes.push({ id, of, state, attempts: Number(attempts) });
      } else if (what === "end") {
        const run = runs.find(isOf);
        if (run === undefined) {
          this.broken("every run", `job ${id} ended one it did not begin: ${JSON.stringify(text)}`);
        } else [run.code, run.end] = [Number(rest[0]), uptimeOf(rest[1]!)];
      } else this.scene.problem(`job ${id} noted ${JSON.stringify(line)}`);
    }
  }
}

function runOf(attempt: number, pid: number, [time, queue, running]: string[]): Run {
  return {
    attempt,
    pid,
    begin: uptimeOf(time!),
    queue: queueOfKey(queue!),
    running: Number(running),
    code: undefined,
    end: undefined,
  };
}

export function toldRuns(runs: readonly Run[]): string {
  const told = runs.map(({ attempt, begin, end, code }) =>
    `attempt ${attempt} from ${begin} to ${end ?? "?"}: ${code ?? "no end"}`
  );
  return told.length === 0 ? "no run" : told.join(", ");
}
