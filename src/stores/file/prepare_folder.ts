// What is to be there before a store is opened.
import type { FileSystem } from "../../system/file_system.ts";
import { ADDED_FOLDERS, FOLDERS, lockPath, RESTORING } from "./layout.ts";
import { ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";

/**
 * Makes the folders that a store consists of, if they are not there, and ends a restore that was
 * broken off.
 * @throws QueueError `refused` if a folder is missing while a backup is restored
 */
export async function prepareFolder(dataDir: string, files: FileSystem): Promise<void> {
  const there = files.names(dataDir);
  if (there.includes(RESTORING)) {
    const { completeRestore } = await import("./complete_restore.ts");
    await completeRestore(dataDir, files);
  }
  // The last one is made last: where it is missing, this is a new folder, or a copy without those
  // that were empty.
  if (!there.includes(FOLDERS.at(-1)!)) return makeFolders(dataDir, files);
  const missing = missingFolders(there, dataDir, files);
  if (missing.length === 0) return;
  if (missing.every((folder) => ADDED_FOLDERS.includes(folder))) {
    for (const folder of missing) addFolder(files, `${dataDir}/${folder}`);
    return;
  }
  // Somebody removed one, or a restore is about to put it there.
  makeUnlessThere(files, `${dataDir}/workers`);
  const { lockMaintenance, RESTORE } = await import("./maintenance.ts");
  const lock = await lockMaintenance(dataDir, files, RESTORE);
  try {
    if (files.info(`${dataDir}/${RESTORING}`) === undefined) makeFolders(dataDir, files);
  } finally {
    files.remove(lockPath(dataDir, RESTORE));
    lock.release();
  }
}

/** Two looks: one at each folder would cost each command ten. */
function missingFolders(there: readonly string[], dataDir: string, files: FileSystem): string[] {
  const inQueue = ignoreNotFound(() => files.names(`${dataDir}/queue`)) ?? [];
  const all = new Set([...there, ...inQueue.map((name) => `queue/${name}`)]);
  return FOLDERS.filter((folder) => !all.has(folder));
}

/** One that an earlier version did not know. */
function addFolder(files: FileSystem, path: string): void {
  try {
    makeUnlessThere(files, path);
  } catch {
    // Where nothing may be written it is taken for empty; and a restore that is at it makes its own.
  }
}

function makeFolders(dataDir: string, files: FileSystem): void {
  for (const folder of FOLDERS) makeUnlessThere(files, `${dataDir}/${folder}`);
}
