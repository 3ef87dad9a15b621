// What is to be there before a store is opened.
import type { FileSystem } from "../../system/file_system.ts";
import { FOLDERS, lockPath, RESTORING } from "./layout.ts";
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
  if (isWhole(there, dataDir, files)) return;
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
function isWhole(there: readonly string[], dataDir: string, files: FileSystem): boolean {
  const inQueue = ignoreNotFound(() => files.names(`${dataDir}/queue`)) ?? [];
  const all = new Set([...there, ...inQueue.map((name) => `queue/${name}`)]);
  return FOLDERS.every((folder) => all.has(folder));
}

function makeFolders(dataDir: string, files: FileSystem): void {
  for (const folder of FOLDERS) makeUnlessThere(files, `${dataDir}/${folder}`);
}
