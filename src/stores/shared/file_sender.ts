// How what an attempt prints gets to the store from the file that the job writes to, while it does:
// every half a second, so much at a time, the rest when the attempt has ended, together with its end
// if that is not much. It also keeps the file within its limit: a job always appends, so what it has
// printed beyond can be cut off meanwhile.
import { isPassing, isUnavailable, messageOf } from "../../queue/errors.ts";
import type { LogReader } from "../../queue/logs.ts";
import { cappedNote } from "../../system/capped_note.ts";
import { delay } from "../../system/delay.ts";
import type { FileSystem } from "../../system/file_system.ts";
import type { OutputSender, PrintingAttempt } from "../store.ts";
import type { LastPieces } from "./last_pieces.ts";

/** The most bytes that are sent at once. */
const AT_ONCE = 256 * 1024;
/** The most bytes that go together with the end of the attempt. */
const WITH_END = 64 * 1024;
/** Milliseconds between looks at the size of the file, and looks until something is sent. */
const LOOK = 100;
const LOOKS = 5;
/** Milliseconds between tries to send the rest, while the store is away. */
const TRY_AGAIN = 1000;

/** Not even that there is no output. */
const NOTHING = -1;

const encoder = new TextEncoder();

/** Where what attempts printed is kept. */
export interface OutputTable extends LogReader {
  /**
   * Adds what comes from byte number `from` on. What is there already is no news. Without any bytes
   * it tells a log without output from one that is not there.
   */
  put(id: string, attempt: number, from: number, bytes: Uint8Array): Promise<void>;
}

export interface SenderOptions extends PrintingAttempt {
  readonly outputs: OutputTable;
  readonly files: FileSystem;
  /** The file that the job writes to. */
  readonly path: string;
  /** Takes what goes together with the end of the attempt. */
  readonly lastPieces?: LastPieces;
  /** Told once why the end of the attempt has to wait, unless the store is only away. */
  readonly warn?: (message: string) => void;
}

interface Piece {
  readonly from: number;
  readonly bytes: Uint8Array;
  /** Whether the file has no more for now. */
  readonly isLast: boolean;
}

/** Sends what is in a file, and what comes to it. */
export class FileSender implements OutputSender {
  readonly #options: SenderOptions;
  readonly #looking: ReturnType<typeof setInterval>;
  #looks = 0;
  #hasEnded = false;
  #sending: Promise<unknown> | undefined;
  /** So many bytes have been sent, or `NOTHING`; undefined as long as that is not known. */
  #sent: number | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    if (options.isNew) {
      this.#sent = NOTHING;
      // An earlier job of the same id may have left a file, and jobs append.
      this.#remove();
    }
    this.#looking = setInterval(() => this.#look(), LOOK);
  }

  async finish(signal: AbortSignal): Promise<void> {
    this.#hasEnded = true;
    try {
      await this.#sending;
      if (!this.#leaveToEnd()) await this.#sendRest(signal);
    } finally {
      clearInterval(this.#looking);
    }
  }

  /** @returns whether what is left goes together with the end of the attempt */
  #leaveToEnd(): boolean {
    const { lastPieces, attempt, id } = this.#options;
    if (lastPieces === undefined || this.#sent === undefined) return false;
    const piece = this.#next(this.#sent, true);
    if (piece === undefined || !piece.isLast || piece.bytes.length > WITH_END) return false;
    const { from, bytes } = piece;
    const send = () => this.#sendAll();
    return lastPieces.keep(id, { attempt, from, bytes, send, isThere: () => this.#remove() });
  }

  async #sendRest(signal: AbortSignal): Promise<void> {
    // Once in any case: an end that is on record has its output, also where nobody waits any more.
    let isTold = false;
    do {
      try {
        return await this.#sendAll();
      } catch (error) {
        if (!isTold && !isUnavailable(error) && !signal.aborted) {
          isTold = true;
          const what = `Cannot keep what job "${this.#options.id}" has printed`;
          this.#options.warn?.(`${what}, trying until it works: ${messageOf(error)}`);
        }
        await delay(TRY_AGAIN, signal);
      }
    } while (!signal.aborted);
  }

  /** @throws QueueError where it may work later */
  async #sendAll(): Promise<void> {
    try {
      while (await this.#sendSome(true));
    } catch (error) {
      // A job that was removed meanwhile has no output any more.
      if (isPassing(error)) throw error;
    }
    this.#remove();
  }

  #remove(): void {
    const { files, path } = this.#options;
    try {
      files.remove(path);
    } catch {
      // It may never have been made, and others may remove it, too. What stays is tidied later.
    }
  }

  #look(): void {
    this.#cut();
    if (this.#hasEnded || ++this.#looks % LOOKS !== 0) return;
    this.#sending ??= this.#sendSome(false)
      .catch(() => {}) // sent later, or at the end
      .finally(() => this.#sending = undefined);
  }

  /** One byte beyond the limit stays: whoever goes on here has to know that there were more. */
  #cut(): void {
    const { files, path, limit } = this.#options;
    if (limit === 0) return;
    try {
      if ((files.info(path)?.size ?? 0) > limit + 1) files.truncate(path, limit + 1);
    } catch {
      // It is tried again at the next look.
    }
  }

  /**
   * Sends the next bytes, if there are any. @returns whether there may be more
   * @param isOver whether none come after those that are there
   */
  async #sendSome(isOver: boolean): Promise<boolean> {
    const { outputs, id, attempt } = this.#options;
    this.#sent ??= await outputs.size(id, attempt) ?? NOTHING;
    const piece = this.#next(this.#sent, isOver);
    if (piece === undefined) return false;
    const { from, bytes } = piece;
    this.#sent = undefined; // not known while, and if, this fails
    await outputs.put(id, attempt, from, bytes);
    this.#sent = from + bytes.length;
    return bytes.length > 0;
  }

  /** What comes after what is sent, if there is anything. */
  #next(sent: number, isOver: boolean): Piece | undefined {
    const { files, path, limit } = this.#options;
    const from = Math.max(sent, 0);
    const size = files.info(path)?.size;
    if (size === undefined) return undefined;
    const isCapped = limit > 0 && size > limit;
    const end = isCapped ? limit : size;
    const isNote = isCapped && from >= limit;
    const left = Math.min(end - from, AT_ONCE);
    const bytes = isNote
      ? encoder.encode(`\n${cappedNote(limit)}\n`).subarray(from - limit)
      : left > 0
      ? files.readBytes(path, from, left)
      : new Uint8Array();
    if (bytes === undefined) return undefined;
    // One empty piece tells a log without output from one that is not there.
    if (bytes.length === 0 && !(isOver && sent < 0)) return undefined;
    return { from, bytes, isLast: isNote || !isCapped && from + bytes.length >= end };
  }
}
