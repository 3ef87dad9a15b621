// Changes of many jobs that go on in the background: whoever began one may look how far it has come,
// stop it, or leave.
import { messageOf, QueueError } from "../queue/errors.ts";
import { isoTime } from "../queue/job_json.ts";
import { pause } from "../system/delay.ts";
import { Problem } from "./answer.ts";
import type { Target } from "./bulk_target.ts";

export const VERBS = ["retry", "remove", "cancel"] as const;
export type Verb = typeof VERBS[number];
const DOING: Readonly<Record<Verb, string>> = {
  retry: "retrying",
  remove: "removing",
  cancel: "cancelling",
};

/** What is told of a change while it goes on, and by what it is told to stop. */
export interface ChangeProgress {
  /** Called for each job that is found. */
  found(): void;
  /** Called when all have been found, and changing them begins. */
  begins(): void;
  done(): void;
  refused(why: QueueError): void;
  readonly stop: AbortSignal;
}

/** What is done; it tells how far it has come. */
export type Work = (progress: ChangeProgress) => Promise<void>;

/** What a change is made of, beside what it is to do. */
interface Means {
  readonly newId: () => string;
  readonly now: () => number;
  /** Aborts when the server ends. */
  readonly ending: AbortSignal;
}

/** Refusals that are told. */
const TOLD = 20;
/** Those that may go on at once; and of those that have ended, so many are remembered. */
const MOST = 8;
const REMEMBERED = 50;

/** `looking`: for the jobs that are meant. */
export const CHANGE_STATES = ["looking", "changing", "done", "stopped", "failed"] as const;
type State = typeof CHANGE_STATES[number];

/** One change, and how far it has come. */
export class Change implements ChangeProgress {
  readonly id: string;
  readonly verb: Verb;
  readonly target: Target;
  readonly stop: AbortSignal;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #stopping = new AbortController();
  #state: State = "looking";
  #endedAt: number | null = null;
  #error: string | null = null;
  #allFound = false;
  #matched = 0;
  #done = 0;
  #refused = 0;
  readonly #refusals: { message: string; hint: string | null }[] = [];

  constructor(verb: Verb, target: Target, { newId, now, ending }: Means) {
    [this.id, this.verb, this.target, this.#now] = [newId(), verb, target, now];
    this.#startedAt = now();
    this.stop = AbortSignal.any([this.#stopping.signal, ending]);
  }

  get hasEnded(): boolean {
    return this.#endedAt !== null;
  }

  /** Does it. @throws what kept it from going on */
  async run(work: Work): Promise<void> {
    try {
      await work(this);
      this.#state = this.stop.aborted ? "stopped" : "done";
    } catch (error) {
      this.#state = "failed";
      this.#error = messageOf(error);
      throw error;
    } finally {
      this.#endedAt = this.#now();
    }
  }

  /** Changes no more jobs. */
  end(): void {
    this.#stopping.abort();
  }

  found(): void {
    this.#matched++;
  }

  begins(): void {
    this.#state = "changing";
    this.#allFound = true;
  }

  done(): void {
    this.#done++;
  }

  refused({ message, hint }: QueueError): void {
    this.#refused++;
    if (this.#refusals.length < TOLD) this.#refusals.push({ message, hint: hint ?? null });
  }

  /** What came of it, as the API has it. */
  results() {
    const [matched, done, refused] = [this.#matched, this.#done, this.#refused];
    return { matched, complete: !this.stop.aborted, done, refused, refusals: this.#refusals };
  }

  /** How far it came before it was stopped, for whoever ends the server; undefined if it was not. */
  cutShort(): string | undefined {
    const tried = this.#done + this.#refused;
    if (this.#state !== "stopped" || this.#allFound && tried === this.#matched) return undefined;
    const what = `Stopped ${DOING[this.verb]} jobs`;
    if (!this.#allFound) return `${what}: none was changed yet`;
    const refused = this.#refused === 0 ? "" : `, ${this.#refused} refused`;
    return `${what}: ${this.#done} of ${this.#matched} done${refused}; the others stay as they are`;
  }

  /** All of it, as the API has it. */
  toJson() {
    const { filter = null } = this.target;
    return {
      id: this.id,
      verb: this.verb,
      filter,
      state: this.#state,
      started_at: isoTime(this.#startedAt),
      ended_at: this.#endedAt === null ? null : isoTime(this.#endedAt),
      error: this.#error,
      ...this.results(),
    };
  }
}

/** The changes that go on, and the last ones that have ended. */
export class Changes {
  #all: Change[] = [];
  readonly #running = new Set<Promise<void>>();

  /** The last one first. */
  list(): Change[] {
    return this.#all.toReversed();
  }

  /** @throws QueueError `not_found` */
  find(id: string): Change {
    const found = this.#all.find((one) => one.id === id);
    if (found !== undefined) return found;
    throw new QueueError("not_found", `No change "${id}"`, {
      hint: "The server may have been started again since: what was not done then is not",
    });
  }

  /**
   * Begins one, and returns when it has ended, or after `patience` milliseconds.
   *
   * @throws Problem `busy`
   */
  async begin(change: Change, work: Work, patience: number): Promise<void> {
    if (this.#running.size >= MOST) {
      throw new Problem(503, "busy", `${MOST} changes of many jobs are under way`, {
        hint: "Wait for one of them to end",
      });
    }
    const ended = this.#all.filter(({ hasEnded }) => hasEnded).slice(-REMEMBERED);
    this.#all = [...this.#all.filter((one) => !one.hasEnded || ended.includes(one)), change];
    // Why it failed is told to whoever looks.
    const run = change.run(work).catch(() => {});
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
    await pause(patience, run);
  }

  /**
   * Returns when none goes on; they end soon once the server does.
   * @returns of each that was cut short by that, how far it came
   */
  async close(): Promise<string[]> {
    const last = this.#all.filter(({ hasEnded }) => !hasEnded);
    await Promise.all(this.#running);
    return last.flatMap((change) => change.cutShort() ?? []);
  }
}
