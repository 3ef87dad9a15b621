// The second half of a restore: the new queue takes the old one's place. Whoever opens the store
// completes it.
import { QueueError } from "../../queue/errors.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { RESTORING } from "./layout.ts";
import { ignoreNotFound } from "./bucketed_index.ts";

/** Puts a restored queue in its place, from wherever it was interrupted. */
export function completeRestore(dataDir: string, files: FileSystem): void {
  const staged = `${dataDir}/${RESTORING}`;
  const lockPath = `${dataDir}/workers/cli-restore.lock`;
  const lock = files.lock(lockPath);
  if (lock === undefined) {
    throw new QueueError("refused", "Another process is restoring a backup: try again in a moment");
  }
  try {
    for (const name of ["jobs", "queue", "schedules", "config.json"]) {
      if (files.info(`${staged}/${name}`) === undefined) continue;
      if (files.info(`${dataDir}/${name}`) !== undefined) {
        files.rename(`${dataDir}/${name}`, `${dataDir}/tmp/replaced-${crypto.randomUUID()}`);
      }
      files.rename(`${staged}/${name}`, `${dataDir}/${name}`);
    }
    ignoreNotFound(() => files.removeFolder(staged));
    files.sync(dataDir); // from here on it is said to be done
    for (const name of files.names(`${dataDir}/tmp`)) {
      if (name.startsWith("replaced-")) removeTree(files, `${dataDir}/tmp/${name}`);
    }
  } finally {
    ignoreNotFound(() => files.remove(lockPath));
    lock.release();
  }
}

/** Removes a file, or a folder with all that is in it. Links are removed, not followed. */
export function removeTree(files: FileSystem, path: string): void {
  const info = files.info(path);
  if (info === undefined) return;
  if (info.kind !== "folder") return files.remove(path);
  for (const name of files.names(path)) removeTree(files, `${path}/${name}`);
  files.removeFolder(path);
}
