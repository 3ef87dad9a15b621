// How much a folder holds.
import type { FileSystem } from "./file_system.ts";

export interface FolderSize {
  readonly files: number;
  readonly bytes: number;
  /** Of these, in files whose names end in `.log`. */
  readonly logBytes: number;
}

/** Counts all below `folder`. What vanishes meanwhile is left out. */
export function measureFolder(files: FileSystem, folder: string): FolderSize {
  let [count, bytes, logBytes] = [0, 0, 0];
  for (const name of namesIn(files, folder)) {
    const info = files.info(`${folder}/${name}`);
    if (info?.kind === "folder") {
      const inside = measureFolder(files, `${folder}/${name}`);
      count += inside.files;
      bytes += inside.bytes;
      logBytes += inside.logBytes;
    } else if (info !== undefined) {
      count += 1;
      bytes += info.size;
      if (name.endsWith(".log")) logBytes += info.size;
    }
  }
  return { files: count, bytes, logBytes };
}

function namesIn(files: FileSystem, folder: string): string[] {
  try {
    return files.names(folder);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
