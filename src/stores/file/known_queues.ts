// What a process knows of the settings of queues, and for how long that holds. Looking at each claim
// would cost all that use none of them, so what was seen holds for a moment, and whoever sets
// something waits for as long before saying that it is done.
import { messageOf } from "../../queue/errors.ts";
import type { QueueSettings } from "../../queue/queues.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { queueKey, queuesPath } from "./layout.ts";
import { type AllSettings, readQueues } from "./queues_file.ts";

/** Milliseconds for which the settings hold that were seen. */
const HOLDS = 200;
/** After so many milliseconds nobody relies on settings that were changed. */
export const ALL_KNOW = HOLDS + 50;

const NOTHING: AllSettings = new Map();

export class KnownQueues {
  readonly #dataDir: string;
  readonly #files: FileSystem;
  readonly #warn: (message: string) => void;
  #byKey: ReadonlyMap<string, QueueSettings> = NOTHING;
  /** What tells one version of the file from another. */
  #version = "";
  #lookedAt = -Infinity;

  constructor(dataDir: string, files: FileSystem, warn: (message: string) => void) {
    this.#dataDir = dataDir;
    this.#files = files;
    this.#warn = warn;
  }

  /** Whether what was seen last still holds. */
  get isCurrent(): boolean {
    return performance.now() - this.#lookedAt < HOLDS;
  }

  /** Another text whenever other settings were seen. */
  get version(): string {
    return this.#version;
  }

  /** Whether any queue has settings, as far as is known. */
  get isAny(): boolean {
    return this.#byKey.size > 0;
  }

  /** What is set of a queue, as far as is known. */
  of(key: string): QueueSettings | undefined {
    return this.#byKey.get(key);
  }

  /** Looks if what was seen last does not hold any more. */
  refresh(): void {
    if (!this.isCurrent) this.look();
  }

  /** Looks now. What holds is what there was at some moment after the call. */
  look(): void {
    const begin = performance.now();
    const info = this.#files.info(queuesPath(this.#dataDir));
    const version = info === undefined ? "" : `${info.inode} ${info.modifiedAt} ${info.size}`;
    if (version !== this.#version) this.#read(version);
    this.#lookedAt = begin;
  }

  /** What can't be read leaves all as it was: jobs go on as they would have. */
  #read(version: string): void {
    try {
      const all = readQueues(this.#dataDir, this.#files);
      this.#byKey = new Map([...all].map(([name, one]) => [queueKey(name), one]));
      this.#version = version;
    } catch (error) {
      this.#warn(messageOf(error));
    }
  }
}
