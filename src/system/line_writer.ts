// Lines for a stream whose reader may be slow, stopped, or gone: nobody who writes ever waits for
// it. What finds no room is dropped, and how much that was is said as soon as there is room again.
import { delay, pause } from "./delay.ts";

/** Bytes that wait in memory at most. */
const ROOM = 256 * 1024;
/**
 * Milliseconds between writes: each takes a thread of its own, and for short jobs one for each line
 * would cost a twentieth of the machine.
 */
const GAP = 50;
/** Milliseconds before another try, where the stream is full and does not wait by itself. */
const AGAIN = 20;

const encoder = new TextEncoder();

export class LineWriter {
  readonly #stream: Pick<typeof Deno.stderr, "write">;
  #waiting = "";
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #writtenAt = -Infinity;
  /** Aborts when there is no time to wait for more lines. */
  readonly #hurry = new AbortController();

  constructor(stream: Pick<typeof Deno.stderr, "write">) {
    this.#stream = stream;
  }

  write(line: string): void {
    if (this.#waiting.length + line.length > ROOM) this.#dropped++;
    else this.#waiting += `${line}\n`;
    this.#writing ??= this.#writeAll();
  }

  /** Returns when all is written, or after so many milliseconds. For the end. */
  async flush(limit: number): Promise<void> {
    this.#hurry.abort();
    await pause(limit, this.#writing);
  }

  async #writeAll(): Promise<void> {
    await undefined; // what is told in the same breath is written in one piece
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
