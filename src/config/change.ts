// Changes config.json: whole or not at all, and by one process at a time.
import { QueueError } from "../queue/errors.ts";
import {
  CONFIG_VERSION,
  parseConfig,
  type SettingKey,
  type Settings,
  type SetValues,
} from "../queue/settings.ts";
import type { FileLock, FileSystem } from "../system/file_system.ts";
import { join } from "../system/paths.ts";
import { configPath, loadSetValues } from "./load.ts";

/** Sets one key. @throws QueueError `damaged` if the present file is not what it should be */
export function setValue<K extends SettingKey>(
  dataDir: string,
  files: FileSystem,
  key: K,
  value: Settings[K],
): void {
  locked(
    dataDir,
    files,
    () => save(dataDir, files, { ...loadSetValues(dataDir, files), [key]: value }),
  );
}

/**
 * Sets what `text`, an exported configuration, sets; keys that it does not name keep their values.
 * @param name of the file it comes from, for messages
 * @throws QueueError `damaged` if anything in it is wrong: then nothing is changed
 */
export function importConfig(
  dataDir: string,
  files: FileSystem,
  text: string,
  name: string,
): SetValues {
  let imported: SetValues;
  try {
    imported = parseConfig(text);
  } catch (cause) {
    if (!(cause instanceof QueueError)) throw cause;
    throw new QueueError("damaged", `Cannot import ${name}: ${cause.message}`, { cause });
  }
  locked(
    dataDir,
    files,
    () => save(dataDir, files, { ...loadSetValues(dataDir, files), ...imported }),
  );
  return imported;
}

/**
 * Back to the defaults. A file that can't be read as a configuration is not thrown away but set
 * aside.
 * @returns where it was set aside, if it was
 */
export function resetConfig(dataDir: string, files: FileSystem): string | undefined {
  return locked(dataDir, files, () => {
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

/** The text of a configuration file. */
export function configText(values: SetValues): string {
  return JSON.stringify({ schema_version: CONFIG_VERSION, ...values }, null, 2) + "\n";
}

/**
 * Writes a file so that after a crash it is there as it was, or as it shall be. @param folder the
 * one it is in
 */
export function replaceFile(files: FileSystem, folder: string, path: string, text: string): void {
  const unfinished = freeName(files, `${path}.tmp`);
  files.create(unfinished, text, { sync: true });
  try {
    files.rename(unfinished, path);
  } catch (error) {
    files.remove(unfinished);
    throw error;
  }
  files.sync(folder);
}

function save(dataDir: string, files: FileSystem, values: SetValues): void {
  replaceFile(files, dataDir, configPath(dataDir), configText(values));
}

// Two processes that read, change and write at once would undo each other's change without a word.
function locked<T>(dataDir: string, files: FileSystem, change: () => T): T {
  const lock: FileLock | undefined = files.lock(join(dataDir, "config.lock"));
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

function freeName(files: FileSystem, wanted: string): string {
  let name = wanted;
  for (let n = 2; files.info(name) !== undefined; n++) name = `${wanted}.${n}`;
  return name;
}
