// A way to a server on which the answer to a certain statement gets lost: what was asked for is
// carried out, and then the connection ends.

export interface LossyProxy {
  /** How the driver reaches the server this way. */
  readonly config: { host: string; port: number };
  /** Loses the answer to the next statement in which this text stands. */
  lose(text: string): void;
  /** How many answers were lost. */
  lost(): number;
  close(): Promise<void>;
}

/**
 * @param path the socket of the server
 * @param onAnswer may change what the server answers
 */
export function openLossyProxy(
  path: string,
  onAnswer: (bytes: Uint8Array) => void = () => {},
): LossyProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const wanted: string[] = [];
  const open = new Set<Deno.Conn>();
  let lost = 0;

  const serve = async (client: Deno.Conn) => {
    const upstream = await Deno.connect({ transport: "unix", path });
    let isLosing = false;
    const pass = async (from: Deno.Conn, to: Deno.Conn, look: (bytes: Uint8Array) => boolean) => {
      const buffer = new Uint8Array(65_536);
      try {
        for (let n; (n = await from.read(buffer)) !== null;) {
          const bytes = buffer.slice(0, n);
          if (!look(bytes)) break;
          for (let at = 0; at < n;) at += await to.write(bytes.subarray(at));
        }
      } catch {
        // The other side has closed.
      }
      for (const side of [from, to]) if (open.delete(side)) side.close();
    };
    open.add(client).add(upstream);
    await Promise.all([
      pass(client, upstream, (bytes) => {
        const text = new TextDecoder("latin1").decode(bytes);
        const index = wanted.findIndex((one) => text.includes(one));
        if (index >= 0) isLosing = wanted.splice(index, 1).length > 0;
        return true;
      }),
      pass(upstream, client, (bytes) => {
        onAnswer(bytes);
        if (isLosing) lost++;
        return !isLosing;
      }),
    ]);
  };

  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const client of listener) serving.push(serve(client));
  })();
  return {
    config: { host: "127.0.0.1", port: listener.addr.port },
    lose: (text) => wanted.push(text),
    lost: () => lost,
    close: async () => {
      listener.close();
      await accepting;
      for (const side of open) side.close();
      open.clear();
      await Promise.all(serving);
    },
  };
}
