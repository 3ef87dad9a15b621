// Files of lines in folders of their own, such as those that say who waits for a job: written aside,
// then moved to their place, so that nobody comes across one that is half written.
import type { FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";

/** So often a folder is made that others find empty and remove. */
const TRIES = 100;

/** @param stage the beginning of a path on the way. @throws Deno.errors.NotFound */
export function layLines(
  files: FileSystem,
  lines: readonly string[],
  { stage, root, folder, name }: {
    readonly stage: string;
    /** Made if it is missing, as is the folder in it. */
    readonly root: string;
    readonly folder: string;
    readonly name: string;
  },
): void {
  files.create(stage, lines.join("\n") + "\n");
  for (let tries = 0;; tries++) {
    try {
      return files.rename(stage, `${root}/${folder}/${name}`);
    } catch (error) {
      // It is missing at first; and whoever finds it empty may remove it, again and again.
      if (!(error instanceof Deno.errors.NotFound) || tries === TRIES) throw error;
      makeUnlessThere(files, root);
      makeUnlessThere(files, `${root}/${folder}`);
    }
  }
}

/** Where a file of lines is on its way that no inbox stages; a check clears away what is left. */
export function lineStage(dataDir: string): string {
  return `${dataDir}/tmp/waits-`;
}

/** The text of a file; undefined if there is none, or something else lies there, for a check. */
export function readOwn(files: FileSystem, path: string): string | undefined {
  try {
    return ignoreNotFound(() => files.readText(path));
  } catch (error) {
    if (files.info(path)?.kind !== "file") return undefined;
    throw error;
  }
}
