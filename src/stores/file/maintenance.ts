// Repairing and restoring: one process at a time does either, kept by locks that are named as those
// of commands are, so that whoever recovers the queue clears up after one that died.
import { QueueError } from "../../queue/errors.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { COMMAND_HOLDER, lockPath } from "./layout.ts";

/** Held by who repairs or restores; a repair holds the tickets that it moves by this name. */
export const REPAIR = `${COMMAND_HOLDER}repair`;
/** Held from before a restore looks for workers until the new queue is in its place. */
export const RESTORE = `${COMMAND_HOLDER}restore`;

/** Whoever recovers the queue has the lock for a moment, to see whether its holder lives. */
const TRIES = 50;
const PAUSE = 10;

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

/** Whether the queue has been replaced since this was called. */
export function watchForRestore(dataDir: string, files: FileSystem): () => boolean {
  const inodes = () =>
    ["jobs", "queue"].map((folder) => files.info(`${dataDir}/${folder}`)?.inode).join();
  const before = inodes();
  return () => inodes() !== before;
}
