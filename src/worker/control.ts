// Requests to those that run: a file each in control/, which they watch. A request is removed by
// who grants it, or by who made it.
import { isJobId } from "../queue/job.ts";
import type { FileSystem } from "../system/file_system.ts";

export type StopKind = "graceful" | "force";

/** Asks whoever runs this job to cancel it. */
export function requestCancel(files: FileSystem, dataDir: string, id: string): void {
  request(files, cancelPath(dataDir, id), "cancel");
}

/** Takes the request back, or clears it away; nothing if there is none. */
export function clearCancel(files: FileSystem, dataDir: string, id: string): void {
  clear(files, cancelPath(dataDir, id));
}

/** The ids of jobs that somebody wants cancelled; other programs' files are passed over. */
export function cancelRequests(files: FileSystem, dataDir: string): string[] {
  return files.names(`${dataDir}/control`)
    .filter((name) => name.endsWith(".cancel"))
    .map((name) => name.slice(0, -".cancel".length))
    .filter(isJobId);
}

/** Asks the supervisor or worker of this name to stop. `force` replaces a graceful request. */
export function requestStop(
  files: FileSystem,
  dataDir: string,
  name: string,
  kind: StopKind,
): void {
  request(files, stopPath(dataDir, name, kind), kind);
}

/** What the supervisor or worker of this name is asked to do, the stronger if both. */
export function stopRequest(
  files: FileSystem,
  dataDir: string,
  name: string,
): StopKind | undefined {
  return (["force", "graceful"] as const).find((kind) =>
    files.info(stopPath(dataDir, name, kind)) !== undefined
  );
}

export function clearStop(files: FileSystem, dataDir: string, name: string): void {
  for (const kind of ["graceful", "force"] as const) clear(files, stopPath(dataDir, name, kind));
}

const cancelPath = (dataDir: string, id: string) => `${dataDir}/control/${id}.cancel`;
const stopPath = (dataDir: string, name: string, kind: StopKind) =>
  `${dataDir}/control/${name}.stop-${kind}`;

function request(files: FileSystem, path: string, text: string): void {
  try {
    files.create(path, text + "\n");
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    files.touch(path); // wakes those that may have missed it
  }
}

function clear(files: FileSystem, path: string): void {
  try {
    files.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
