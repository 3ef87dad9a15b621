// The reference implementation of the port for schedules, for tests.
import { QueueError } from "../../queue/errors.ts";
import type { Job } from "../../queue/job.ts";
import { keyTaken, type ScheduleEntry } from "../../queue/schedule.ts";
import { decideOn, noSchedule } from "../../queue/schedule_firing.ts";
import type { Decide, ScheduleStore } from "../../queue/schedule_store.ts";
import type { JobStore } from "../../queue/store.ts";

export class MemorySchedules implements ScheduleStore {
  readonly #entries = new Map<string, ScheduleEntry>();
  readonly #busy = new Set<string>();
  readonly #jobs: Pick<JobStore, "add" | "change" | "get">;

  constructor(jobs: Pick<JobStore, "add" | "change" | "get">) {
    this.#jobs = jobs;
  }

  get(name: string): Promise<ScheduleEntry | undefined> {
    return Promise.resolve(this.#entries.get(name));
  }

  list(): Promise<ScheduleEntry[]> {
    const names = [...this.#entries.keys()].sort();
    return Promise.resolve(names.map((name) => this.#entries.get(name)!));
  }

  // deno-lint-ignore require-await -- so that errors become rejections
  async put(
    name: string,
    make: (before: ScheduleEntry | undefined) => ScheduleEntry | QueueError,
  ): Promise<ScheduleEntry> {
    const entry = make(this.#entries.get(name));
    if (entry instanceof QueueError) throw entry;
    this.#entries.set(name, entry);
    return entry;
  }

  // deno-lint-ignore require-await
  async remove(name: string): Promise<void> {
    if (!this.#entries.delete(name)) throw noSchedule(name);
  }

  async fire(name: string, decide: Decide): Promise<ScheduleEntry | undefined> {
    const entry = this.#entries.get(name);
    if (entry === undefined || this.#busy.has(name)) return undefined;
    this.#busy.add(name);
    try {
      const firing = await decideOn(entry, this.#jobs, decide);
      // If somebody changed it meanwhile, that change wins.
      if (firing === undefined || this.#entries.get(name) !== entry) return undefined;
      let { state } = firing;
      if (firing.job !== undefined) {
        const left = (_: Job, holder: string) => state = keyTaken(state, holder);
        await this.#jobs.add([firing.job], left).catch((error) => {
          if (!(error instanceof QueueError) || error.code !== "duplicate_id") throw error;
        });
      }
      const after = { schedule: entry.schedule, state };
      this.#entries.set(name, after);
      return after;
    } finally {
      this.#busy.delete(name);
    }
  }
}
