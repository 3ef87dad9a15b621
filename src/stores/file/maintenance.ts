// Repairing and restoring: one process at a time does either, kept by locks that are named as those
// of commands are, so that whoever recovers the queue clears up after one that died.
import { QueueError } from "../../queue/errors.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { COMMAND_HOLDER, lockPath, RESTORING } from "./layout.ts";

/** Held by who repairs or restores; a repair holds the tickets that it moves by this name. */
export const REPAIR = `${COMMAND_HOLDER}repair`;
/** Held from before a restore looks for workers and commands until the new queue is in its place. */
export const RESTORE = `${COMMAND_HOLDER}restore`;

/** Whoever looks whether a lock's holder lives has the lock for a moment. */
export const TRIES = 50;
export const PAUSE = 10;

/**
 * The lock's file stays when it is released: whoever recovers the queue next, such as this process,
 * puts right what is left under the name, and removes the file.
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
  throw new QueueError("refused", "Another process repairs or restores this queue", {
    hint: "Try again when it has ended",
  });
}

/**
 * Whether the queue is about to be replaced. Who restores takes its lock before it looks for
 * commands, and a command takes its own before it looks here: so one of them sees the other.
 */
export function isBeingRestored(dataDir: string, files: FileSystem): boolean {
  if (files.info(`${dataDir}/${RESTORING}`) !== undefined) return true;
  return isLocked(lockPath(dataDir, RESTORE), files);
}

/** Whether somebody holds a lock. */
export function isLocked(path: string, files: FileSystem): boolean {
  if (files.info(path) === undefined) return false;
  const lock = files.lock(path);
  lock?.release();
  return lock === undefined;
}

export function refusedByRestore(): QueueError {
  return new QueueError("refused", "A backup is being restored", {
    hint: "Try again in a moment",
  });
}

/** Whether the queue has been replaced, or half replaced, since this was called. */
export function watchForRestore(dataDir: string, files: FileSystem): () => boolean {
  const inodes = () =>
    ["jobs", "queue"].map((folder) => files.info(`${dataDir}/${folder}`)?.inode).join();
  const before = inodes();
  return () => inodes() !== before || files.info(`${dataDir}/${RESTORING}`) !== undefined;
}

/**
 * What `look` sees of the queue. It holds no lock, so a restore may go on beside it.
 * @throws QueueError `refused` if it did: half of what was seen is that of the other queue
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
