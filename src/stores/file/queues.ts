// The queues of a data folder: their settings are in queues.json, and the names of tickets tell
// what waits and runs. The rule of what may begin is not here.
import { QueueError } from "../../queue/errors.ts";
import { DEFAULT_QUEUE } from "../../queue/job.ts";
import {
  isTighter,
  isUnrestricted,
  type QueueSettings,
  type QueueStore,
  type QueueView,
  UNRESTRICTED,
} from "../../queue/queues.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { delay } from "../../system/delay.ts";
import { Turns } from "../../system/turns.ts";
import { addSums, BucketSums, type Sums, sumsOf } from "./bucket_sums.ts";
import type { BucketedIndex } from "./bucketed_index.ts";
import { Gates } from "./gates.ts";
import { uniqueName } from "./inbox.ts";
import { JobFiles } from "./job_files.ts";
import { ALL_KNOW } from "./known_queues.ts";
import { COMMAND_HOLDER, isCutKey, lastingPart, queueKey } from "./layout.ts";
import { heldTickets, whereTicketsWait } from "./listing.ts";
import { isBeingRestored, refusedByRestore, watchForRestore } from "./maintenance.ts";
import { promised } from "./promised.ts";
import { type AllSettings, changeQueues, readQueues } from "./queues_file.ts";
import { Tickets } from "./tickets.ts";

export interface FileQueuesParts {
  readonly files: FileSystem;
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
  /** Told of files that can't be read. */
  readonly warn?: (message: string) => void;
}

interface Activity {
  readonly waiting: number;
  readonly failed: number;
  readonly blocked: number;
  readonly running: number;
  readonly oldestWaitingAt: number | null;
  /** The id of one of its jobs. */
  readonly id: string;
}

/** How often tickets are counted again because some have moved meanwhile. */
const ROUNDS = 3;

export class FileQueues implements QueueStore {
  readonly #dataDir: string;
  readonly #files: FileSystem;
  readonly #tickets: Tickets;
  readonly #now: () => number;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #gates: Gates;
  readonly #sums: BucketSums;

  constructor(dataDir: string, parts: FileQueuesParts) {
    const { files, now = Date.now, sleep = delay, warn = () => {} } = parts;
    const unique = uniqueName();
    this.#dataDir = dataDir;
    this.#files = files;
    this.#now = now;
    this.#sleep = sleep;
    this.#sums = new BucketSums(files);
    this.#tickets = new Tickets(files, dataDir, unique);
    this.#gates = new Gates({ dataDir, files, tickets: this.#tickets, warn, unique, now });
  }

  async list(): Promise<QueueView[]> {
    const isReplaced = watchForRestore(this.#dataDir, this.#files);
    let views: QueueView[];
    try {
      views = await this.#list();
    } catch (error) {
      throw isReplaced() ? refusedByRestore() : error;
    }
    if (isReplaced()) throw refusedByRestore();
    return views;
  }

  settings(): Promise<AllSettings> {
    return promised(() => readQueues(this.#dataDir, this.#files));
  }

  async change(
    names: Iterable<string>,
    change: (before: QueueSettings) => QueueSettings | QueueError,
  ): Promise<void> {
    if (isBeingRestored(this.#dataDir, this.#files)) throw refusedByRestore();
    const wanted = [...new Set(names)];
    let before: AllSettings = new Map();
    const after = new Map<string, QueueSettings>();
    await changeQueues(this.#dataDir, this.#files, (all) => {
      before = all;
      for (const name of wanted) {
        const settings = change(all.get(name) ?? UNRESTRICTED);
        if (settings instanceof QueueError) throw settings;
        // An unrestricted queue stays in the file until all of its tickets that were set aside are
        // put back.
        if (all.has(name) || !isUnrestricted(settings)) after.set(name, settings);
      }
      return after.size === 0 ? undefined : new Map([...all, ...after]);
    });
    const isTightened = [...after].some(([name, settings]) =>
      isTighter(settings, before.get(name) ?? UNRESTRICTED)
    );
    // Until then workers may still rely on the old settings.
    if (isTightened) await this.#sleep(ALL_KNOW);
    for (const name of after.keys()) {
      await this.#gates.openings.open(queueKey(name), this.#now(), () => this.#forget(name));
    }
  }

  /** Removes the settings of a queue that is unrestricted and has no tickets set aside. */
  async #forget(name: string): Promise<void> {
    await changeQueues(this.#dataDir, this.#files, (all) => {
      const settings = all.get(name);
      if (settings === undefined || !isUnrestricted(settings)) return undefined;
      return new Map([...all].filter(([other]) => other !== name));
    });
  }

  async #list(): Promise<QueueView[]> {
    const settings = readQueues(this.#dataDir, this.#files);
    const activity = await this.#activity();
    const views = new Map<string, QueueView>();
    for (const name of [DEFAULT_QUEUE, ...settings.keys()]) {
      views.set(queueKey(name), { name, ...settings.get(name) ?? UNRESTRICTED, ...NONE });
    }
    for (const [key, { id, ...figures }] of activity) {
      const view = views.get(key) ?? { name: this.#nameOf(key, id), ...UNRESTRICTED, ...NONE };
      views.set(key, { ...view, ...figures });
    }
    return [...views.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /**
   * What waits and runs, by the keys of queues, from the names of tickets alone. A million of those
   * take seconds, in which other tasks of this process get their turn. Tickets that moved meanwhile
   * may be counted twice: then it looks again, and reads only what has changed.
   */
  async #activity(): Promise<Map<string, Activity>> {
    for (let round = 1;; round++) {
      const activity = await this.#activityOnce();
      if (round === ROUNDS || this.#sums.areStill()) return activity;
    }
  }

  async #activityOnce(): Promise<Map<string, Activity>> {
    this.#sums.begin();
    const waiting = await this.#sumsIn(whereTicketsWait(this.#tickets));
    const blocked = await this.#sumsIn([this.#tickets.blocked]);
    const running = sumsOf(
      heldTickets(this.#tickets).flatMap(({ name, worker }) =>
        worker!.startsWith(COMMAND_HOLDER) ? [] : [name]
      ),
    );
    const found = new Map<string, Activity>();
    for (const sums of [waiting, blocked, running]) {
      for (const [key, { id }] of sums) {
        found.set(key, {
          id,
          waiting: waiting.get(key)?.count ?? 0,
          failed: waiting.get(key)?.failed ?? 0,
          blocked: blocked.get(key)?.count ?? 0,
          running: running.get(key)?.count ?? 0,
          oldestWaitingAt: waiting.get(key)?.oldestCreatedAt ?? null,
        });
      }
    }
    return found;
  }

  async #sumsIn(indexes: Iterable<BucketedIndex>): Promise<Sums> {
    const turns = new Turns();
    const all: Sums = new Map();
    const summed = new Set<string>();
    const read = new Set<string>();
    // A ticket that moves meanwhile may be seen twice, but counts once.
    const seen = new Set<string>();
    const isNew = (name: string) => {
      const lasting = lastingPart(name);
      return !seen.has(lasting) && seen.add(lasting);
    };
    for (const index of indexes) {
      for (const bucket of index.buckets()) {
        await turns.give();
        const path = index.path(bucket.name);
        // A sealed bucket keeps its name when it moves.
        const mark = bucket.count === undefined ? path : bucket.name;
        if (summed.has(mark)) continue;
        const sums = read.has(path) ? undefined : this.#sums.of(index, bucket);
        if (sums === undefined) read.add(path);
        else summed.add(mark);
        addSums(all, sums ?? sumsOf(index.tickets(bucket).filter(isNew)));
      }
    }
    return all;
  }

  /** The name of a queue. A long name is only in the jobs' files. */
  #nameOf(key: string, id: string): string {
    if (!isCutKey(key)) return key;
    return new JobFiles(this.#files, this.#dataDir).read(id)?.job.queue ?? key;
  }
}

const NONE = { waiting: 0, failed: 0, blocked: 0, running: 0, oldestWaitingAt: null };
