// A connection to Redis that ends at a moment when nobody expects it.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
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

Deno.test("a server that is not ready is waited for once, not by each that asks for another", async () => {
  let asked = 0;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const client of listener) {
      using socket = client;
      const buffer = new Uint8Array(4096);
      for (let count; (count = await socket.read(buffer)) !== null;) {
        const isGreeting = new TextDecoder().decode(buffer.subarray(0, count)).includes("HELLO");
        if (!isGreeting) asked++;
        await socket.write(new TextEncoder().encode(isGreeting ? GREETING : "-LOADING it\r\n"));
      }
    }
  })();
  const address = { host: "127.0.0.1", port: listener.addr.port };
  const redis = new Redis({ name: "it", address, prefix: "q", patience: 300 });
  const error = await assertRejects(() => redis.read("GET", "key"), QueueError);
  assertEquals(error.message, "Cannot reach it: it is reading its data");
  // At once, after 50 ms, and after another 100: the next pause would be too long.
  assert(asked <= 3, `${asked} times`);
  await redis.close();
  listener.close();
  await serving;
});

Deno.test("a connection that ends as soon as it is there is made anew", async () => {
  const server = openHastyServer(5);
  const address = { host: "127.0.0.1", port: server.port };
  const redis = new Redis({ name: "it", address, prefix: "q", patience: 60_000 });
  assertEquals(await redis.read("GET", "key"), "value");
  await redis.close();
  server.close();
});
