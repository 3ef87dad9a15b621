// Reads config.json, which holds only what was set. On the way of every `enqueue`, so it imports
// little.
import { QueueError } from "../../queue/errors.ts";
import { parseConfig, type SetValues } from "../../queue/settings.ts";
import type { FileSystem } from "../../system/file_system.ts";

const CONFIG_FILE = "config.json";

export function configPath(dataDir: string): string {
  return `${dataDir}/${CONFIG_FILE}`;
}

/**
 * What was set in a data folder.
 * @throws QueueError `damaged` if config.json is not what it should be
 */
export function loadSetValues(dataDir: string, files: FileSystem): SetValues {
  const path = configPath(dataDir);
  let text: string;
  try {
    // Most people have set nothing, and not finding a file takes longer than reading the folder.
    if (!files.names(dataDir).includes(CONFIG_FILE)) return {};
    text = files.readText(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
  try {
    return parseConfig(text);
  } catch (cause) {
    if (!(cause instanceof QueueError)) throw cause;
    throw new QueueError("damaged", `Cannot use ${path}: ${cause.message}`, {
      hint: "Mend it, or start anew (the file is kept beside): queuectl config --reset",
      cause,
    });
  }
}
