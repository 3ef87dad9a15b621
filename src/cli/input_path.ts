// A file that the user named, to be read.
import { QueueError } from "../queue/errors.ts";
import { infoOfTarget } from "../system/file_system.ts";
import { resolve } from "../system/paths.ts";
import type { Context } from "./context.ts";

/**
 * The absolute path of a file that is to be read, or of a link that leads to one.
 *
 * @throws QueueError `io` if there is no such file, or it is a folder
 */
export function inputPath({ cwd, files }: Pick<Context, "cwd" | "files">, file: string): string {
  const path = resolve(cwd(), file);
  const info = infoOfTarget(files, path);
  if (info === undefined) throw new QueueError("io", `Cannot read ${file}: there is no such file`);
  if (info.kind === "folder") throw new QueueError("io", `Cannot read ${file}: it is a folder`);
  return path;
}
