// The rules of the server that need no request: addresses, hosts, cursors, ranges, filters.
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { QueueError } from "../../src/queue/errors.ts";
import { arrivalOf, cursorOf } from "../../src/serve/cursor.ts";
import { queryOf, within } from "../../src/serve/filter.ts";
import { hostOf, isLoopback, isOurHost, parseListen } from "../../src/serve/listen.ts";
import { spanOf } from "../../src/serve/range.ts";
import { EPOCH } from "../support/jobs.ts";

Deno.test("parseListen() takes addresses with a port, and nothing else", () => {
  for (
    const [text, hostname, port] of [
      ["127.0.0.1:7878", "127.0.0.1", 7878],
      ["0.0.0.0:0", "0.0.0.0", 0],
      ["localhost:65535", "localhost", 65535],
      ["[::1]:80", "::1", 80],
      ["[FE80::1]:80", "fe80::1", 80],
    ] as const
  ) {
    assertEquals(parseListen(text), { hostname, port });
    assertEquals(hostOf(parseListen(text)), text.toLowerCase());
  }
  // As browsers write it in the Host header, whatever was typed.
  for (
    const [text, hostname] of [
      ["[0:0:0:0:0:0:0:1]:80", "::1"],
      ["[fe80:0::0001]:80", "fe80::1"],
      ["[::ffff:127.0.0.1]:80", "::ffff:7f00:1"],
    ] as const
  ) {
    const listen = parseListen(text);
    assertEquals(listen.hostname, hostname);
    for (const host of [text, `[${hostname}]:80`]) assertEquals(isOurHost(host, listen, []), true);
  }
  for (
    const text of [
      "010.0.0.1:80", // octal to some
      "",
      "7878",
      ":7878",
      "127.0.0.1",
      "127.0.0.1:",
      "127.0.0.1:65536",
      "127.0.0.256:1",
      "::1:7878",
      "[::1]",
      "[:::]:1",
      "example.org:80",
      "127.0.0.1:80/x",
      "http://127.0.0.1:80",
    ]
  ) assertThrows(() => parseListen(text), QueueError, "--listen takes ADDRESS:PORT");
});

Deno.test("isLoopback() knows what others can't reach", () => {
  const at = (hostname: string) => isLoopback({ hostname, port: 1 });
  assertEquals(["127.0.0.1", "127.9.9.9", "localhost", "::1"].map(at), [true, true, true, true]);
  const reachable = ["0.0.0.0", "::", "192.168.0.1", "127.evil.example", "fe80::1"];
  assertEquals(reachable.filter(at), []);
});

Deno.test("isOurHost() takes our names with any port, and no name of a stranger", () => {
  const here = { hostname: "127.0.0.1", port: 7878 };
  const takes = (host: string, listen = here, names: string[] = []) =>
    isOurHost(host, listen, names);
  for (const host of ["127.0.0.1:7878", "localhost:9000", "LOCALHOST", "[::1]:7878"]) {
    assertEquals(takes(host), true, host);
  }
  for (
    const host of [
      "",
      "evil.example:7878",
      "127.0.0.1.evil.example:7878",
      "localhost.evil.example",
      "evil.example:7878@localhost",
      "evil@localhost",
      "localhost:7878:1",
      "localhost ",
      "127.0.0.2",
      "0.0.0.0:7878",
      "2130706433",
      "0x7f.1",
      "192.168.0.1",
    ]
  ) assertEquals(takes(host), false, host);
  assertEquals(takes("box.lan:1", here, ["box.lan"]), true);
  const any = { hostname: "0.0.0.0", port: 7878 };
  assertEquals(["192.168.0.1:1", "[fe80::1]:1"].map((host) => takes(host, any)), [true, true]);
  assertEquals(["evil.example", "1.2.3.4.5", "1.2.3"].map((host) => takes(host, any)), [
    false,
    false,
    false,
  ]);
  const one = { hostname: "192.168.0.1", port: 7878 };
  assertEquals(["192.168.0.1:1", "192.168.0.2:1"].map((host) => takes(host, one)), [true, false]);
});

Deno.test("arrivalOf() gives back what cursorOf() was given, for any place", () => {
  const place = fc.record({
    createdAt: fc.integer({ min: -1, max: 8.64e15 }),
    sequence: fc.nat(9_999_999),
    id: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/),
  });
  fc.assert(fc.property(place, (at) => assertEquals(arrivalOf(cursorOf(at)), { ...at })));
  for (const text of ["", "1", "1.2", "1.2.", "1.2.../etc", "x.2.a", "1.2.a b", "1e3.2.a"]) {
    assertThrows(() => arrivalOf(text), QueueError, "is no cursor");
  }
});

Deno.test("spanOf() reads one range of bytes as HTTP has it", () => {
  for (
    const [header, size, expected] of [
      [null, 10, undefined],
      ["bytes=0-3", 10, { from: 0, to: 4 }],
      ["bytes=3-", 10, { from: 3, to: 10 }],
      ["bytes=3-99", 10, { from: 3, to: 10 }],
      ["bytes=-4", 10, { from: 6, to: 10 }],
      ["bytes=-99", 10, { from: 0, to: 10 }],
      ["bytes=10-", 10, "outside"],
      ["bytes=0-", 0, "outside"],
      ["bytes=-5", 0, "outside"],
      ["bytes=-0", 10, "outside"],
      // What can't be read is ignored, as the standard has it.
      ["bytes=-", 10, undefined],
      ["bytes=5-3", 10, undefined],
      ["bytes=0-1,3-4", 10, undefined],
      ["lines=0-1", 10, undefined],
      ["bytes=0x1-3", 10, undefined],
      ["bytes=9999999999999999-", 10, undefined],
    ] as const
  ) assertEquals(spanOf(header, size), expected, `${header} of ${size}`);
});

Deno.test("queryOf() makes a query of what clients say", () => {
  assertEquals(queryOf({}, EPOCH), {});
  assertEquals(
    queryOf({ state: "dead, failed", queue: "q", group: "g", command: "*x*", since: "1h" }, EPOCH),
    {
      states: ["dead", "failed"],
      queue: "q",
      group: "g",
      command: "*x*",
      since: EPOCH - 3600_000,
    },
  );
  assertEquals(queryOf({ since: "2026-01-01T00:00:00Z" }, EPOCH).since, Date.UTC(2026, 0, 1));
  for (
    const wrong of [
      { state: "" },
      { state: "ded" },
      { queue: "a/b" },
      { group: "../x" },
      { since: "soon" },
    ]
  ) assertThrows(() => queryOf(wrong, EPOCH), QueueError);
});

Deno.test("queryOf() refuses a GLOB whose search nothing could be answered beside", () => {
  const long = "x".repeat(501);
  assertEquals(queryOf({ command: long }, 0), { command: long });
  assertEquals(queryOf({ command: `*${long.slice(2)}` }, 0).command?.length, 500);
  assertThrows(() => queryOf({ command: `*${long}` }, 0), QueueError, "at most 500 characters");
});

Deno.test("within() keeps a query to states, also where it asks for none of them", () => {
  assertEquals(within({ queue: "q" }, ["dead"]), { queue: "q", states: ["dead"] });
  assertEquals(within({ states: ["dead", "failed"] }, ["completed", "dead"]).states, ["dead"]);
  assertEquals(within({ states: ["pending"] }, ["completed"]).states, []);
});
