// The second half of a restore: the new queue replaces the old one. Whoever opens the store
// completes it.
import { QueueError } from "../../queue/errors.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound } from "./bucketed_index.ts";
import { COMMAND_HOLDER, lockPath, RESTORING } from "./layout.ts";
import { lockMaintenance, RESTORE } from "./maintenance.ts";

/**
 * Completes a restore that was interrupted.
 *
 * @throws QueueError `refused` while workers run, or while another process does it
 */
export async function completeRestore(dataDir: string, files: FileSystem): Promise<void> {
  const lock = await lockMaintenance(dataDir, files, RESTORE);
  try {
    // Another process has completed it.
    if (files.info(`${dataDir}/${RESTORING}`) === undefined) return;
    // A worker that sees an unfinished restore stops again, so this lasts only for a moment.
    const worker = liveWorker(dataDir, files);
    if (worker !== undefined) {
      throw new QueueError("refused", `A restore cannot be completed until ${worker} has stopped`, {
        hint: "Try again, or stop it: queuectl stop",
      });
    }
    swap(dataDir, files);
  } finally {
    ignoreNotFound(() => files.remove(lockPath(dataDir, RESTORE)));
    lock.release();
  }
}

/** Replaces the old queue. The caller holds the lock, and no worker and no command is running. */
export function swap(dataDir: string, files: FileSystem): void {
  const staged = `${dataDir}/${RESTORING}`;
  // Jobs that dead commands left half enqueued belong to the old queue.
  removeFromTmp(dataDir, files, COMMAND_HOLDER);
  for (const name of ["jobs", "queue", "schedules", "queues.json", "config.json"]) {
    if (files.info(`${staged}/${name}`) === undefined) continue;
    if (files.info(`${dataDir}/${name}`) !== undefined) {
      files.rename(`${dataDir}/${name}`, `${dataDir}/tmp/replaced-${crypto.randomUUID()}`);
    }
    files.rename(`${staged}/${name}`, `${dataDir}/${name}`);
  }
  ignoreNotFound(() => files.removeFolder(staged));
  files.sync(dataDir); // from here on the restore counts as done
  removeFromTmp(dataDir, files, "replaced-");
}

function removeFromTmp(dataDir: string, files: FileSystem, prefix: string): void {
  for (const name of files.names(`${dataDir}/tmp`)) {
    if (name.startsWith(prefix)) removeTree(files, `${dataDir}/tmp/${name}`);
  }
}

/** The name of a live worker or supervisor, if there is one. */
export function liveWorker(dataDir: string, files: FileSystem): string | undefined {
  for (const file of ignoreNotFound(() => files.names(`${dataDir}/workers`)) ?? []) {
    if (!file.endsWith(".lock") || file.startsWith(COMMAND_HOLDER)) continue;
    const lock = files.lock(`${dataDir}/workers/${file}`);
    if (lock === undefined) return file.slice(0, -".lock".length);
    lock.release();
  }
  return undefined;
}

/** Removes a file, or a folder with all that is in it. Links are removed, not followed. */
export function removeTree(files: FileSystem, path: string): void {
  const info = files.info(path);
  if (info === undefined) return;
  if (info.kind !== "folder") return files.remove(path);
  for (const name of files.names(path)) removeTree(files, `${path}/${name}`);
  files.removeFolder(path);
}
