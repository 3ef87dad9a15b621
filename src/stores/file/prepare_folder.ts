// Prepares a data folder before it is used.
import type { FileSystem } from "../../system/file_system.ts";
import { ADDED_FOLDERS, FOLDERS, lockPath, RESTORING } from "./layout.ts";
import { ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";

/**
 * Makes missing folders, and completes a restore that was interrupted.
 *
 * @throws QueueError `refused` if a folder is missing while a backup is restored
 */
export async function prepareFolder(dataDir: string, files: FileSystem): Promise<void> {
  const there = files.names(dataDir);
  if (there.includes(RESTORING)) {
    const { completeRestore } = await import("./complete_restore.ts");
    await completeRestore(dataDir, files);
  }
  // Folders are made in order, so if the last one is missing, this is a new data folder, or a copy
  // without empty folders.
  if (!there.includes(FOLDERS.at(-1)!)) return makeFolders(dataDir, files);
  const missing = missingFolders(there, dataDir, files);
  if (missing.length === 0) return;
  if (missing.every((folder) => ADDED_FOLDERS.includes(folder))) {
    for (const folder of missing) addFolder(files, `${dataDir}/${folder}`);
    return;
  }
  // Somebody removed one, or a restore is about to replace it.
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

/** Reads two folders instead of looking for each one, which would cost every command ten looks. */
function missingFolders(there: readonly string[], dataDir: string, files: FileSystem): string[] {
  const inQueue = ignoreNotFound(() => files.names(`${dataDir}/queue`)) ?? [];
  const all = new Set([...there, ...inQueue.map((name) => `queue/${name}`)]);
  return FOLDERS.filter((folder) => !all.has(folder));
}

/** Makes a folder that earlier versions did not have. */
function addFolder(files: FileSystem, path: string): void {
  try {
    makeUnlessThere(files, path);
  } catch {
    // If the folder can't be written, a missing one counts as empty; and a running restore makes
    // its own.
  }
}

function makeFolders(dataDir: string, files: FileSystem): void {
  for (const folder of FOLDERS) makeUnlessThere(files, `${dataDir}/${folder}`);
}
