// Workers of a data folder. Each has a lock file with its name, a record of its identity and, while
// it has jobs, a folder with their tickets.
import {
  type EndingSignal,
  isSupervisorName,
  isWorkerName,
  supervisorName,
  type WorkerIdentity,
  type WorkerInfo,
  type WorkerLock,
  type Workers,
} from "../../queue/workers.ts";
import { delay } from "../../system/delay.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { removeIfEmpty } from "./bucketed_index.ts";
import { lockPath } from "./layout.ts";
import { isLocked } from "./maintenance.ts";
import { promised } from "./promised.ts";
import { clearStop } from "./requests.ts";
import { FileWorkerLock, holderOf, isMissing, LOCK_RENEWAL } from "./worker_lock.ts";

export class FileWorkers implements Workers {
  readonly #dataDir: string;
  readonly #files: FileSystem;

  constructor(dataDir: string, files: FileSystem) {
    this.#dataDir = dataDir;
    this.#files = files;
  }

  join(wanted: string | undefined, avoid?: ReadonlySet<string>): Promise<WorkerLock> {
    return promised(() => {
      const lock = FileWorkerLock.join(this.#files, this.#dataDir, wanted, avoid);
      this.#clearStop(lock.name); // a request to the previous holder of the name
      return this.#portOf(lock);
    });
  }

  joinAsSupervisor(pid: number): Promise<WorkerLock> {
    return this.join(supervisorName(pid));
  }

  live(): Promise<WorkerInfo[]> {
    return promised(() => this.#live((name) => !isSupervisorName(name)));
  }

  liveSupervisors(): Promise<WorkerInfo[]> {
    return promised(() => this.#live(isSupervisorName));
  }

  find(name: string): Promise<WorkerInfo | undefined> {
    return promised(() => holderOf(this.#files, this.#dataDir, name));
  }

  dead(): Promise<string[]> {
    return promised(() =>
      knownNames(this.#files, this.#dataDir).filter((name) => {
        try {
          return !isLocked(lockPath(this.#dataDir, name), this.#files);
        } catch {
          return true; // whoever takes its place gets the error
        }
      })
    );
  }

  async takeOver(name: string, signal?: AbortSignal): Promise<WorkerLock | undefined> {
    if (isMissing(this.#files, this.#dataDir, name)) {
      await delay(LOCK_RENEWAL, signal);
      if (signal?.aborted) return undefined;
    }
    const lock = FileWorkerLock.takeOver(this.#files, this.#dataDir, name);
    lock?.noteRescue();
    return lock && this.#portOf(lock);
  }

  async signal(names: readonly string[], signal: EndingSignal): Promise<string[]> {
    const { signalHolders } = await import("./signal_holders.ts");
    return await signalHolders(this.#files, this.#dataDir, names, signal);
  }

  #live(which: (name: string) => boolean): WorkerInfo[] {
    if (this.#files.info(`${this.#dataDir}/workers`) === undefined) return [];
    return namesWith(this.#files, this.#dataDir, [".lock"]).filter(which)
      .flatMap((name) => holderOf(this.#files, this.#dataDir, name) ?? []);
  }

  #clearStop(name: string): void {
    clearStop(this.#files, `${this.#dataDir}/control`, name);
  }

  #portOf(lock: FileWorkerLock): WorkerLock {
    const { name } = lock;
    return {
      name,
      announce: (identity: WorkerIdentity) => promised(() => lock.announce(identity)),
      heartbeat: () => promised(() => lock.heartbeat()),
      abandon: () => promised(() => lock.abandon()),
      leave: () =>
        promised(() => {
          removeIfEmpty(this.#files, `${this.#dataDir}/queue/running/${name}`);
          this.#clearStop(name);
          lock.leave();
        }),
    };
  }
}

/**
 * All names of live or dead workers. The lock file of a dead worker may be missing although its
 * jobs are there. Invalid names are ignored, since other programs may leave files here.
 */
export function knownNames(files: FileSystem, dataDir: string): string[] {
  const names = namesWith(files, dataDir, [".lock", ".runs"]);
  const folder = `${dataDir}/queue/running`;
  const running = (files.info(folder) === undefined ? [] : files.names(folder)).filter((name) =>
    isWorkerName(name) && !names.includes(name) &&
    files.info(`${folder}/${name}`)?.kind === "folder" &&
    files.names(`${folder}/${name}`).some((entry) => !entry.startsWith("."))
  );
  return inOrder([...names, ...running]);
}

function namesWith(files: FileSystem, dataDir: string, endings: readonly string[]): string[] {
  const names = files.names(`${dataDir}/workers`).flatMap((file) => {
    const ending = endings.find((ending) => file.endsWith(ending));
    const name = ending === undefined ? "" : file.slice(0, -ending.length);
    return isWorkerName(name) || isSupervisorName(name) ? [name] : [];
  });
  return inOrder(names);
}

function inOrder(names: readonly string[]): string[] {
  return [...new Set(names)].sort((a, b) => countingKey(a) < countingKey(b) ? -1 : 1);
}

/** Sorts `worker-2` before `worker-10`. Without `localeCompare`, whose first call takes 4 ms. */
function countingKey(name: string): string {
  return name.replace(/\d+/g, (digits) => digits.padStart(16, "0"));
}
