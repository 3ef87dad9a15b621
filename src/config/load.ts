// Reads config.json, which holds only what was set. On the way of every `enqueue`, so it imports
// little.
import { QueueError } from "../queue/errors.ts";
import { DEFAULT_SETTINGS, parseConfig, type Settings, type SetValues } from "../queue/settings.ts";
import type { FileSystem } from "../system/file_system.ts";
import { join } from "../system/paths.ts";

const CONFIG_FILE = "config.json";

export function configPath(dataDir: string): string {
  return join(dataDir, CONFIG_FILE);
}

/**
 * The whole configuration: what was set, and the defaults.
 * @throws QueueError `damaged` if config.json is not what it should be
 */
export function loadSettings(dataDir: string, files: FileSystem): Settings {
  return { ...DEFAULT_SETTINGS, ...loadSetValues(dataDir, files) };
}

/**
 * What was set.
 * @throws QueueError `damaged`
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
