// Watches for changes of schedules without reading any; used by a `start` that has none.
import type { ScheduleWatch } from "../../queue/schedule_store.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { Watch } from "../../system/watch.ts";
import { makeUnlessThere } from "./bucketed_index.ts";
import { schedulesFolder } from "./layout.ts";
import { promised } from "./promised.ts";

export class FileScheduleWatch implements ScheduleWatch {
  readonly #folder: string;
  readonly #files: FileSystem;
  readonly #watch: Watch;
  /** Counts changes, since two may have the same modification time. */
  #events = 0;

  constructor(dataDir: string, files: FileSystem) {
    this.#files = files;
    this.#folder = schedulesFolder(dataDir);
    makeUnlessThere(files, this.#folder);
    this.#watch = new Watch([this.#folder], () => this.#events++);
  }

  version(): Promise<string | undefined> {
    return promised(() =>
      this.#files.names(this.#folder).length === 0
        ? undefined
        : `${this.#files.info(this.#folder)?.modifiedAt} ${this.#events}`
    );
  }

  wait(timeout: number, signal: AbortSignal): Promise<void> {
    return this.#watch.next(timeout, signal);
  }

  close(): void {
    this.#watch.close();
  }
}
