// What a URL of a database says, and where its password is found.
import { assertEquals, assertThrows } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { findPassword } from "../../src/stores/postgres/password_file.ts";
import { netOf, serverConfig } from "../../src/stores/postgres/server.ts";
import { parseServerUrl, queueKey } from "../../src/stores/postgres/server_url.ts";

const none = () => undefined;
const from = (values: Record<string, string>) => (name: string) => values[name];

Deno.test("parseServerUrl() reads what is there, and takes the rest from PostgreSQL's variables", () => {
  const url = parseServerUrl(
    "postgres://me@db.example:6000/app?schema=q&sslmode=verify-full",
    none,
  );
  assertEquals([url.host, url.port, url.user, url.database, url.schema, url.tls, url.listens], [
    "db.example",
    6000,
    "me",
    "app",
    "q",
    "verify-full",
    true,
  ]);
  const bare = parseServerUrl("postgres://", from({ PGUSER: "u", PGHOST: "/run/pg", PGPORT: "7" }));
  assertEquals([bare.host, bare.port, bare.user, bare.database, bare.schema, bare.tls], [
    "/run/pg",
    7,
    "u",
    "u",
    "queuectl",
    "disable",
  ]);
  const socket = parseServerUrl("postgres://me@%2Frun%2Fpg/app?listen=off", none);
  assertEquals([socket.host, socket.listens, netOf(socket)], [
    "/run/pg",
    false,
    ["unix:/run/pg/.s.PGSQL.5432"],
  ]);
  assertEquals(netOf(parseServerUrl("postgres://me@[::1]/app", none)), ["[::1]:5432"]);
});

Deno.test("parseServerUrl() refuses what it does not know, in words", () => {
  const wrong: Record<string, string> = {
    "postgres://me@db/app?sslmode=prefer": "sslmode=prefer is not supported",
    "postgres://me@db/app?schema=Big": `"Big" can't be the name`,
    "postgres://me@db/app?schema=x%22;drop": "can't be the name",
    [`postgres://me@db/app?schema=${"x".repeat(51)}`]: "can't be the name",
    "postgres://me@db/app?pool=3": `"pool" is unknown`,
    "postgres://me@db/app?listen=maybe": "listen is on or off",
    "postgres://me@db/app?sslmode=require&sslkey=/k": "sslcert and sslkey belong together",
    "postgres://db/app": "it names no user",
    "postgres://me@db:0/app": "its port is none",
  };
  for (const [url, why] of Object.entries(wrong)) {
    assertThrows(() => parseServerUrl(url, none), QueueError, why);
  }
});

Deno.test("queueKey() tells queues from each other, and is the name of a folder", () => {
  const keys = ["a@db/x", "a@db/x?schema=y", "a@db/y", "a@db:5/x", "a@%2Fdb/x", "a@=2fdb/x"]
    .map((rest) => queueKey(parseServerUrl(`postgres://${rest}`, none)));
  assertEquals(new Set(keys).size, keys.length);
  assertEquals(keys.every((key) => /^[A-Za-z0-9.=_-]+$/.test(key)), true);
});

Deno.test("findPassword() takes the first line of ~/.pgpass that fits", () => {
  const url = parseServerUrl("postgres://me@db/app", none);
  const text =
    "# a comment\nother:*:*:*:no\ndb:5432:app:you:no\ndb:*:app:me:a\\:b\\\\c\n*:*:*:*:last\n";
  assertEquals(findPassword(text, url), "a:b\\c");
  assertEquals(findPassword("*:*:*:*:all\n", url), "all");
  assertEquals(findPassword("db:5432:app\n", url), undefined);
});

Deno.test("parseServerUrl() names the variable with a mode of TLS that it does not know", () => {
  const env = (name: string) => name === "PGSSLMODE" ? "prefer" : undefined;
  const read = () => parseServerUrl("postgres://me@db/app", env);
  assertThrows(read, QueueError, "PGSSLMODE=prefer is not supported");
});

Deno.test("serverConfig() verifies the server as sslmode says, and tells nobody the password", () => {
  const url = (mode: string) => parseServerUrl(`postgres://me@db/app?sslmode=${mode}`, none);
  const secrets = { password: "secret", certificates: "PEM" };
  const tls = (mode: string) => {
    const ssl = serverConfig(url(mode), secrets, "db").ssl as
      | { rejectUnauthorized: boolean; ca?: string; checkServerIdentity?: unknown }
      | undefined;
    return ssl && [ssl.rejectUnauthorized, ssl.ca, ssl.checkServerIdentity === undefined];
  };
  assertEquals(tls("disable"), undefined);
  assertEquals(tls("require"), [false, "PEM", false]);
  assertEquals(tls("verify-ca"), [true, "PEM", false]);
  assertEquals(tls("verify-full"), [true, "PEM", true]);
  const client = { certificate: "CERT", key: "KEY" };
  const { cert, key } = serverConfig(url("require"), { ...secrets, client }, "db").ssl as Record<
    string,
    unknown
  >;
  assertEquals([cert, key], ["CERT", "KEY"]);
  assertEquals(serverConfig(url("disable"), { ...secrets, client }, "db").ssl, undefined);
  assertEquals(
    JSON.stringify(serverConfig(url("disable"), secrets, "db")).includes("secret"),
    false,
  );
});

Deno.test("serverConfig() says of which store no password is known, and where to give it", () => {
  const nothing = { password: undefined, certificates: undefined };
  const { password } = serverConfig(parseServerUrl("postgres://me@db/app", none), nothing, "NAME");
  const error = assertThrows(password as () => string, QueueError);
  assertEquals([error.message, error.hint], [
    "Cannot use NAME: it wants a password, and none is known",
    "Give it in $QUEUECTL_STORE_PASSWORD, $PGPASSWORD or ~/.pgpass",
  ]);
});
