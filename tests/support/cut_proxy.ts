// A way to a server that can be cut: then nothing gets through, and nobody is told. It can also lead to
// another one from some moment on.

export class CutProxy {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #work: Promise<void>;
  #isCut = false;
  #restored = Promise.withResolvers<void>();

  #path: string;

  /** @param path the socket of the server */
  constructor(path: string) {
    this.#path = path;
    this.#work = this.#listen();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  cut(): void {
    this.#isCut = true;
  }

  restore(): void {
    this.#isCut = false;
    this.#restored.resolve();
    this.#restored = Promise.withResolvers();
  }

  /** To another server, as after a failover. */
  leadTo(path: string): void {
    this.#path = path;
    for (const end of this.#open) closeQuietly(end);
  }

  async close(): Promise<void> {
    this.restore();
    this.#listener.close();
    for (const end of this.#open) closeQuietly(end);
    await this.#work;
  }

  async #listen(): Promise<void> {
    const ways: Promise<unknown>[] = [];
    try {
      for await (const client of this.#listener) ways.push(this.#forward(client));
    } catch {
      // It was closed.
    }
    await Promise.all(ways);
  }

  async #forward(client: Deno.Conn): Promise<void> {
    this.#open.add(client);
    if (this.#isCut) await this.#restored.promise;
    const server = await Deno.connect({ transport: "unix", path: this.#path }).catch(() =>
      undefined
    );
    if (server === undefined) return closeQuietly(client);
    this.#open.add(server);
    await Promise.all([this.#copy(client, server), this.#copy(server, client)]);
    this.#open.delete(client);
    this.#open.delete(server);
  }

  async #copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(16_384);
    try {
      for (let size; (size = await from.read(buffer)) !== null;) {
        // What was sent while the way was cut is lost for good: here it comes late, which is worse.
        if (this.#isCut) await this.#restored.promise;
        for (let done = 0; done < size;) done += await to.write(buffer.subarray(done, size));
      }
    } catch {
      // One of the two is gone.
    }
    closeQuietly(from);
    closeQuietly(to);
  }
}

function closeQuietly(end: Deno.Conn): void {
  try {
    end.close();
  } catch {
    // It is closed already.
  }
}
