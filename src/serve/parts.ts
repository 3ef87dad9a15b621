// All that the handlers of the API are given.
import type { DeadGroup } from "../queue/dead_groups.ts";
import type { NewJob } from "../queue/enqueue.ts";
import type { Job } from "../queue/job.ts";
import type { DlqStats } from "../queue/operations.ts";
import type { QueueView } from "../queue/queues.ts";
import type { Counts, JobReader, JobStore } from "../queue/store.ts";
import type { Tally } from "../queue/tally.ts";
import type { Store } from "../stores/store.ts";
import type { Access } from "./access.ts";
import type { Changes } from "./changes.ts";
import type { EndedHistory } from "./ended_history.ts";
import type { EventHub } from "./events.ts";
import type { Remembered } from "./remembered.ts";

export interface ServeOptions {
  readonly readOnly: boolean;
  readonly allowEnqueue: boolean;
  readonly publicMetrics: boolean;
}

/** What is asked for often, or costs much where the store is big. */
export interface RememberedFigures {
  readonly counts: Counts;
  readonly queues: readonly QueueView[];
  readonly tally: Tally;
  readonly dlq: { readonly stats: DlqStats; readonly groups: readonly DeadGroup[] };
}

export interface Parts {
  readonly store: Store;
  /** Open for as long as this process serves. */
  readonly jobs: JobReader;
  readonly access: Access;
  readonly options: ServeOptions;
  readonly events: EventHub;
  readonly changes: Changes;
  readonly history: EndedHistory;
  readonly version: string;
  readonly now: () => number;
  readonly newId: () => string;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Milliseconds for which a list is looked for: what was found until then is shown. */
  readonly searchTime: number;
  /** The port that it listens on. */
  readonly port: () => number;
  /**
   * A new job from JSON, as a line of a batch has it.
   * @throws QueueError `usage`
   */
  readonly readNewJob: (json: string, now: number) => Promise<NewJob>;
  readonly endOrphan: (jobs: JobStore, job: Job) => Promise<boolean>;
  readonly remembered: {
    readonly [K in keyof RememberedFigures]: Remembered<RememberedFigures[K]>;
  };
  /** Aborts when it ends. */
  readonly ending: AbortSignal;
}

/** Opens the jobs for a change. */
export async function withJobs<T>(
  { store }: Parts,
  use: (jobs: JobStore) => Promise<T>,
): Promise<T> {
  const jobs = await store.openJobs();
  try {
    return await use(jobs);
  } finally {
    await jobs.close();
  }
}
