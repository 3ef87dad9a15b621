// queues.json: the settings of queues. The file is replaced as a whole, by one process at a time.
import { QueueError } from "../../queue/errors.ts";
import { settingsFromJson, settingsToJson } from "../../queue/queue_json.ts";
import type { QueueSettings } from "../../queue/queues.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { replaceFile } from "../../system/replace_file.ts";
import { queuesPath } from "./layout.ts";
import { readOwn } from "./line_files.ts";
import { lockPatiently } from "./locks.ts";

/** The version of the format. This and all earlier versions can be read. */
const SCHEMA = 1;

/** How long a command waits for one that changes the settings too. */
const PATIENCE = 5000;

export type AllSettings = ReadonlyMap<string, QueueSettings>;

/**
 * The settings of queues, by name.
 * @throws QueueError `damaged`
 */
export function readQueues(dataDir: string, files: FileSystem): AllSettings {
  const path = queuesPath(dataDir);
  const text = readOwn(files, path);
  if (text !== undefined) return parseQueues(text, path);
  if (files.info(path) !== undefined) throw unusable(path, "is not a file");
  return new Map();
}

/** @throws QueueError `damaged`, naming `path` */
export function parseQueues(text: string, path: string): AllSettings {
  let value: { schema?: unknown; queues?: unknown } | null;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const isLater = typeof value?.schema === "number" && value.schema > SCHEMA;
  const queues = value?.schema === SCHEMA ? settingsFromJson(value.queues) : undefined;
  if (queues !== undefined) return queues;
  throw unusable(path, isLater ? "was written by a later version" : "is damaged");
}

function unusable(path: string, why: string): QueueError {
  return new QueueError("damaged", `Cannot use the settings of queues: ${path} ${why}`, {
    hint: "To set it aside: queuectl storage check --repair",
  });
}

/** The text of the file. */
export function queuesText(queues: AllSettings): string {
  return JSON.stringify({ schema: SCHEMA, queues: settingsToJson(queues) }, null, 2) + "\n";
}

/**
 * Replaces the settings by what `change` returns; undefined leaves them as they are.
 *
 * @throws QueueError `damaged`; `refused` if another process holds the lock for too long
 */
export async function changeQueues(
  dataDir: string,
  files: FileSystem,
  change: (before: AllSettings) => AllSettings | undefined,
): Promise<void> {
  const lock = await lockPatiently(() => files.lock(`${dataDir}/queues.lock`), PATIENCE);
  if (lock === undefined) {
    throw new QueueError("refused", "Another process is changing the settings of queues", {
      hint: "Try again",
    });
  }
  try {
    const after = change(readQueues(dataDir, files));
    if (after !== undefined) replaceFile(files, queuesPath(dataDir), queuesText(after));
  } finally {
    lock.release();
  }
}
