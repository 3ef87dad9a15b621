// Requests to running processes: one file each in control/, which those processes watch.
import { isJobId } from "../../queue/job.ts";
import type { Requests, StopKind } from "../../queue/requests.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { Watch } from "../../system/watch.ts";
import { ignoreNotFound } from "./bucketed_index.ts";
import { promised } from "./promised.ts";

const STOP_KINDS = ["force", "graceful"] as const;

export class FileRequests implements Requests {
  readonly #folder: string;
  readonly #files: FileSystem;
  #watch: Watch | undefined;

  constructor(dataDir: string, files: FileSystem) {
    this.#folder = `${dataDir}/control`;
    this.#files = files;
  }

  requestStop(name: string, kind: StopKind): Promise<void> {
    return promised(() => this.#request(this.#stopPath(name, kind), kind));
  }

  stopRequested(name: string): Promise<StopKind | undefined> {
    return promised(() =>
      STOP_KINDS.find((kind) => this.#files.info(this.#stopPath(name, kind)) !== undefined)
    );
  }

  clearStop(name: string): Promise<void> {
    return promised(() => clearStop(this.#files, this.#folder, name));
  }

  requestCancel(id: string): Promise<void> {
    return promised(() => this.#request(this.#cancelPath(id), "cancel"));
  }

  cancelRequests(): Promise<string[]> {
    return promised(() =>
      this.#files.names(this.#folder)
        .filter((name) => name.endsWith(".cancel"))
        .map((name) => name.slice(0, -".cancel".length))
        .filter(isJobId) // other programs may leave files here
    );
  }

  clearCancel(id: string): Promise<void> {
    return promised(() => ignoreNotFound(() => this.#files.remove(this.#cancelPath(id))));
  }

  wait(timeout?: number, signal?: AbortSignal): Promise<void> {
    this.#watch ??= new Watch([this.#folder], () => {});
    return this.#watch.next(timeout, signal);
  }

  close(): void {
    this.#watch?.close();
  }

  #cancelPath(id: string): string {
    return `${this.#folder}/${id}.cancel`;
  }

  #stopPath(name: string, kind: StopKind): string {
    return stopPath(this.#folder, name, kind);
  }

  #request(path: string, text: string): void {
    try {
      this.#files.create(path, text + "\n");
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      this.#files.touch(path); // wakes processes that may have missed it
    }
  }
}

/**
 * Removes the requests to stop the process with this name.
 * @param folder the folder of requests
 */
export function clearStop(files: FileSystem, folder: string, name: string): void {
  for (const kind of STOP_KINDS) ignoreNotFound(() => files.remove(stopPath(folder, name, kind)));
}

function stopPath(folder: string, name: string, kind: StopKind): string {
  return `${folder}/${name}.stop-${kind}`;
}
