// Changes config.json atomically, by one process at a time.
import { QueueError } from "../../queue/errors.ts";
import { configText, type SetValues } from "../../queue/settings.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { freeName, replaceFile } from "../../system/replace_file.ts";

/** What is needed to change the configuration. */
export interface ConfigFile {
  readonly dataDir: string;
  readonly files: FileSystem;
  readonly path: string;
  /**
   * The settings that are set.
   * @throws QueueError `damaged`
   */
  load(): SetValues;
}

/**
 * Sets these keys.
 * @throws QueueError `damaged` if the present file is invalid
 */
export function mergeConfig(config: ConfigFile, values: SetValues): void {
  whileLocked(config, () => {
    replaceFile(config.files, config.path, configText({ ...config.load(), ...values }));
  });
}

/**
 * Resets everything to the defaults. An invalid file is not deleted but set aside.
 *
 * @returns the path where it was set aside, if it was
 */
export function resetConfig(config: ConfigFile): string | undefined {
  const { dataDir, files, path } = config;
  return whileLocked(config, () => {
    try {
      config.load();
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

// Without a lock, two processes that read, change and write at once would silently undo each
// other's change.
function whileLocked<T>({ dataDir, files }: ConfigFile, change: () => T): T {
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
