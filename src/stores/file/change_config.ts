// Changes config.json: whole or not at all, and by one process at a time.
import { QueueError } from "../../queue/errors.ts";
import { configText, type SetValues } from "../../queue/settings.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { freeName, replaceFile } from "../../system/replace_file.ts";

/** What those need that change the configuration. */
export interface ConfigFile {
  readonly dataDir: string;
  readonly files: FileSystem;
  readonly path: string;
  /** What was set. @throws QueueError `damaged` */
  load(): SetValues;
}

/** Sets these keys. @throws QueueError `damaged` if the present file is not what it should be */
export function mergeConfig(config: ConfigFile, values: SetValues): void {
  whileLocked(config, () => {
    replaceFile(config.files, config.path, configText({ ...config.load(), ...values }));
  });
}

/**
 * Back to the defaults. A file that can't be read as a configuration is not thrown away but set
 * aside.
 * @returns where it was set aside, if it was
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

// Two processes that read, change and write at once would undo each other's change without a word.
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
