// Changes config.json: whole or not at all, and by one process at a time.
import { QueueError } from "../../queue/errors.ts";
import { configText, type SetValues } from "../../queue/settings.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { freeName, replaceFile } from "../../system/replace_file.ts";
import { configPath, loadSetValues } from "./config_file.ts";

/** Sets these keys. @throws QueueError `damaged` if the present file is not what it should be */
export function mergeConfig(dataDir: string, files: FileSystem, values: SetValues): void {
  whileLocked(dataDir, files, () => {
    const merged = { ...loadSetValues(dataDir, files), ...values };
    replaceFile(files, configPath(dataDir), configText(merged));
  });
}

/**
 * Back to the defaults. A file that can't be read as a configuration is not thrown away but set
 * aside.
 * @returns where it was set aside, if it was
 */
export function resetConfig(dataDir: string, files: FileSystem): string | undefined {
  return whileLocked(dataDir, files, () => {
    const path = configPath(dataDir);
    try {
      loadSetValues(dataDir, files);
    } catch {
      const aside = freeName(files, `${path}.damaged`);
      files.rename(path, aside);
      files.sync(dataDir);
      return aside;
    }
    if (files.info(path) !== undefined) {
      files.remove(path);
      files.sync(dataDir);
    }
    return undefined;
  });
}

// Two processes that read, change and write at once would undo each other's change without a word.
function whileLocked<T>(dataDir: string, files: FileSystem, change: () => T): T {
  const lock: FileLock | undefined = files.lock(`${dataDir}/config.lock`);
  if (lock === undefined) {
    throw new QueueError("refused", "Another process is changing the configuration", {
      hint: "Try again",
    });
  }
  try {
    return change();
  } finally {
    lock.release();
  }
}
