// Where the data is, and whether it is safe to use.
import { QueueError } from "../queue/errors.ts";
import { isAbsolute, join, resolve } from "../system/paths.ts";
import type { Context } from "./context.ts";

/**
 * The absolute path of the data folder.
 * @param chosen what `--data-dir` says, if given
 * @throws QueueError `usage`, `refused`
 */
export function dataDirectory(context: Context, chosen: string | undefined): string {
  const { env } = context;
  if (chosen === "") throw new QueueError("usage", "--data-dir is empty");
  const named = chosen || env("QUEUECTL_DATA_DIR") ||
    (env("QUEUECTL_TEST_MODE") === "true" && env("QUEUECTL_TEST_STORAGE_PATH"));
  // Where the current folder does not count, it may be one that can't be told.
  if (named) return resolve(isAbsolute(named) ? "" : context.cwd(), named);
  const cwd = context.cwd();
  const local = join(cwd, "queuectl_data");
  // The dot makes the system follow a link.
  if (context.files.info(`${local}/.`)?.kind === "folder") return resolve(cwd, local);
  return join(usersFolder(context, cwd), "queuectl");
}

function usersFolder({ env, os }: Context, cwd: string): string {
  const xdg = env("XDG_DATA_HOME");
  if (xdg) return resolve(cwd, xdg);
  const home = os === "windows" ? env("LOCALAPPDATA") : env("HOME");
  if (!home) {
    throw new QueueError("refused", "Cannot tell where to keep the data: HOME is not set", {
      hint: "Name a folder with --data-dir or QUEUECTL_DATA_DIR",
    });
  }
  if (os === "windows") return resolve(cwd, home);
  return resolve(home, os === "darwin" ? "Library/Application Support" : ".local/share");
}

/**
 * Makes the folder, mode 0700, if it is missing. An empty one becomes private too, such as
 * one made by hand for this.
 * @throws QueueError `refused` if it belongs to another user, or is no folder
 */
export function prepareDataDirectory(context: Context, path: string): void {
  const info = context.files.info(`${path}/.`);
  if (info === undefined) {
    makeFolders(context, path);
    return;
  }
  const user = context.userId();
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
  if (context.os === "windows" || (info.mode & 0o077) === 0) return;
  if (context.files.names(path).length === 0) context.files.setMode(path, 0o700);
}

function makeFolders(context: Context, path: string): void {
  const { files } = context;
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (parent !== "" && files.info(`${parent}/.`) === undefined) makeFolders(context, parent);
  try {
    files.makeFolder(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    // Another process may have been quicker.
    if (files.info(`${path}/.`)?.kind === "folder") return;
    throw new QueueError("refused", `Cannot use ${path}: it is not a folder`);
  }
}
