// Writes lines to a stream whose reader may be slow, suspended or gone, without ever making the
// caller wait. Lines that don't fit into the buffer are dropped, and their number is reported as
// soon as there is room again.
import { delay, pause } from "./delay.ts";

/** The size of the buffer in bytes. */
const ROOM = 256 * 1024;
/**
 * Milliseconds between writes. Each write takes a thread, and with short jobs, one write for each
 * line would take a twentieth of the machine's time.
 */
const GAP = 50;
/** Milliseconds before the next try if the stream is full and non-blocking. */
const AGAIN = 20;

const encoder = new TextEncoder();

export class LineWriter {
  readonly #stream: Pick<typeof Deno.stderr, "write">;
  #waiting = "";
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #writtenAt = -Infinity;
  /** Aborts when writing must not wait for more lines. */
  readonly #hurry = new AbortController();

  constructor(stream: Pick<typeof Deno.stderr, "write">) {
    this.#stream = stream;
  }

  write(line: string): void {
    if (this.#waiting.length + line.length > ROOM) this.#dropped++;
    else this.#waiting += `${line}\n`;
    this.#writing ??= this.#writeAll();
  }

  /**
   * Returns when all lines are written, or after `limit` milliseconds. Call it before the process
   * ends.
   */
  async flush(limit: number): Promise<void> {
    this.#hurry.abort();
    await pause(limit, this.#writing);
  }

  async #writeAll(): Promise<void> {
    await undefined; // lines of the same event loop turn are written together
    try {
      while (this.#waiting !== "") {
        const early = this.#writtenAt + GAP - performance.now();
        if (early > 0) await delay(early, this.#hurry.signal);
        const bytes = encoder.encode(this.#waiting);
        this.#waiting = "";
        for (let done = 0; done < bytes.length;) done += await this.#writeSome(bytes, done);
        this.#writtenAt = performance.now();
        if (this.#dropped > 0) {
          const lines = this.#dropped === 1 ? "1 line was" : `${this.#dropped} lines were`;
          this.#waiting = `queuectl: ${lines} dropped here, since nobody read\n${this.#waiting}`;
          this.#dropped = 0;
        }
      }
    } catch {
      this.#waiting = ""; // nobody reads any more; jobs go on all the same
    } finally {
      this.#writing = undefined;
    }
  }

  /**
   * How many bytes were written; 0 if another program made the stream non-blocking and it is full.
   */
  async #writeSome(bytes: Uint8Array, done: number): Promise<number> {
    try {
      return await this.#stream.write(bytes.subarray(done));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await delay(AGAIN);
      return 0;
    }
  }
}
