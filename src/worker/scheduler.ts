// Fires schedules while a `start` runs: waits for the next time, fires what is due, and waits
// again. Without schedules it only watches for changes. Its parts are passed in; it knows no store.
import { isUnavailable, messageOf } from "../queue/errors.ts";
import type { Fired, FiringParts } from "../queue/schedule_firing.ts";
import type { Recurrence, Schedule, ScheduleEntry } from "../queue/schedule.ts";
import type { ScheduleStore } from "../queue/schedule_store.ts";
import type { WorkerEvent } from "../queue/worker_event.ts";

/** The functions that fire schedules and find times. Loaded when there is a schedule. */
export interface FiringTools {
  readonly store: ScheduleStore;
  fireDue(
    store: ScheduleStore,
    name: string,
    parts: FiringParts,
    tell: (fired: Fired) => void,
  ): Promise<ScheduleEntry | undefined>;
  recurrenceOf(schedule: Schedule): Promise<Recurrence>;
  nextLook(entry: ScheduleEntry, recurrence: Recurrence): number | undefined;
  close(): Promise<void>;
}

export interface SchedulerParts {
  /**
   * A value that changes whenever a schedule changes; undefined if there are no schedules. Cheap.
   */
  version(): Promise<string | undefined>;
  open(): Promise<FiringTools>;
  settings: FiringParts["settings"];
  /** Milliseconds since 1970. */
  now(): number;
  /** Since when some `start` has been running. */
  aliveSince: number;
  /**
   * Resolves when a schedule has changed, when `signal` aborts, or after `timeout` milliseconds.
   */
  wait(timeout: number, signal: AbortSignal): Promise<void>;
  report(event: WorkerEvent): void;
}

/** Milliseconds between two looks at most, in case an event gets lost. */
const LONGEST = 5000;
/**
 * Milliseconds after which schedules are read again in any case, since a file edited in place may
 * cause no event.
 */
const READ_AGAIN = 60_000;
/** Milliseconds between looks while missed times are owed, or another process is firing. */
const SHORT = 200;
/**
 * If a wait takes this many milliseconds too long, the machine was asleep, or the clock has jumped.
 */
const ASLEEP = 30_000;

export class Scheduler {
  readonly #parts: SchedulerParts;
  #aliveSince: number;
  /** The last warning about each schedule, which is not repeated until its text changes. */
  readonly #told = new Map<string, string>();
  /** Finding the next time takes a tenth of a millisecond, so recurrences are kept. */
  readonly #known = new Map<
    string,
    { readonly what: string; readonly recurrence: Recurrence }
  >();
  /** The result of the last look, and until when it is valid if nothing changes. */
  #seen: { version: string; next: number | undefined; until: number } | undefined;
  #looking: Promise<unknown> = Promise.resolve();
  /** How many missed times were caught up. */
  caughtUp = 0;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#aliveSince = parts.aliveSince;
  }

  /** Fires until `stopping` aborts. */
  async run(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      const next = await this.look(stopping);
      const { now, wait } = this.#parts;
      const before = now();
      const timeout = next === undefined
        ? LONGEST
        : Math.min(next > before ? next - before : SHORT, LONGEST);
      await wait(timeout, stopping);
      const after = now();
      // Nothing was running in between, although this process was not restarted.
      if (after - before > timeout + ASLEEP) this.#aliveSince = after;
      // The clock may have been set back.
      this.#aliveSince = Math.min(this.#aliveSince, after);
    }
  }

  /** Fires what is due now. @returns when to look next */
  look(stopping: AbortSignal): Promise<number | undefined> {
    const done = this.#looking.then(() => this.#look(stopping));
    this.#looking = done.catch(() => {});
    return done;
  }

  async #look(stopping: AbortSignal): Promise<number | undefined> {
    let first: number | undefined;
    const { version: versionOf, open } = this.#parts;
    let tools: FiringTools | undefined;
    try {
      const version = await versionOf();
      if (version === undefined) return undefined;
      const now = this.#parts.now();
      const seen = this.#seen;
      if (seen?.version === version && now < seen.until && now >= seen.until - READ_AGAIN) {
        return seen.next;
      }
      tools = await open();
      for (const entry of await tools.store.list()) {
        if (stopping.aborted) break;
        const next = await this.#fireOne(entry, tools, now);
        if (next !== undefined && next < (first ?? Infinity)) first = next;
      }
      const until = Math.min(first ?? Infinity, now + READ_AGAIN);
      this.#seen = { version, next: first, until };
    } catch (error) {
      // For example, the folder can't be read now. It may be readable the next time.
      // That the store is away is told by whoever keeps an eye on it.
      if (!isUnavailable(error)) {
        this.#tell("", `Cannot look after the schedules: ${messageOf(error)}`);
      }
    } finally {
      await tools?.close();
    }
    return first;
  }

  /**
   * Fires what is due of one schedule.
   * @returns when to look at it again
   */
  async #fireOne(
    entry: ScheduleEntry,
    tools: FiringTools,
    now: number,
  ): Promise<number | undefined> {
    const { name } = entry.schedule;
    const { settings, report } = this.#parts;
    try {
      const recurrenceOf = (schedule: Schedule) => this.#recurrenceOf(schedule, tools);
      const next = tools.nextLook(entry, await recurrenceOf(entry.schedule));
      if (next === undefined || next > now) return next;
      const parts = { now, aliveSince: this.#aliveSince, recurrenceOf, settings };
      const after = await tools.fireDue(tools.store, name, parts, (fired) => {
        const { step, jobId, holder } = fired;
        if (step.kind === "fire" && step.caughtUp) this.caughtUp++;
        report({ kind: "schedule_due", schedule: name, at: step.at, jobId, holder });
      });
      this.#told.delete(name);
      // Nothing was done: another process is firing it, or the previous job has not ended.
      if (after === undefined) return -Infinity;
      return tools.nextLook(after, await recurrenceOf(after.schedule));
    } catch (error) {
      // A broken schedule must not stop the others.
      if (isUnavailable(error)) throw error;
      this.#tell(name, `Cannot fire the schedule "${name}": ${messageOf(error)}`);
      return now + LONGEST;
    }
  }

  async #recurrenceOf(schedule: Schedule, tools: FiringTools): Promise<Recurrence> {
    const { name, when, tz, createdAt } = schedule;
    const what = JSON.stringify([when, tz, createdAt]);
    const known = this.#known.get(name);
    if (known?.what === what) return known.recurrence;
    const recurrence = remembering(await tools.recurrenceOf(schedule));
    this.#known.set(name, { what, recurrence });
    return recurrence;
  }

  #tell(name: string, message: string): void {
    if (this.#told.get(name) === message) return;
    this.#told.set(name, message);
    this.#parts.report({ kind: "warning", message });
  }
}

/** Remembers the last answer, since each look asks for the same time. */
function remembering({ after }: Recurrence): Recurrence {
  let asked: number | undefined;
  let answer: number | undefined;
  return {
    after(time) {
      if (time !== asked) [asked, answer] = [time, after(time)];
      return answer;
    },
  };
}
