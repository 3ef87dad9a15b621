// The gate of a queue with settings: a lock that is held by whoever lets one of its jobs begin, or
// sets one aside. The lock's file is empty if no ticket is set aside, so that only others have to
// look for those. If the queue has a rate, a file beside it has the times of the last begins.
import { type Begins, isVoid, type Rate } from "../../queue/queues.ts";
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { replaceFile } from "../../system/replace_file.ts";
import { ignoreNotFound, makeUnlessThere } from "./bucketed_index.ts";
import { gatesFolder } from "./layout.ts";
import { lockPatiently } from "./locks.ts";

/** Bytes for each time in the file of begins: 13 digits and a line break. */
const MARK = 14;
/** How many times are read at once. */
const BLOCK = 128;
/** Milliseconds for which a worker waits for the lock. */
const PATIENCE = 200;
/** The file is rewritten when it has this many more times than needed. */
const SPARE = 10_000;

const NONE: Begins = [];

export class Gate {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #lock: string;
  readonly #begins: string;

  constructor(files: FileSystem, dataDir: string, key: string) {
    this.#files = files;
    this.#folder = gatesFolder(dataDir);
    this.#lock = `${this.#folder}/${key}.lock`;
    this.#begins = `${this.#folder}/${key}.begins`;
  }

  /** Undefined if another process has the lock. */
  lock(): FileLock | undefined {
    try {
      return this.#files.lock(this.#lock);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      makeUnlessThere(this.#files, this.#folder);
      return this.#files.lock(this.#lock);
    }
  }

  /**
   * Waits up to `patience` milliseconds for the lock; undefined if another process still has it.
   */
  async lockPatiently(patience = PATIENCE): Promise<FileLock | undefined> {
    return await lockPatiently(() => this.lock(), patience);
  }

  /**
   * Whether tickets may be set aside. False is certain, but for a folder that was damaged or that a
   * power cut has set back: claims find such tickets later.
   */
  mayHaveAside(): boolean {
    return (this.#files.info(this.#lock)?.size ?? 0) > 0;
  }

  /** Notes whether tickets may be set aside: before the first is. The caller has the lock. */
  noteAside(mayBe: boolean): void {
    // An empty byte takes no room on a disk, which may be full.
    if (this.mayHaveAside() !== mayBe) this.#files.truncate(this.#lock, mayBe ? 1 : 0);
  }

  /** The times at which jobs began. */
  begins(rate: Rate | null): Begins {
    const size = rate === null ? undefined : this.#files.info(this.#begins)?.size;
    return size === undefined
      ? NONE
      : new FileBegins(this.#files, this.#begins, Math.floor(size / MARK));
  }

  /**
   * Records that a job begins, before it does: a crash in between wastes one begin of the rate but
   * never allows one too many. The caller has the lock.
   *
   * @param now the time by the clock; `begin` is the one that is recorded
   */
  note(rate: Rate, before: Begins, now: number, begin: number): void {
    const line = `${String(begin).padStart(MARK - 1, "0")}\n`;
    if (before.length > rate.count + SPARE && !isVoid(rate, before, now)) {
      const kept = Array.from({ length: rate.count }, (_, i) => before.at(before.length - 1 - i)!);
      const lines = kept.reverse().map((time) => `${String(time).padStart(MARK - 1, "0")}\n`);
      return replaceFile(this.#files, this.#begins, lines.join("") + line);
    }
    const size = this.#files.info(this.#begins)?.size;
    if (size === undefined) return this.#files.create(this.#begins, line);
    // A time that a crash has torn is cut off, and so are all times if none of them matters any
    // more.
    const kept = isVoid(rate, before, now) ? 0 : before.length * MARK;
    if (size !== kept) this.#files.truncate(this.#begins, kept);
    this.#files.append(this.#begins, line);
  }

  /** Removes the last begin, since the job did not begin after all. */
  unnote(): void {
    const size = this.#files.info(this.#begins)?.size ?? 0;
    if (size >= MARK) ignoreNotFound(() => this.#files.truncate(this.#begins, size - MARK));
  }
}

/** The file of begins, read in blocks as needed. */
class FileBegins implements Begins {
  readonly length: number;
  readonly #files: FileSystem;
  readonly #path: string;
  readonly #blocks = new Map<number, string>();

  constructor(files: FileSystem, path: string, length: number) {
    this.#files = files;
    this.#path = path;
    this.length = length;
  }

  at(index: number): number | undefined {
    const place = index < 0 ? index + this.length : index;
    if (place < 0 || place >= this.length) return undefined;
    const first = place - place % BLOCK;
    let block = this.#blocks.get(first);
    if (block === undefined) {
      const bytes = this.#files.readBytes(this.#path, first * MARK, BLOCK * MARK);
      block = new TextDecoder().decode(bytes ?? new Uint8Array());
      this.#blocks.set(first, block);
    }
    const time = Number(block.slice((place - first) * MARK, (place - first) * MARK + MARK - 1));
    return Number.isNaN(time) ? 0 : time; // damaged: counts as long past
  }
}
