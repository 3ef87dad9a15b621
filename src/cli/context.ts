// Everything of the outside world that commands touch. main.ts makes the real one, tests a fake
// one.
import type { Job } from "../queue/job.ts";
import type { Store, StoreLocation } from "../stores/store.ts";
import type { endOrphanOf } from "./end_orphan.ts";
import type { FileSystem } from "../system/file_system.ts";

/** A stream that text goes to. */
export interface Output {
  /** @throws Deno.errors.BrokenPipe when nobody reads any more */
  write(content: string | Uint8Array): void;
  readonly isTerminal: boolean;
  /** Its size, where it is a terminal. */
  readonly columns: number;
  readonly rows: number;
}

export interface Input {
  readonly isTerminal: boolean;
  readAll(): Promise<Uint8Array>;
  /** From now on each key counts at once, and is not echoed; back to normal with `false`. */
  setRaw(raw: boolean): void;
  /** The next key, or undefined if none comes within `timeout` milliseconds. */
  nextKey(timeout: number): Promise<string | undefined>;
}

export interface Context {
  readonly args: readonly string[];
  /** Whether `args` are what was typed: bytes that are no text are lost in them. */
  readonly areArgsIntact: () => Promise<boolean>;
  readonly version: () => Promise<string>;
  readonly os: string;
  readonly cwd: () => string;
  readonly env: (name: string) => string | undefined;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => Job["id"];
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly files: FileSystem;
  /** All bytes of a file, also of one that can be read but once, such as a pipe. */
  readonly readAllBytes: (path: string) => Uint8Array;
  /** Ends a running job whose worker has died: see `endOrphanOf`. */
  readonly endOrphan: typeof endOrphanOf;
  /** Nothing of the store is read or written yet. */
  readonly openStore: (location: StoreLocation) => Store;
  /** Gives up the right to use the network. */
  readonly dropNetwork: () => void;
  /** Calls `hear` at each Ctrl-C, which does not end the process until `release` is called. */
  readonly onInterrupt: (hear: () => void) => { release(): void };
  /** Runs `undo` if the process is told to end before `release` is called. */
  readonly onEnd: (undo: () => void) => { release(): void };
}
