// How what an attempt prints gets to the store from the file that the job writes to, while it does:
// every half a second, so much at a time, the rest when the attempt has ended.
import { isPassing } from "../../queue/errors.ts";
import type { LogReader } from "../../queue/logs.ts";
import { delay } from "../../system/delay.ts";
import type { FileSystem } from "../../system/file_system.ts";
import type { OutputSender } from "../store.ts";

/** The most bytes that are sent at once, and milliseconds in between. */
const AT_ONCE = 256 * 1024;
const EVERY = 500;
/** Milliseconds between tries to send the rest, while the store is away. */
const TRY_AGAIN = 1000;

/** Where what attempts printed is kept. */
export interface OutputTable extends LogReader {
  /**
   * Adds what comes from byte number `from` on. What is there already is no news. Without any bytes
   * it tells a log without output from one that is not there.
   */
  put(id: string, attempt: number, from: number, bytes: Uint8Array): Promise<void>;
}

export interface SenderOptions {
  readonly outputs: OutputTable;
  readonly files: FileSystem;
  /** The file that the job writes to. */
  readonly path: string;
  readonly id: string;
  readonly attempt: number;
  /** The most that the file may hold, 0 for no limit: what goes beyond may be cut off again. */
  readonly limit: number;
}

/** Sends what is in a file, and what comes to it. */
export class FileSender implements OutputSender {
  readonly #options: SenderOptions;
  readonly #ended = new AbortController();
  readonly #sending: Promise<void>;
  /** So many bytes have been sent; undefined as long as that is not known. */
  #sent: number | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#sending = this.#follow();
  }

  async finish(signal: AbortSignal): Promise<void> {
    this.#ended.abort();
    await this.#sending;
    // Once in any case: an end that is on record has its output, also where nobody waits any more.
    do {
      try {
        while (await this.#sendSome(true));
        return this.#remove();
      } catch (error) {
        // A job that was removed meanwhile has no output any more.
        if (!isPassing(error)) return this.#remove();
      }
      await delay(TRY_AGAIN, signal);
    } while (!signal.aborted);
  }

  #remove(): void {
    const { files, path } = this.#options;
    if (files.info(path) !== undefined) files.remove(path);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ended;
    for (;;) {
      await delay(EVERY, signal);
      if (signal.aborted) return;
      await this.#sendSome(false).catch(() => {}); // sent later, or at the end
    }
  }

  /**
   * Sends the next bytes, if there are any. @returns whether there may be more
   * @param isLast whether none come after those that are there
   */
  async #sendSome(isLast: boolean): Promise<boolean> {
    const { outputs, files, path, id, attempt, limit } = this.#options;
    this.#sent ??= await outputs.size(id, attempt) ?? -1;
    const from = Math.max(this.#sent, 0);
    const size = files.info(path)?.size;
    if (size === undefined) return false;
    const end = isLast || limit === 0 ? size : Math.min(size, limit);
    const bytes = files.readBytes(path, from, Math.max(0, Math.min(end - from, AT_ONCE)));
    if (bytes === undefined) return false;
    // One empty piece tells a log without output from one that is not there.
    if (bytes.length === 0 && !(isLast && this.#sent < 0)) return false;
    const before = this.#sent;
    this.#sent = undefined; // not known while, and if, this fails
    await outputs.put(id, attempt, from, bytes);
    this.#sent = from + bytes.length;
    return this.#sent > before;
  }
}
