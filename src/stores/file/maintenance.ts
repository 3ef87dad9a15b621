// Locks for repairs and restores, which only one process does at a time. The locks are named like
// those of commands, so that recovering the queue also cleans up after a dead repair or restore.
import { QueueError } from "../../queue/errors.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { COMMAND_HOLDER, lockPath, RESTORING } from "./layout.ts";

/** The lock of repairs and restores. A repair holds the tickets that it moves under this name. */
export const REPAIR = `${COMMAND_HOLDER}repair`;
/**
 * The lock of a restore, from before it looks for workers and commands until the new queue is in
 * place.
 */
export const RESTORE = `${COMMAND_HOLDER}restore`;

/**
 * A lock may be busy for a moment because another process tests it. So it is tried `TRIES` times,
 * `PAUSE` milliseconds apart.
 */
export const TRIES = 50;
export const PAUSE = 10;

/**
 * Takes a lock. Its file stays when it is released: the next recovery, such as by this process,
 * completes what is left under the name, and removes the file.
 *
 * @throws QueueError `refused` while another process has the lock
 */
export async function lockMaintenance(
  dataDir: string,
  files: FileSystem,
  name: string,
): Promise<FileLock> {
  const path = lockPath(dataDir, name);
  for (let tries = 0; tries < TRIES; tries++) {
    const lock = files.lock(path);
    if (lock !== undefined) return lock;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  throw new QueueError("refused", "Another process is repairing or restoring this queue", {
    hint: "Try again when it has ended",
  });
}

/**
 * Whether the queue is about to be replaced. A restore takes its lock before it looks for commands,
 * and a command takes its own lock before it looks here, so at least one of them sees the other.
 */
export function isBeingRestored(dataDir: string, files: FileSystem): boolean {
  if (files.info(`${dataDir}/${RESTORING}`) !== undefined) return true;
  return isLocked(lockPath(dataDir, RESTORE), files);
}

/** Whether another process holds a lock. */
export function isLocked(path: string, files: FileSystem): boolean {
  if (files.info(path) === undefined) return false;
  try {
    // Its holder may end at this moment, and remove the file: a new one would stay.
    const lock = files.lock(path, false);
    lock?.release();
    return lock === undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export function refusedByRestore(): QueueError {
  return new QueueError("refused", "A backup is being restored", {
    hint: "Try again in a moment",
  });
}

/**
 * Returns a function that tells whether the queue has been replaced, even partly, since this call.
 */
export function watchForRestore(dataDir: string, files: FileSystem): () => boolean {
  const inodes = () =>
    ["jobs", "queue"].map((folder) => files.info(`${dataDir}/${folder}`)?.inode).join();
  const before = inodes();
  return () => inodes() !== before || files.info(`${dataDir}/${RESTORING}`) !== undefined;
}

/**
 * The result of `look`, which reads the queue without a lock, so that a restore may happen
 * meanwhile.
 *
 * @throws QueueError `refused` if that happened, since the result may mix both queues
 */
export function unlessRestored<T>(dataDir: string, files: FileSystem, look: () => T): T {
  const isReplaced = watchForRestore(dataDir, files);
  let result: T;
  try {
    result = look();
  } catch (error) {
    throw isReplaced() ? refusedByRestore() : error;
  }
  if (isReplaced()) throw refusedByRestore();
  return result;
}
