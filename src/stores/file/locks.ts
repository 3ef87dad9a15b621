// Waiting for a lock that another process holds, and releasing one whose file is not kept.
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound } from "./bucketed_index.ts";

/** Milliseconds between tries at most. */
const LONGEST_PAUSE = 20;
/** Tries without a pause: they take less than the shortest pause, and most locks are held briefly. */
const AT_ONCE = 8;

/**
 * Takes a lock as soon as it is free.
 * @param tryLock takes it if it is free now
 * @param patience milliseconds to wait at most
 * @returns undefined if it is not free in time
 */
export async function lockPatiently(
  tryLock: () => FileLock | undefined,
  patience: number,
): Promise<FileLock | undefined> {
  const begin = performance.now();
  const longest = Math.min(LONGEST_PAUSE, patience / 50);
  let pause = 1;
  for (let tries = 1;; tries++) {
    const lock = tryLock();
    if (lock !== undefined || performance.now() - begin >= patience) return lock;
    if (tries < AT_ONCE) continue;
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, longest);
  }
}

/** Removes the file of a lock, and then releases the lock: afterwards the file may be another's. */
export function removeLock(files: FileSystem, path: string, lock: FileLock): void {
  try {
    ignoreNotFound(() => files.remove(path));
  } catch {
    // The lock is released all the same.
  }
  lock.release();
}
