// The default store: a folder of files that is made on first use and only the user can read. It
// loads each of its parts when it is asked for.
import { QueueError } from "../../queue/errors.ts";
import { type FileSystem, infoOfTarget, makeFolders } from "../../system/file_system.ts";
import type { LogReader } from "../../queue/logs.ts";
import type { Maintenance } from "../../queue/maintenance.ts";
import type { QueueStore } from "../../queue/queues.ts";
import type { Requests } from "../../queue/requests.ts";
import type { ScheduleStore, ScheduleWatch } from "../../queue/schedule_store.ts";
import type { SettingsStore } from "../../queue/settings_store.ts";
import type { Inbox, JobReader, JobStore } from "../../queue/store.ts";
import type { Tallies } from "../../queue/tally.ts";
import type { Workers } from "../../queue/workers.ts";
import type { Host, Store } from "../store.ts";

/** What the folder store needs from the outside world. */
export interface StoreWorld {
  readonly files: FileSystem;
  readonly os: string;
  /** The id of this process's user; null if the platform has none. */
  readonly userId: () => number | null;
  /** Called about files that can't be read. */
  readonly warn: (message: string) => void;
}

export class FolderStore implements Store {
  readonly name: string;
  readonly dataDir: string;
  readonly #world: StoreWorld;

  constructor(dataDir: string, world: StoreWorld) {
    this.name = this.dataDir = dataDir;
    this.#world = world;
  }

  prepare(): void {
    prepareDataFolder(this.dataDir, this.#world);
  }

  async openJobs(warn = this.#world.warn): Promise<JobStore> {
    const { openFileStore } = await import("./store.ts");
    return await openFileStore(this.dataDir, { files: this.#world.files, warn });
  }

  async openReader(): Promise<JobReader> {
    const { openReader } = await import("./reader.ts");
    return await openReader(this.dataDir, this.#world.files, this.#world.warn);
  }

  async openInbox(): Promise<Inbox> {
    const { openInbox } = await import("./inbox.ts");
    return await openInbox(this.dataDir, this.#world.files);
  }

  async openSchedules(
    firing?: { readonly jobs: JobStore; readonly warn: (message: string) => void },
  ): Promise<ScheduleStore> {
    const [{ FileSchedules }, { prepareFolder }] = await Promise.all([
      import("./schedules.ts"),
      import("./prepare_folder.ts"),
    ]);
    await prepareFolder(this.dataDir, this.#world.files);
    return new FileSchedules(this.dataDir, { ...this.#world, ...firing });
  }

  async watchSchedules(): Promise<ScheduleWatch> {
    const { FileScheduleWatch } = await import("./schedule_watch.ts");
    return new FileScheduleWatch(this.dataDir, this.#world.files);
  }

  async queues(): Promise<QueueStore> {
    const [{ FileQueues }, { prepareFolder }] = await Promise.all([
      import("./queues.ts"),
      import("./prepare_folder.ts"),
    ]);
    await prepareFolder(this.dataDir, this.#world.files);
    return new FileQueues(this.dataDir, this.#world);
  }

  async workers(): Promise<Workers> {
    const { FileWorkers } = await import("./workers.ts");
    return new FileWorkers(this.dataDir, this.#world.files);
  }

  async openRequests(): Promise<Requests> {
    const { FileRequests } = await import("./requests.ts");
    return new FileRequests(this.dataDir, this.#world.files);
  }

  async logs(): Promise<LogReader> {
    const { FileLogs } = await import("./logs.ts");
    return new FileLogs(this.dataDir, this.#world.files);
  }

  async settings(): Promise<SettingsStore> {
    const { FileSettings } = await import("./settings.ts");
    return new FileSettings(this.dataDir, this.#world.files);
  }

  async tallies(): Promise<Tallies> {
    const { FileTallies } = await import("./tallies.ts");
    return new FileTallies(this.dataDir, this.#world.files);
  }

  async maintenance(): Promise<Maintenance> {
    const { FileMaintenance } = await import("./file_maintenance.ts");
    return new FileMaintenance(this.dataDir, this.#world.files);
  }

  async host(): Promise<Host> {
    const { hostOf } = await import("./host.ts");
    return hostOf(this.dataDir);
  }

  async forWorkers(): Promise<Store> {
    const { prepareFolder } = await import("./prepare_folder.ts");
    const { files } = this.#world;
    await prepareFolder(this.dataDir, files);
    // The real path, since Deno follows links before it checks what a worker may read.
    return new FolderStore(files.realPath(this.dataDir), this.#world);
  }
}

/**
 * Makes the folder with mode 0700 if it is missing. An existing empty folder gets this mode too,
 * such as one that a user made for this.
 *
 * @throws QueueError `refused` if it belongs to another user, or is not a folder
 */
function prepareDataFolder(path: string, world: StoreWorld): void {
  const { files, os, userId } = world;
  const info = infoOfTarget(files, path);
  if (info === undefined) {
    makeFolders(files, path, notAFolder);
    return;
  }
  if (info.kind !== "folder") throw notAFolder(path);
  const user = userId();
  if (user !== null && info.owner !== user) {
    // Files that root or another user makes in it can't be read or removed by its owner.
    throw new QueueError(
      "refused",
      `Cannot use ${path}: it belongs to another user (id ${info.owner})`,
      {
        hint: "Run queuectl as that user, or name another folder with --data-dir",
      },
    );
  }
  if (os === "windows" || (info.mode & 0o077) === 0) return;
  if (files.names(path).length === 0) files.setMode(path, 0o700);
}

function notAFolder(path: string): QueueError {
  return new QueueError("refused", `Cannot use ${path}: it is not a folder`, {
    hint: "Name another folder with --data-dir or QUEUECTL_DATA_DIR",
  });
}
