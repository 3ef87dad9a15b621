// What is said where TLS is asked for and the server does not answer in it.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { Redis } from "../../src/stores/redis/connection.ts";

/** A server without TLS, which answers whatever comes with these bytes. */
async function withoutTls(answer: string, test: (port: number) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (socket: Deno.Conn) => {
    using _ = socket;
    await socket.write(new TextEncoder().encode(answer));
    for (const bytes = new Uint8Array(1024); await socket.read(bytes) !== null;);
  };
  const serving = (async () => {
    for await (const socket of listener) await serve(socket).catch(() => {});
  })();
  try {
    await test(listener.addr.port);
  } finally {
    listener.close();
    await serving;
  }
}

Deno.test("Redis: a server without TLS is told from one that is away", () =>
  withoutTls("-ERR unknown\r\n", async (port) => {
    const redis = new Redis({
      name: "the server",
      address: { host: "127.0.0.1", port, tls: { certificates: undefined } },
      prefix: "queuectl",
      patience: 300,
    });
    const error = await assertRejects(() => redis.info(), QueueError);
    await redis.close();
    assertEquals([error.code, error.message, error.hint], [
      "unavailable",
      "Cannot reach the server: it does not answer in TLS",
      "If it is a server without TLS, begin the URL with redis:",
    ]);
  }));
