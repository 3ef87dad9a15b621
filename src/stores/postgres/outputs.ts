// What attempts printed, as rows of pieces; and how it gets there from the file that the job writes
// to, while it does: every half a second, so much at a time, the rest when the attempt has ended.
import { QueueError } from "../../queue/errors.ts";
import type { LogReader } from "../../queue/logs.ts";
import { delay } from "../../system/delay.ts";
import type { FileSystem } from "../../system/file_system.ts";
import type { OutputSender } from "../store.ts";
import type { Database } from "./connection.ts";

/** The most bytes of one piece; of the pieces sent in one statement; milliseconds between these. */
const PIECE = 64 * 1024;
const AT_ONCE = 4 * PIECE;
const EVERY = 500;
/** Milliseconds between tries to send the rest, while the database is away. */
const TRY_AGAIN = 1000;

export class PostgresLogs implements LogReader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async size(id: string, attempt: number): Promise<number | undefined> {
    const [row] = await this.#database.read<{ size: number }>(
      `select start + length(data) as size from queuectl.outputs
      where job_id = $1 and attempt = $2 order by start desc limit 1`,
      [id, attempt],
    );
    return row?.size;
  }

  async read(
    id: string,
    attempt: number,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    const pieces = await this.#database.read<{ start: number; data: string }>(
      `select start, encode(data, 'base64') as data from queuectl.outputs
      where job_id = $1 and attempt = $2 and start > $3 and start < $4 order by start`,
      [id, attempt, offset - PIECE, offset + length],
    );
    if (pieces.length === 0) {
      return await this.size(id, attempt) === undefined ? undefined : new Uint8Array();
    }
    const bytes = new Uint8Array(length);
    let end = offset;
    for (const { start, data } of pieces) {
      const piece = Uint8Array.fromBase64(data);
      if (start > end) break; // what comes before is on its way
      const part = piece.subarray(end - start, offset + length - start);
      bytes.set(part, end - offset);
      end += part.length;
    }
    return bytes.subarray(0, end - offset);
  }
}

export interface SenderOptions {
  readonly database: Database;
  readonly files: FileSystem;
  /** The file that the job writes to. */
  readonly path: string;
  readonly id: string;
  readonly attempt: number;
  /** The most that the file may hold, 0 for no limit: what goes beyond may be cut off again. */
  readonly limit: number;
}

/** Sends what is in a file, and what comes to it. A piece that is there already is no news. */
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
    while (!signal.aborted) {
      try {
        while (await this.#sendSome(true));
        const { files, path } = this.#options;
        if (files.info(path) !== undefined) files.remove(path);
        return;
      } catch (error) {
        // A job that was removed meanwhile has no output any more.
        if (!(error instanceof QueueError) || error.code !== "unavailable") return;
      }
      await delay(TRY_AGAIN, signal);
    }
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
    const { database, files, path, id, attempt, limit } = this.#options;
    this.#sent ??= await new PostgresLogs(database).size(id, attempt) ?? -1;
    const from = Math.max(this.#sent, 0);
    const size = files.info(path)?.size;
    if (size === undefined) return false;
    const end = isLast || limit === 0 ? size : Math.min(size, limit);
    const bytes = files.readBytes(path, from, Math.max(0, Math.min(end - from, AT_ONCE)));
    if (bytes === undefined) return false;
    // One empty piece tells a log without output from one that is not there.
    if (bytes.length === 0 && !(isLast && this.#sent < 0)) return false;
    const starts: number[] = [];
    const pieces: string[] = [];
    for (let at = 0; at === 0 || at < bytes.length; at += PIECE) {
      starts.push(from + at);
      pieces.push(bytes.subarray(at, at + PIECE).toBase64());
    }
    const before = this.#sent;
    this.#sent = undefined; // not known while, and if, this fails
    await database.query(
      `insert into queuectl.outputs (job_id, attempt, start, data)
      select $1, $2, start, decode(data, 'base64')
      from unnest($3::bigint[], $4::text[]) as piece (start, data)
      on conflict do nothing`,
      [id, attempt, starts, pieces],
    );
    this.#sent = from + bytes.length;
    return this.#sent > before;
  }
}
