// Chooses the executor for this system. Only the one that is used is loaded.

import type { FileSystem } from "../system/file_system.ts";
import type { Variables } from "./job_script.ts";
import type { Executor } from "./run.ts";

/**
 * Opens an executor with its journal at the given path. The path must belong to this worker process
 * alone. Attempts whose end is only in the old journal must have been adopted before, since the
 * first run replaces it. All jobs get `variables`.
 */
export async function openExecutor(
  options: { journal: string; files?: FileSystem; variables?: Variables },
): Promise<Executor> {
  if (Deno.build.os === "windows") {
    const { WindowsExecutor } = await import("./windows_executor.ts");
    return new WindowsExecutor(options);
  }
  const { ShellExecutor } = await import("./executor.ts");
  return new ShellExecutor(options);
}
