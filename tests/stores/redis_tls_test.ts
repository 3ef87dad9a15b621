// What is said where TLS is asked for and the server does not answer in it.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { Redis } from "../../src/stores/redis/connection.ts";

/** A server without TLS, which answers whatever comes with these bytes; or ends the connection. */
async function withoutTls(
  answer: string | undefined,
  test: (port: number) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (socket: Deno.Conn) => {
    using _ = socket;
    const bytes = new Uint8Array(1024);
    if (answer === undefined) return void await socket.read(bytes);
    await socket.write(new TextEncoder().encode(answer));
    while (await socket.read(bytes) !== null);
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

/** What a user is told. @param tls whether the URL asks for it */
async function said(port: number, tls: boolean, sentinel?: string): Promise<unknown[]> {
  const redis = new Redis({
    name: "the server",
    address: { host: "127.0.0.1", port, tls: tls ? { certificates: undefined } : undefined },
    sentinel,
    prefix: "queuectl",
    patience: 300,
  });
  const { code, message, hint } = await assertRejects(() => redis.info(), QueueError);
  await redis.close();
  return [code, message, hint];
}

Deno.test("Redis: a server without TLS is told from one that is away", () =>
  withoutTls("-ERR unknown\r\n", async (port) => {
    assertEquals(await said(port, true), [
      "unavailable",
      "Cannot reach the server: it does not answer in TLS",
      "If it is a server without TLS, begin the URL with redis:",
    ]);
  }));

Deno.test("Redis: of Sentinels and servers it is said that all of them need TLS, or none", async () => {
  const hint =
    "Sentinels and servers have to be all with TLS (rediss: in the URL), or all without (redis:)";
  await withoutTls("-ERR unknown\r\n", async (port) => {
    assertEquals((await said(port, true, "main"))[2], hint);
  });
  await withoutTls(undefined, async (port) => {
    assertEquals((await said(port, false, "main"))[2], hint);
    assertEquals(
      (await said(port, false))[2],
      "If it is a server with TLS, begin the URL with rediss:",
    );
  });
});
