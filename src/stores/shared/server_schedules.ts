// Schedules on a server, as far as it does not matter how they are kept.
import { QueueError } from "../../queue/errors.ts";
import type { ScheduleEntry } from "../../queue/schedule.ts";
import { scheduleFromJson } from "../../queue/schedule_json.ts";
import type { ScheduleWatch } from "../../queue/schedule_store.ts";
import type { JobStore } from "../../queue/store.ts";
import type { Wake } from "./wake.ts";

/** What firing needs: the jobs, and who is told of schedules that can't be read. */
export interface FiringParts {
  readonly jobs: Pick<JobStore, "change" | "get">;
  readonly warn?: (message: string) => void;
}

/**
 * The schedule of that name.
 * @param json as in `scheduleToJson` and `scheduleStateToJson`, together
 * @param what this is, for a user: a row, or a record
 * @throws QueueError `damaged`
 */
export function entryFrom(name: string, json: unknown, what: string): ScheduleEntry {
  const entry = scheduleFromJson(json);
  if (entry?.schedule.name === name) return entry;
  throw new QueueError("damaged", `Cannot use the schedule "${name}": its ${what} is damaged`, {
    hint: `Remove it: queuectl schedule remove ${name}`,
  });
}

/** Those that can be read; of others it warns. */
export function readable<T>(
  all: readonly T[],
  decode: (one: T) => ScheduleEntry,
  warn: FiringParts["warn"],
): ScheduleEntry[] {
  return all.flatMap((one) => {
    try {
      return [decode(one)];
    } catch (error) {
      warn?.((error as Error).message);
      return [];
    }
  });
}

/** Tells of changed schedules by a number that each change counts up. */
export class ServerScheduleWatch implements ScheduleWatch {
  readonly #wake: Wake;
  readonly #version: () => Promise<string | undefined>;

  /** @param version the number; undefined if there are no schedules */
  constructor(wake: Wake, version: () => Promise<string | undefined>) {
    this.#wake = wake;
    this.#version = version;
  }

  async version(): Promise<string | undefined> {
    this.#wake.look();
    return await this.#version();
  }

  async wait(timeout: number, signal: AbortSignal): Promise<void> {
    await this.#wake.wait(timeout, signal);
  }

  close(): void {
    void this.#wake.close();
  }
}
