// The file with the random token, which `--print-token` reads while `serve` runs. `serve` holds a
// lock on it; the kernel frees that of one that was killed.
import { QueueError } from "../queue/errors.ts";
import type { FileSystem } from "../system/file_system.ts";

/** Where the token of a `serve` on this port lies. */
export function tokenPath(folder: string, port: number): string {
  return `${folder}/serve-${port}.token`;
}

/**
 * Writes the token down.
 * @returns what removes it
 * @throws QueueError `refused` if another `serve` keeps its own there: same port, other address
 */
export function keepToken(
  files: FileSystem,
  path: string,
  token: string,
  port: number,
): () => void {
  const there = files.info(path)?.kind;
  if (there !== undefined && there !== "file") files.remove(path); // not ours: a link, say
  if (there === "file") {
    const left = files.lock(path);
    if (left === undefined) {
      throw new QueueError(
        "refused",
        `Another queuectl serve on this store uses port ${port}, at another address`,
        { hint: "Name another port: queuectl serve --listen ADDRESS:PORT" },
      );
    }
    files.remove(path); // left by one that was killed
    left.release();
  }
  files.create(path, `${token}\n`);
  const lock = files.lock(path);
  return () => {
    files.remove(path);
    lock?.release();
  };
}

/** @throws QueueError `not_found` if none runs */
export function keptToken(files: FileSystem, path: string, port: number): string {
  const none = new QueueError("not_found", `No queuectl serve runs on port ${port} here`, {
    hint: "With QUEUECTL_SERVE_TOKEN the token is kept nowhere else; --listen names another port",
  });
  if (files.info(path)?.kind !== "file") throw none;
  const lock = files.lock(path);
  if (lock === undefined) return files.readText(path).trim();
  files.remove(path);
  lock.release();
  throw none;
}
