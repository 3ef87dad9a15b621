// Measures the size of a folder.
import type { FileSystem } from "./file_system.ts";

export interface FolderSize {
  readonly files: number;
  readonly bytes: number;
  /** How many of these bytes are in files whose names end in `.log`. */
  readonly logBytes: number;
}

/**
 * Measures everything below `folder`. A file with several hard links counts once; files that vanish
 * meanwhile are left out.
 *
 * @param seen the inodes that have been counted already
 */
export function measureFolder(
  files: FileSystem,
  folder: string,
  seen = new Set<number>(),
): FolderSize {
  let [count, bytes, logBytes] = [0, 0, 0];
  for (const name of namesIn(files, folder)) {
    const info = files.info(`${folder}/${name}`);
    if (info?.kind === "folder") {
      const inside = measureFolder(files, `${folder}/${name}`, seen);
      count += inside.files;
      bytes += inside.bytes;
      logBytes += inside.logBytes;
    } else if (info !== undefined && !seen.has(info.inode)) {
      if (info.inode !== 0) seen.add(info.inode);
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
