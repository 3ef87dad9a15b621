// The standard streams for commands. Everything is looked up only when asked for, since most
// commands need little of it.

type Stream = Pick<typeof Deno.stdout, "writeSync" | "isTerminal">;

/** Writes synchronously, so that nothing is lost when the process exits. */
export class OutputStream {
  readonly #stream: Stream;
  #isTerminal: boolean | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** @throws Deno.errors.BrokenPipe when nobody reads any more */
  write(content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    for (let done = 0; done < bytes.length;) done += this.#writeSome(bytes.subarray(done));
  }

  // Another program that shares the terminal or pipe may have made it non-blocking. Then this waits
  // until there is room.
  #writeSome(bytes: Uint8Array): number {
    try {
      return this.#stream.writeSync(bytes);
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      return 0;
    }
  }

  get isTerminal(): boolean {
    return this.#isTerminal ??= this.#stream.isTerminal();
  }

  get columns(): number {
    return this.#size().columns;
  }

  get rows(): number {
    return this.#size().rows;
  }

  #size(): { columns: number; rows: number } {
    try {
      const { columns, rows } = Deno.consoleSize();
      if (columns > 0 && rows > 0) return { columns, rows };
    } catch {
      // It is not a terminal, or a terminal without a known size.
    }
    return { columns: 80, rows: 24 };
  }
}

/** Standard input, read to its end or key by key. */
export class InputStream {
  #key: Promise<string | undefined> | undefined;

  get isTerminal(): boolean {
    return Deno.stdin.isTerminal();
  }

  readAll(): Promise<Uint8Array> {
    return new Response(Deno.stdin.readable).bytes();
  }

  setRaw(raw: boolean): void {
    Deno.stdin.setRaw(raw);
  }

  /**
   * The next key, or undefined if none comes within `timeout` milliseconds; then the next call
   * continues the same read.
   */
  async nextKey(timeout: number): Promise<string | undefined> {
    const reading = this.#key ??= readKey();
    let key: string | undefined;
    const pressed = reading.then((pressed) => key = pressed);
    const { pause } = await import("./delay.ts");
    await pause(timeout, pressed);
    if (key !== undefined) this.#key = undefined;
    return key;
  }
}

async function readKey(): Promise<string> {
  const bytes = new Uint8Array(16);
  const length = await Deno.stdin.read(bytes);
  return length === null ? "\x04" : new TextDecoder().decode(bytes.subarray(0, length));
}
