// Everything of the outside world that commands use. main.ts makes the real one, tests make fakes.
import type { Job } from "../queue/job.ts";
import type { Store, StoreLocation } from "../stores/store.ts";
import type { endOrphanOf } from "./end_orphan.ts";
import type { FileSystem } from "../system/file_system.ts";

/** A stream that text goes to. */
export interface Output {
  /** @throws Deno.errors.BrokenPipe when nobody reads any more */
  write(content: string | Uint8Array): void;
  readonly isTerminal: boolean;
  /** The size of the terminal, if it is one. */
  readonly columns: number;
  readonly rows: number;
}

export interface Input {
  readonly isTerminal: boolean;
  readAll(): Promise<Uint8Array>;
  /**
   * With `true`, each key is read at once and not echoed; with `false`, the terminal is as usual
   * again.
   */
  setRaw(raw: boolean): void;
  /** The next key, or undefined if none comes within `timeout` milliseconds. */
  nextKey(timeout: number): Promise<string | undefined>;
}

export interface Context {
  readonly args: readonly string[];
  /** Whether `args` are exactly what was typed: bytes that are not UTF-8 are lost in them. */
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
  /** All bytes of a file, also of one that can be read only once, such as a pipe. */
  readonly readAllBytes: (path: string) => Uint8Array;
  /** Ends a running job whose worker has died: see `endOrphanOf`. */
  readonly endOrphan: typeof endOrphanOf;
  /** Only makes the object; nothing is read or written yet. */
  readonly openStore: (location: StoreLocation) => Store;
  /** Gives up the right to use the network. */
  readonly dropNetwork: () => void;
  /** Calls `hear` at each Ctrl-C. Until `release` is called, Ctrl-C does not end the process. */
  readonly onInterrupt: (hear: () => void) => { release(): void };
  /** Runs `undo` if SIGTERM ends the process before `release` is called. */
  readonly onEnd: (undo: () => void) => { release(): void };
}
