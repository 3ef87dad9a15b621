// Small files of lines, such as those that list which jobs wait for a job. They are written
// elsewhere and then moved to their place, so that nobody sees a half-written one.
import type { FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";

/** How often a folder is made again that others found empty and removed. */
const TRIES = 100;

/**
 * Writes a file of lines.
 * @param stage the temporary path.
 * @throws Deno.errors.NotFound
 */
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
      // The folder does not exist at first, and others that find it empty may remove it, again and
      // again.
      if (!(error instanceof Deno.errors.NotFound) || tries === TRIES) throw error;
      makeUnlessThere(files, root);
      makeUnlessThere(files, `${root}/${folder}`);
    }
  }
}

/** The beginning of temporary paths if no inbox stages the file; a check removes leftovers. */
export function lineStage(dataDir: string): string {
  return `${dataDir}/tmp/waits-`;
}

/**
 * The text of a file; undefined if there is none, or if it is not a file, which a check reports.
 */
export function readOwn(files: FileSystem, path: string): string | undefined {
  try {
    return ignoreNotFound(() => files.readText(path));
  } catch (error) {
    if (files.info(path)?.kind !== "file") return undefined;
    throw error;
  }
}
