// Lines for a stream whose reader may be slow, stopped, or gone: nobody who writes ever waits for
// it. What finds no room is dropped, and how much that was is said as soon as there is room again.
import { delay, pause } from "./delay.ts";

/** Bytes that wait in memory at most. */
const ROOM = 256 * 1024;
/** Milliseconds before another try, where the stream is full and does not wait by itself. */
const AGAIN = 20;

const encoder = new TextEncoder();

export class LineWriter {
  readonly #stream: Pick<typeof Deno.stderr, "write">;
  #waiting = "";
  #dropped = 0;
  #writing: Promise<void> | undefined;

  constructor(stream: Pick<typeof Deno.stderr, "write">) {
    this.#stream = stream;
  }

  write(line: string): void {
    if (this.#waiting.length + line.length > ROOM) this.#dropped++;
    else this.#waiting += `${line}\n`;
    this.#writing ??= this.#writeAll();
  }

  /** Returns when all is written, or after so many milliseconds. */
  async flush(limit: number): Promise<void> {
    await pause(limit, this.#writing);
  }

  async #writeAll(): Promise<void> {
    await undefined; // what is told in the same breath is written in one piece
    try {
      while (this.#waiting !== "") {
        const bytes = encoder.encode(this.#waiting);
        this.#waiting = "";
        for (let done = 0; done < bytes.length;) done += await this.#writeSome(bytes, done);
        if (this.#dropped > 0) {
          const lines = this.#dropped === 1 ? "1 line was" : `${this.#dropped} lines were`;
          this.#waiting = `queuectl: ${lines} dropped here, since nobody read\n${this.#waiting}`;
          this.#dropped = 0;
        }
      }
    } catch {
      this.#waiting = ""; // nobody reads any more: jobs are run all the same
    } finally {
      this.#writing = undefined;
    }
  }

  /** How much was written; 0 if another program made the stream one that refuses to wait. */
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
