// A process that can be stopped before any of its file operations and continued later. File
// operations are synchronous, so the code can't be suspended. Instead it is run again, with the
// recorded results of the operations that it has done already. That works because a process is a
// function of its files, its clock and its random numbers, which all come from here.
import type { FileInfo, FileLock, FileSystem } from "../../src/system/file_system.ts";
import { Access, type SimDisk } from "../support/sim_disk.ts";

/** A file operation that was done, and what came of it. */
export interface Step {
  readonly operation: string;
  readonly path: string;
  readonly access: Access;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** What runs in a process. What it returns is what it acknowledges. */
export type Program = (files: FileSystem) => Promise<unknown>;

/** How a run of a process came out. */
export interface Run {
  /** All that it did, what it had done before included. */
  readonly steps: readonly Step[];
  /** Undefined if it was suspended. */
  readonly outcome: Outcome | undefined;
}

export type Outcome =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | { readonly kind: "broken"; readonly error: unknown };

/** Thrown at the operation before which a process stops, and at each that it tries after that. */
class Suspended extends Error {}

/** More operations than any process needs: it goes round in a circle. */
const TOO_MANY = 20_000;

/**
 * Runs `program` as the process `actor` until it ends, or until it has done `until` operations. The
 * first ones are those of `done`, which are not done again.
 */
export async function run(
  disk: SimDisk,
  actor: number,
  program: Program,
  { done = [], until = Infinity }: { done?: readonly Step[]; until?: number } = {},
): Promise<Run> {
  const files = new GatedFiles(disk, actor, done, until);
  const outcome = await asProcess(actor, () => program(files));
  if (files.unfaithful !== undefined) throw files.unfaithful;
  return { steps: files.steps, outcome: files.isSuspended ? undefined : outcome };
}

/** Does something with the clock and the random numbers of a process. */
export async function asProcess(actor: number, action: () => Promise<unknown>): Promise<Outcome> {
  current = { actor, made: 0, waited: 0 };
  try {
    return { kind: "done", value: await action() };
  } catch (error) {
    const { code, name, message } = error as { code: string; name: string; message: string };
    return name === "QueueError" ? { kind: "refused", code, message } : { kind: "broken", error };
  } finally {
    current = undefined;
  }
}

class GatedFiles implements FileSystem {
  readonly steps: Step[] = [];
  isSuspended = false;
  unfaithful: Error | undefined;
  readonly #disk: SimDisk;
  readonly #actor: number;
  readonly #done: readonly Step[];
  readonly #until: number;

  constructor(disk: SimDisk, actor: number, done: readonly Step[], until: number) {
    this.#disk = disk;
    this.#actor = actor;
    this.#done = done;
    this.#until = until;
  }

  #do<T>(operation: string, path: string, act: (disk: SimDisk) => T): T {
    if (this.isSuspended) throw new Suspended();
    const index = this.steps.length;
    let step = this.#done[index];
    if (step === undefined) {
      if (index >= this.#until) {
        this.isSuspended = true;
        throw new Suspended();
      }
      if (index >= TOO_MANY) throw new Error(`Goes round in a circle: ${operation} ${path}`);
      const disk = this.#disk;
      const access = disk.access = new Access();
      disk.actor = this.#actor;
      try {
        step = { operation, path, access, result: act(disk) };
      } catch (error) {
        step = { operation, path, access, error };
      } finally {
        disk.access = undefined;
        disk.actor = 0;
      }
    } else if (step.operation !== operation || step.path !== path) {
      this.isSuspended = true;
      this.unfaithful = new Error(
        `When run again it did ${operation} ${path}, not ${step.operation} ${step.path}`,
      );
      throw this.unfaithful;
    }
    this.steps.push(step);
    if ("error" in step) throw step.error;
    return step.result as T;
  }

  readText(path: string): string {
    return this.#do("readText", path, (disk) => disk.readText(path));
  }
  readBytes(path: string, offset: number, length: number): Uint8Array | undefined {
    return this.#do("readBytes", path, (disk) => disk.readBytes(path, offset, length));
  }
  realPath(path: string): string {
    return path;
  }
  create(path: string, text: string, options?: { sync?: boolean }): void {
    this.#do("create", path, (disk) => disk.create(path, text, options));
  }
  append(path: string, text: string): void {
    this.#do("append", path, (disk) => disk.append(path, text));
  }
  truncate(path: string, size: number): void {
    this.#do("truncate", path, (disk) => disk.truncate(path, size));
  }
  link(existing: string, path: string): void {
    this.#do("link", `${existing} -> ${path}`, (disk) => disk.link(existing, path));
  }
  copy(from: string, to: string): void {
    this.#do("copy", `${from} -> ${to}`, (disk) => disk.copy(from, to));
  }
  rename(from: string, to: string): void {
    this.#do("rename", `${from} -> ${to}`, (disk) => disk.rename(from, to));
  }
  remove(path: string): void {
    this.#do("remove", path, (disk) => disk.remove(path));
  }
  makeFolder(path: string): void {
    this.#do("makeFolder", path, (disk) => disk.makeFolder(path));
  }
  removeFolder(path: string): void {
    this.#do("removeFolder", path, (disk) => disk.removeFolder(path));
  }
  names(path: string): string[] {
    return [...this.#do("names", path, (disk) => disk.names(path))];
  }
  info(path: string): FileInfo | undefined {
    return this.#do("info", path, (disk) => disk.info(path));
  }
  setMode(path: string, mode: number): void {
    this.#do("setMode", path, (disk) => disk.setMode(path, mode));
  }
  touch(path: string): void {
    this.#do("touch", path, (disk) => disk.touch(path));
  }
  sync(path: string): void {
    this.#do("sync", path, (disk) => disk.sync(path));
  }
  syncAll(path: string): void {
    this.#do("syncAll", path, (disk) => disk.syncAll(path));
  }

  /** In three steps, as the real one: others may remove the file between them. */
  lock(path: string, create = true): FileLock | undefined {
    for (;;) {
      const inode = this.#do("open for lock", path, (disk) => disk.openForLock(path, create));
      if (!this.#do("try lock", path, (disk) => disk.tryLock(inode))) return undefined;
      const release = () => this.#do("release", path, (disk) => disk.unlock(inode));
      if (this.info(path)?.inode === inode) return { release };
      release();
    }
  }
}

/**
 * The process that runs at this moment, if one does, how many unique names it has made, and how
 * long it has waited, which takes no time here.
 */
let current: { actor: number; made: number; waited: number } | undefined;

/**
 * Puts clocks, random numbers and process ids of the processes in the place of the real ones, for
 * as long as one of them runs.
 */
export function installClocks(now: number): void {
  const real = { uuid: crypto.randomUUID.bind(crypto), pid: Deno.pid };
  const ticks = performance.now.bind(performance);
  const RealDate = Date;
  crypto.randomUUID = () => {
    if (current === undefined) return real.uuid();
    const digits = String(current.actor * 1000 + current.made++).padStart(8, "0");
    return `${digits}-0000-4000-8000-000000000000`;
  };
  performance.now = () => current === undefined ? ticks() : current.waited;
  const timer = globalThis.setTimeout;
  globalThis.setTimeout = ((action: () => void, ms = 0) => {
    if (current === undefined) return timer(action, ms);
    current.waited += ms;
    queueMicrotask(action);
    return 0;
  }) as typeof setTimeout;
  Object.defineProperty(Deno, "pid", {
    configurable: true,
    get: () => current === undefined ? real.pid : 1000 + current.actor,
  });
  globalThis.Date = class extends RealDate {
    constructor(...values: number[]) {
      super(
        ...(values.length === 0 && current !== undefined ? [now + current.waited] : values) as [
          number,
        ],
      );
    }
    static override now(): number {
      return current === undefined ? RealDate.now() : now + current.waited;
    }
  } as DateConstructor;
}
