// Picks the executor that fits this system. Each is loaded only where it is used.

import type { FileSystem } from "../system/file_system.ts";
import type { ShellOptions } from "./resident_shell.ts";
import type { Executor } from "./run.ts";

/**
 * An executor that keeps its journal at the given path. The path must belong to this worker process
 * alone, and any attempt whose end stands only there must have been adopted before, since the first
 * run begins the journal anew.
 */
export async function openExecutor(
  options: { journal: string; files?: FileSystem } & ShellOptions,
): Promise<Executor> {
  if (Deno.build.os === "windows") {
    const { WindowsExecutor } = await import("./windows_executor.ts");
    return new WindowsExecutor(options);
  }
  const { ShellExecutor } = await import("./executor.ts");
  return new ShellExecutor(options);
}
