// The data folder itself: made on first use, the user's alone, and never that of another.
import { QueueError } from "../../queue/errors.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { folderOf } from "../../system/paths.ts";

interface Owner {
  readonly files: FileSystem;
  readonly os: string;
  /** The user that this process acts for; null where the platform has none. */
  readonly userId: () => number | null;
}

/**
 * Makes the folder, mode 0700, if it is missing. An empty one becomes private too, such as
 * one made by hand for this.
 * @throws QueueError `refused` if it belongs to another user, or is no folder
 */
export function prepareDataFolder(path: string, world: Owner): void {
  const { files, os, userId } = world;
  const info = files.info(`${path}/.`);
  if (info === undefined) {
    makeFolders(files, path);
    return;
  }
  const user = userId();
  if (user !== null && info.owner !== user) {
    // Files that root or another user makes in it could not be read or removed by its owner.
    throw new QueueError(
      "refused",
      `Cannot use ${path}: it belongs to another user (id ${info.owner})`,
      {
        hint: "Act as that user, or name another folder with --data-dir",
      },
    );
  }
  if (os === "windows" || (info.mode & 0o077) === 0) return;
  if (files.names(path).length === 0) files.setMode(path, 0o700);
}

function makeFolders(files: FileSystem, path: string): void {
  const parent = folderOf(path);
  if (parent !== "/" && files.info(`${parent}/.`) === undefined) makeFolders(files, parent);
  try {
    files.makeFolder(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    // Another process may have been quicker.
    if (files.info(`${path}/.`)?.kind === "folder") return;
    throw new QueueError("refused", `Cannot use ${path}: it is not a folder`);
  }
}
