// Waiting for a lock that another process holds, and releasing one whose file is not kept.
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound } from "./bucketed_index.ts";

/** Milliseconds between tries at most. */
const LONGEST_PAUSE = 20;

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
  const end = performance.now() + patience;
  const longest = Math.min(LONGEST_PAUSE, patience / 50);
  for (let pause = 1;; pause = Math.min(pause * 2, longest)) {
    const lock = tryLock();
    if (lock !== undefined || performance.now() >= end) return lock;
    await new Promise((resolve) => setTimeout(resolve, pause));
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
