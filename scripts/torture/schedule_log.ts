// The schedules of the torture, and what was asked of them, for the reckoning.

export interface Plan {
  readonly when: readonly string[];
  /** Milliseconds from one time to the next. */
  readonly every: number;
  /**
   * Whether each time makes a job, whatever happens: it misses none, skips none, and is never
   * paused.
   */
  readonly isStrict: boolean;
  readonly options: readonly string[];
  /** What its jobs do; with a key, no two of them may run at once. */
  readonly kind: string;
  readonly number: number;
  readonly key: string;
}

export const PLANS: Readonly<Record<string, Plan>> = {
  "each": {
    when: ["--every", "2s"],
    every: 2000,
    isStrict: true,
    options: ["--missed", "all", "--overlap", "allow"],
    kind: "quick",
    number: 0,
    key: "-",
  },
  "minutely": {
    when: ["--cron", "* * * * *", "--tz", "Europe/Berlin"],
    every: 60_000,
    isStrict: true,
    options: ["--missed", "all", "--overlap", "allow", "--queue", "plain"],
    kind: "quick",
    number: 0,
    key: "-",
  },
  "lonely": {
    when: ["--every", "1s"],
    every: 1000,
    isStrict: false,
    options: ["--missed", "last", "--overlap", "skip", "--max-retries", "1"],
    kind: "slow",
    number: 1.3,
    key: "schedule-lonely",
  },
};

/** A time at which none of its jobs may be due, by the program's clock; `to` is left out. */
interface Silence {
  readonly from: number;
  readonly to: number;
}

/** What became of one. Times are those of the program's clock, in milliseconds since 1970. */
export interface Story {
  /** Its first time is the first one after this. */
  readonly createdAt: number;
  /** All times up to this one were due while something was there to fire them, in the end. */
  until: number;
  readonly silences: Silence[];
}

export class ScheduleLog {
  readonly stories = new Map<string, Story>();
}

/** The times of a schedule, as the ids of its jobs have them: in whole seconds. */
export function idOf(name: string, time: number): string {
  return `${name}-${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}

/** All times of a plan from when it was added up to one. */
export function timesOf({ when, every }: Plan, createdAt: number, until: number): number[] {
  const isByClock = when[0] === "--cron";
  const first = isByClock ? (Math.floor(createdAt / every) + 1) * every : createdAt + every;
  const count = Math.floor((until - first) / every) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => first + i * every);
}
