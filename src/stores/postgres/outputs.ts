// What attempts printed, as rows of pieces.
import type { OutputTable } from "../shared/file_sender.ts";
import type { Database } from "./connection.ts";

/** The most bytes of one piece. */
const PIECE = 64 * 1024;

/**
 * What to do where a piece from the same byte on is there. The statement of a worker that was killed
 * may be done late, after the next one has looked what is there: of the two the longer one counts.
 */
export const LONGER_PIECE = `on conflict (job_id, attempt, start)
  do update set data = excluded.data where length(excluded.data) > length(there.data)`;

export class PostgresLogs implements OutputTable {
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

  async put(id: string, attempt: number, from: number, bytes: Uint8Array): Promise<void> {
    const starts: number[] = [];
    const pieces: string[] = [];
    for (let at = 0; at === 0 || at < bytes.length; at += PIECE) {
      starts.push(from + at);
      pieces.push(bytes.subarray(at, at + PIECE).toBase64());
    }
    await this.#database.query(
      `insert into queuectl.outputs as there (job_id, attempt, start, data)
      select $1, $2, start, decode(data, 'base64')
      from unnest($3::bigint[], $4::text[]) as piece (start, data)
      ${LONGER_PIECE}`,
      [id, attempt, starts, pieces],
    );
  }
}
