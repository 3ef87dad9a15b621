// What is to be there before a store is opened.
import type { FileSystem } from "../../system/file_system.ts";
import { ADDED_FOLDERS, FOLDERS, RESTORING } from "./layout.ts";
import { makeUnlessThere } from "./bucketed_index.ts";

/**
 * Makes the folders that a store consists of, if they are not there, and ends a restore that was
 * broken off.
 */
export async function prepareFolder(dataDir: string, files: FileSystem): Promise<void> {
  const there = files.names(dataDir);
  if (there.includes(RESTORING)) {
    const { completeRestore } = await import("./complete_restore.ts");
    await completeRestore(dataDir, files);
  }
  // The last one is there: so are all, but for those that an earlier version did not know.
  if (!there.includes(FOLDERS.at(-1)!)) {
    for (const folder of FOLDERS) makeUnlessThere(files, `${dataDir}/${folder}`);
    return;
  }
  for (const folder of ADDED_FOLDERS) {
    if (files.info(`${dataDir}/${folder}`) === undefined) addFolder(files, `${dataDir}/${folder}`);
  }
}

function addFolder(files: FileSystem, path: string): void {
  try {
    makeUnlessThere(files, path);
  } catch {
    // Where nothing may be written it is taken for empty; and a restore that is at it makes its own.
  }
}
