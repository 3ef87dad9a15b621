// A file that is replaced as a whole.
import type { FileSystem } from "./file_system.ts";
import { folderOf } from "./paths.ts";

/** Writes a file so that after a crash it is there as it was, or as it shall be. */
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

/** `wanted`, or that with .2, .3, … where it is taken. */
export function freeName(files: FileSystem, wanted: string): string {
  let name = wanted;
  for (let n = 2; files.info(name) !== undefined; n++) name = `${wanted}.${n}`;
  return name;
}
