// What a process knows of the settings of queues. Looking at each claim would slow down users
// without settings, so a process relies on what it read for a moment, and whoever changes settings
// waits that long before reporting success.
import { messageOf } from "../../queue/errors.ts";
import type { QueueSettings } from "../../queue/queues.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { queueKey, queuesPath } from "./layout.ts";
import { type AllSettings, readQueues } from "./queues_file.ts";

/** Milliseconds for which a process relies on the settings that it has read. */
const HOLDS = 200;
/** Milliseconds after which no process relies on the old settings any more. */
export const ALL_KNOW = HOLDS + 50;

const NOTHING: AllSettings = new Map();

export class KnownQueues {
  readonly #dataDir: string;
  readonly #files: FileSystem;
  readonly #warn: (message: string) => void;
  #byKey: ReadonlyMap<string, QueueSettings> = NOTHING;
  /** Identifies the version of the file that was read. */
  #version = "";
  #lookedAt = -Infinity;

  constructor(dataDir: string, files: FileSystem, warn: (message: string) => void) {
    this.#dataDir = dataDir;
    this.#files = files;
    this.#warn = warn;
  }

  /** Whether the settings that were read last may still be relied on. */
  get isCurrent(): boolean {
    return performance.now() - this.#lookedAt < HOLDS;
  }

  /** A text that changes whenever the settings have changed. */
  get version(): string {
    return this.#version;
  }

  /** Whether any queue has settings, as far as is known. */
  get isAny(): boolean {
    return this.#byKey.size > 0;
  }

  /** The settings of a queue, as far as is known. */
  of(key: string): QueueSettings | undefined {
    return this.#byKey.get(key);
  }

  /** Reads the settings again if they may not be relied on any more. */
  refresh(): void {
    if (!this.isCurrent) this.look();
  }

  /** Reads the settings now, if the file has changed. */
  look(): void {
    const begin = performance.now();
    const info = this.#files.info(queuesPath(this.#dataDir));
    const version = info === undefined ? "" : `${info.inode} ${info.modifiedAt} ${info.size}`;
    if (version !== this.#version) this.#read(version);
    this.#lookedAt = begin;
  }

  /** Reads the file. If it can't be read, the last known settings stay. */
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
