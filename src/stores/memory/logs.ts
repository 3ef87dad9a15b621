// The reference implementation of the port for logs.
import type { LogReader } from "../../queue/logs.ts";

export class MemoryLogs implements LogReader {
  readonly #logs = new Map<string, Uint8Array>();

  /** Sets the log of an attempt. */
  put(id: string, attempt: number, text: string): void {
    this.#logs.set(`${id}.${attempt}`, new TextEncoder().encode(text));
  }

  size(id: string, attempt: number): Promise<number | undefined> {
    return Promise.resolve(this.#logs.get(`${id}.${attempt}`)?.length);
  }

  read(
    id: string,
    attempt: number,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#logs.get(`${id}.${attempt}`)?.subarray(offset, offset + length));
  }
}
