// The folder that a host has for a queue that many hosts share: journals, output on its way, locks of
// workers. One for each start of the machine and each container, since locks and journals say
// nothing elsewhere: home folders may be shared by machines, and volumes by containers.
import { QueueError } from "../../queue/errors.ts";
import type { Job } from "../../queue/job.ts";
import { type FileSystem, infoOfTarget } from "../../system/file_system.ts";
import { folderOf } from "../../system/paths.ts";
import { currentPlace } from "../../system/place.ts";
import { isLocked } from "../file/maintenance.ts";
import type { Host } from "../store.ts";

export interface HostFolder {
  /** The id of the host in the store; undefined where no `start` has run here. */
  readonly id: string | undefined;
  readonly path: string;
  readonly hostname: string;
  /** Whether a guard can end jobs in time here. */
  readonly guarded: boolean;
}

const FOLDERS = ["workers", "control", "output", "lookout", "lookout/locks"];

/**
 * Where the folder is, which need not be there.
 * @param key tells this queue from all others, and is safe as the name of a folder
 * @throws QueueError `refused`
 */
export async function findHostFolder(
  key: string,
  files: FileSystem,
  env: (name: string) => string | undefined,
): Promise<HostFolder> {
  const { boot, namespace, hasUptime } = await currentPlace();
  const path = `${stateFolder(env)}/queuectl/${key}/${boot.slice(0, 13)}_${namespace}`;
  return { id: readId(files, path), path, guarded: hasUptime, hostname: Deno.hostname() };
}

/** The same folder, made if need be, with an id. */
export function makeHostFolder(folder: HostFolder, files: FileSystem): HostFolder {
  makeAll(files, folder.path);
  for (const name of FOLDERS) makeAll(files, `${folder.path}/${name}`);
  const path = files.realPath(folder.path);
  if (folder.id !== undefined) return { ...folder, path };
  // By a link, so that of several that begin at once all have the same.
  const own = `${path}/host.${crypto.randomUUID()}`;
  files.create(own, `${crypto.randomUUID()}\n`, { sync: true });
  try {
    files.link(own, `${path}/host`);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    files.remove(own);
  }
  return { ...folder, path, id: readId(files, path) };
}

/** Milliseconds without a sign of life, beyond any lease, after which nobody needs a folder. */
const OLD = 7 * 24 * 3600 * 1000;

/**
 * Removes the folders of earlier starts of the machine and of containers that are gone, beside the
 * one at `path`. Others may be those of hosts that live: a sign of life or a lock says so.
 */
export function removeOldFolders(files: FileSystem, path: string, now: number): void {
  const parent = folderOf(path);
  for (const name of files.names(parent)) {
    const folder = `${parent}/${name}`;
    const isHosts = /^[0-9a-f-]+_[0-9-]+$/.test(name) && files.info(folder)?.kind === "folder";
    if (folder === path || !isHosts) continue;
    try {
      if (!isNeeded(files, folder, now)) removeAll(files, folder);
    } catch {
      // It stays: nothing depends on that it goes, and others may do the same at this moment.
    }
  }
}

function isNeeded(files: FileSystem, folder: string, now: number): boolean {
  const times = [folder, deadlinePath(folder), `${folder}/host`, `${folder}/workers`];
  if (times.some((path) => now - (files.info(path)?.modifiedAt ?? 0) < OLD)) return true;
  if (files.info(`${folder}/workers`) === undefined) return false;
  return files.names(`${folder}/workers`).filter((name) => name.endsWith(".lock"))
    .some((name) => isLocked(`${folder}/workers/${name}`, files));
}

function removeAll(files: FileSystem, folder: string): void {
  for (const name of files.names(folder)) {
    const path = `${folder}/${name}`;
    if (files.info(path)?.kind === "folder") removeAll(files, path);
    else files.remove(path);
  }
  files.removeFolder(folder);
}

/**
 * Sends, and removes, output that nobody sends any more, such as of a job that was killed by force.
 * @param running the ids of the jobs that run, asked for after the names were read
 * @param find the job as it is then
 * @param send removes the file as well, unless the store is away
 */
export async function tidyOutput(
  files: FileSystem,
  path: string,
  running: () => Promise<ReadonlySet<string>>,
  find: (id: string) => Promise<Job | undefined>,
  send: (id: string, attempt: number) => Promise<void>,
): Promise<void> {
  const names = files.names(`${path}/output`);
  if (names.length === 0) return;
  const ids = await running();
  for (const name of names) {
    const [, id = "", attempt = ""] = /^(.+)\.(\d+)\.log$/.exec(name) ?? [];
    if (ids.has(id)) continue;
    const file = `${path}/output/${name}`;
    // One that has not begun has no output, and will have some when it begins elsewhere.
    const isEmpty = id === "" || files.info(file)?.size === 0;
    const fate = isEmpty ? "nobody's" : fateOf(await find(id), Number(attempt));
    if (fate === "ended") await send(id, Number(attempt));
    else if (fate === "nobody's" && files.info(file) !== undefined) files.remove(file);
  }
}

/** What became of an attempt. It is nobody's if an earlier job of the same id has had it. */
function fateOf(job: Job | undefined, attempt: number): "ended" | "runs" | "nobody's" {
  if (job?.history.some((ended) => ended.attempt === attempt)) return "ended";
  const { status } = job ?? {};
  return status?.state === "processing" && status.running.attempt === attempt ? "runs" : "nobody's";
}

/** What of a `Host` lies in the folder. */
export function pathsIn(path: string): Omit<Host, "options"> {
  return {
    folder: path,
    startLog: `${folderOf(path)}/start.log`,
    journal: (worker) => `${path}/workers/${worker}.runs`,
    log: (id, attempt) => `${path}/output/${id}.${attempt}.log`,
  };
}

/** The file that says until when jobs may run here. */
export function deadlinePath(path: string): string {
  return `${path}/deadline`;
}

function readId(files: FileSystem, path: string): string | undefined {
  if (files.info(`${path}/host`) === undefined) return undefined;
  const id = files.readText(`${path}/host`).trim();
  if (/^[0-9a-f-]{36}$/.test(id)) return id;
  throw new QueueError("damaged", `Cannot use ${path}/host: it has no id in it`, {
    hint: "Remove that file when no job of this queue runs here",
  });
}

function stateFolder(env: (name: string) => string | undefined): string {
  const named = env("XDG_STATE_HOME");
  if (named?.startsWith("/")) return named;
  const home = env("HOME") || env("LOCALAPPDATA");
  if (home) return Deno.build.os === "windows" ? home : `${home}/.local/state`;
  throw new QueueError("refused", "Cannot tell where to keep what belongs to this host", {
    hint: "Set HOME or XDG_STATE_HOME",
  });
}

function makeAll(files: FileSystem, path: string): void {
  if (infoOfTarget(files, path)?.kind === "folder") return;
  const parent = folderOf(path);
  if (parent !== "/") makeAll(files, parent);
  try {
    files.makeFolder(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}
