// What a URL of a Redis server says.
import { assertEquals, assertThrows } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { netOf, parseServerUrl, queueKey } from "../../src/stores/redis/server_url.ts";

Deno.test("parseServerUrl() reads what is there, and knows the rest", () => {
  assertEquals(
    parseServerUrl(
      "rediss://me@redis.example:7000/3?prefix=a.b-c&replicas=2&cacert=/etc/ca.pem&cert=/c&key=/k",
    ),
    {
      host: "redis.example",
      port: 7000,
      user: "me",
      database: 3,
      prefix: "a.b-c",
      replicas: 2,
      sentinel: undefined,
      tls: true,
      certificates: "/etc/ca.pem",
      client: { certificate: "/c", key: "/k" },
    },
  );
  const bare = parseServerUrl("redis://");
  const { host, port, user, database, prefix, replicas, tls } = bare;
  assertEquals(
    [host, port, user, database, prefix, replicas, tls],
    ["localhost", 6379, undefined, 0, "queuectl", 0, false],
  );
  const net = (text: string) => netOf(parseServerUrl(text));
  assertEquals(net("redis://%2Frun%2Fredis.sock/1"), "unix:/run/redis.sock");
  assertEquals(net("redis://[::1]"), "[::1]:6379");
  assertEquals(net("redis://box:1/"), "box:1");
  assertEquals(net("redis://box?sentinel=main"), "box:26379");
  assertEquals(parseServerUrl("redis://box:1?sentinel=main").sentinel, "main");
});

Deno.test("parseServerUrl() says what is wrong with a URL", () => {
  const wrong: [string, string][] = [
    ["redis://box/app", "the number of a database"],
    ["redis://box/1/2", "the number of a database"],
    ["redis://box?schema=x", '"schema" is unknown'],
    ["redis://box?prefix=", "can't be a prefix"],
    ["redis://box?prefix={x}", "can't be a prefix"],
    ["redis://box?replicas=", "no number of replicas"],
    ["redis://box?replicas=-1", "no number of replicas"],
    ["redis://box?replicas=all", "no number of replicas"],
    ["redis://box?sentinel=", "the name of a master"],
    ["redis://box?cacert=/ca", "cacert is for rediss: alone"],
    ["redis://box?cert=/c&key=/k", "cert is for rediss: alone"],
    ["rediss://box?cert=/c", "cert and key are given together"],
    ["rediss://box?key=/k", "cert and key are given together"],
    ["rediss://%2Frun%2Fredis.sock", "a socket needs no TLS"],
    ["redis://%zz", "it can't be read"],
  ];
  for (const [url, why] of wrong) assertThrows(() => parseServerUrl(url), QueueError, why);
});

Deno.test("queueKey() tells queues apart, and is safe as the name of a folder", () => {
  const urls = [
    "redis://a",
    "redis://a:1",
    "redis://a/1",
    "redis://a?prefix=b",
    "redis://%2Fa",
    "redis://a?sentinel=b",
  ];
  const keys = urls.map((url) => queueKey(parseServerUrl(url)));
  assertEquals(new Set(keys).size, urls.length);
  for (const key of keys) assertEquals(/^[\w.=-]+$/.test(key), true, key);
});
