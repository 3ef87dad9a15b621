// Replaces a file as a whole.
import type { FileSystem } from "./file_system.ts";
import { folderOf } from "./paths.ts";

/** Writes a file atomically: after a crash it has either the old or the new contents. */
export function replaceFile(files: FileSystem, path: string, text: string): void {
  const unfinished = freeName(files, `${path}.tmp`);
  files.create(unfinished, text, { sync: true });
  try {
    files.rename(unfinished, path);
  } catch (error) {
    files.remove(unfinished);
    throw error;
  }
  files.sync(folderOf(path));
}

/** `wanted`, or `wanted` with .2, .3, … if it is taken. */
export function freeName(files: FileSystem, wanted: string): string {
  let name = wanted;
  for (let n = 2; files.info(name) !== undefined; n++) name = `${wanted}.${n}`;
  return name;
}
