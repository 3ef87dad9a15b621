// A connection to Redis that ends at a moment when nobody expects it.
import { assertEquals } from "@std/assert";
import { Redis } from "../../src/stores/redis/connection.ts";

const GREETING = "%0\r\n$20\r\nredis_version:7.0.0\n\r\n";
const VALUE = "$5\r\nvalue\r\n";

/** A server whose first connections end together with the greeting. */
function openHastyServer(ends: number): { port: number; close(): void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const encoder = new TextEncoder();
  const serve = async (client: Deno.Conn, isHasty: boolean) => {
    const buffer = new Uint8Array(4096);
    try {
      for (let count; (count = await client.read(buffer)) !== null;) {
        const asked = new TextDecoder().decode(buffer.subarray(0, count));
        await client.write(encoder.encode(asked.includes("HELLO") ? GREETING : VALUE));
        if (isHasty) break;
      }
    } catch {
      // The other side has closed.
    }
    client.close();
  };
  void (async () => {
    for await (const client of listener) void serve(client, ends-- > 0);
  })();
  return { port: listener.addr.port, close: () => listener.close() };
}

Deno.test("a connection that ends as soon as it is there is made anew", async () => {
  const server = openHastyServer(5);
  const address = { host: "127.0.0.1", port: server.port };
  const redis = new Redis({ name: "it", address, prefix: "q", patience: 60_000 });
  assertEquals(await redis.read("GET", "key"), "value");
  await redis.close();
  server.close();
});
