// The part of a check outside of jobs and queue: unexpected files in the data folder, the settings,
// and the records of workers.
import { messageOf, QueueError } from "../../queue/errors.ts";
import { parseConfig } from "../../queue/settings.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { ignoreNotFound, namesIn } from "./bucketed_index.ts";
import { type Findings, kindName } from "./findings.ts";
import { FOLDERS, gatesFolder, heldFolder, isQueueKey, lockPath, queuesPath } from "./layout.ts";
import { isLocked } from "./maintenance.ts";
import { parseQueues } from "./queues_file.ts";

const TOP_FOLDERS = FOLDERS.filter((folder) => !folder.includes("/"));
const CONFIG = "(?:config|queues)\\.(?:json(?:\\.(?:tmp|damaged).*)?|lock)";

/** The valid names in each folder of the data folder. */
const OURS: Readonly<Record<string, RegExp>> = {
  "": new RegExp(
    `^(?:${
      TOP_FOLDERS.join("|")
    }|${CONFIG}|restoring|schedules|tallies|start\\.log(?:\\.1)?|serve-\\d+\\.token)$`,
  ),
  "/queue": new RegExp(
    "^(?:ready|later|blocked|held|gates|dependents|settling|deadlines|unique|running|completed|" +
      "dead|cancelled)$",
  ),
  "/workers": /^[A-Za-z0-9_][A-Za-z0-9._-]*\.(?:json|lock|runs|runs\.pipe|runs\.alive)$/,
  "/control": /\.(?:cancel|stop-graceful|stop-force)$/,
  "/tmp": /^(?:cli-|restore-|replaced-|schedule-|waits-|unique|config)/,
};

export function checkNames(dataDir: string, files: FileSystem, findings: Findings): void {
  checkText(`${dataDir}/config.json`, files, findings, parseConfig);
  checkText(queuesPath(dataDir), files, findings, parseQueues);
  checkQueueFolders(dataDir, files, findings);
  for (const [folder, ours] of Object.entries(OURS)) {
    for (const name of files.names(dataDir + folder)) {
      const path = `${dataDir}${folder}/${name}`;
      if (!ours.test(name)) findings.addUnexpected(path, "does not belong here");
      else if (files.info(path)?.kind === "link") findings.addUnexpected(path, "is a link");
      else if (folder === "/workers" && name.endsWith(".json")) {
        checkWorkerRecord(dataDir, name.slice(0, -".json".length), files, findings);
      }
    }
  }
}

function checkText(
  path: string,
  files: FileSystem,
  findings: Findings,
  parse: (text: string, path: string) => unknown,
): void {
  const text = readOrNote(path, files, findings);
  if (text === undefined) return;
  try {
    parse(text, path);
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    findings.addUnexpected(path, `can't be used: ${error.message}`);
  }
}

/** Reports unexpected files among the tickets that are set aside and among the locks of queues. */
function checkQueueFolders(dataDir: string, files: FileSystem, findings: Findings): void {
  const isGate = (name: string) =>
    isQueueKey(name.replace(/\.(?:lock|begins(?:\.tmp.*)?)$/, "")) &&
    /\.(?:lock|begins)/.test(name);
  const folders = [
    { path: heldFolder(dataDir), kind: "folder", isOurs: isQueueKey },
    { path: gatesFolder(dataDir), kind: "file", isOurs: isGate },
  ];
  for (const { path, kind, isOurs } of folders) {
    if (files.info(path) === undefined || !findings.checkFolder(path)) continue;
    for (const name of namesIn(files, path)) {
      const is = files.info(`${path}/${name}`)?.kind;
      if (is !== undefined && (is !== kind || !isOurs(name))) {
        findings.addUnexpected(`${path}/${name}`, "does not belong here");
      }
    }
  }
}

function checkWorkerRecord(
  dataDir: string,
  worker: string,
  files: FileSystem,
  findings: Findings,
): void {
  const path = `${dataDir}/workers/${worker}.json`;
  const text = readOrNote(path, files, findings);
  if (text === undefined) return;
  try {
    JSON.parse(text);
  } catch {
    // A live worker may be writing it at this moment, and rewrites a damaged one.
    if (!isLocked(lockPath(dataDir, worker), files)) findings.addUnexpected(path, "is not JSON");
  }
}

/** The text of a file; undefined if it does not exist, or can't be read, which is reported. */
function readOrNote(path: string, files: FileSystem, findings: Findings): string | undefined {
  try {
    return ignoreNotFound(() => files.readText(path));
  } catch (error) {
    const kind = files.info(path)?.kind ?? "file";
    const why = kind === "file" ? `can't be read: ${messageOf(error)}` : `is ${kindName(kind)}`;
    findings.addUnexpected(path, why);
    return undefined;
  }
}
