// Logs are files beside the job's own file. Readers see what has been written so far.
import type { LogReader } from "../../queue/logs.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { logPath } from "./layout.ts";
import { promised } from "./promised.ts";

export class FileLogs implements LogReader {
  readonly #dataDir: string;
  readonly #files: FileSystem;

  constructor(dataDir: string, files: FileSystem) {
    this.#dataDir = dataDir;
    this.#files = files;
  }

  size(id: string, attempt: number): Promise<number | undefined> {
    return promised(() => this.#files.info(logPath(this.#dataDir, id, attempt))?.size);
  }

  read(
    id: string,
    attempt: number,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    return promised(() =>
      this.#files.readBytes(logPath(this.#dataDir, id, attempt), offset, length)
    );
  }
}
