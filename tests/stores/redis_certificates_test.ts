// A real Redis with TLS, and certificates that are as they should be or not.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import type { Redis } from "../../src/stores/redis/connection.ts";
import { inWords } from "../../src/stores/redis/errors.ts";
import { needing } from "../support/has_program.ts";
import { type RedisServer, startRedis } from "../support/redis_server.ts";

/** Makes a CA and a certificate for a name by it: `NAME.pem`, `NAME.key`, `NAME-ca.pem`. */
function certificateFor(dir: string, name: string): void {
  const script = `set -e; cd "$1"
    openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=authority of $2" -days 2 -keyout "$2-ca.key" -out "$2-ca.pem"
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$2.key" -out "$2.csr"
    echo "subjectAltName=DNS:$2" >"$2.ext"
    openssl x509 -req -days 2 -in "$2.csr" -CA "$2-ca.pem" -CAkey "$2-ca.key" -CAcreateserial -extfile "$2.ext" -out "$2.pem"`;
  const { success, stderr } = new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", dir, name],
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

const NEEDS = needing(["redis-server", "openssl"], "Redis with TLS");
let server: RedisServer | undefined;
if (NEEDS.ignore) Deno.test({ ...NEEDS, fn: () => {} });
else server = await startRedis();
const hasTls = server && String(await server.command("CONFIG", "GET", "tls-port")) !== "";
if (hasTls === false) {
  Deno.test({ name: "Redis with TLS (this redis-server has none)", ignore: true, fn: () => {} });
}

if (server !== undefined && hasTls) {
  const { folder, command, connect } = server;
  for (const name of ["localhost", "other.example"]) certificateFor(folder, name);
  const port = freePort();
  const set = (...words: string[]) => command("CONFIG", "SET", ...words);
  const file = (name: string) => `${folder}/${name}`;
  const serve = (name: string, clients: string) =>
    set(
      ...["tls-cert-file", file(`${name}.pem`), "tls-key-file", file(`${name}.key`)],
      ...["tls-ca-cert-file", file(`${name}-ca.pem`), "tls-auth-clients", clients],
    );
  await serve("localhost", "no");
  await set("tls-port", String(port));

  /** What comes of it to ask a server whose certificate is for `name`, with that CA. */
  const ask = async <T>(name: string, ca: string, look: (redis: Redis) => Promise<T>) => {
    await serve(name, "no");
    const certificates = Deno.readTextFileSync(file(`${ca}-ca.pem`));
    const redis = connect("q", { address: { host: "localhost", port, tls: { certificates } } });
    return await look(redis).finally(() => redis.close());
  };
  const refusal = (name: string, ca: string) =>
    ask(name, ca, async (redis) => {
      const { code, message, hint } = await assertRejects(() => redis.info(), QueueError);
      return [code, message, hint];
    });

  Deno.test("Redis with TLS: a server of a CA of one's own is found", () =>
    ask("localhost", "localhost", async (redis) => {
      assertEquals(await redis.read("EXISTS", "x"), 0);
    }));

  Deno.test("Redis with TLS: what is wrong with a certificate is said, and what to do", async () => {
    assertEquals(await refusal("localhost", "other.example"), [
      "refused",
      "Cannot use the server: invalid peer certificate: UnknownIssuer",
      "cacert=FILE in the URL names the certificates of trusted authorities (CA)",
    ]);
    const [code, message, hint] = await refusal("other.example", "other.example");
    assertEquals([code, message!.includes('not valid for name "localhost"'), hint], [
      "refused",
      true,
      "Name the host as its certificate does; of a cluster, see docs/redis.md",
    ]);
  });

  Deno.test("Redis with TLS: a server that wants certificates of its clients is named as such", async () => {
    const wants = (redis: Redis) =>
      serve("localhost", "yes").then(() => assertRejects(() => redis.info(), QueueError));
    const { code, message, hint } = await ask("localhost", "localhost", wants);
    assertEquals([code, message, hint], [
      "refused",
      "Cannot use the server: it wants a certificate of its clients",
      "queuectl has none to show: set there tls-auth-clients no, or optional",
    ]);
  });

  Deno.test("Redis with TLS: who speaks without it is told that it may be that", async () => {
    const redis = connect("q", { address: { host: "localhost", port }, patience: 300 });
    const { code, hint } = await assertRejects(() => redis.info(), QueueError);
    await redis.close();
    assertEquals([code, hint], [
      "unavailable",
      "If it is a server with TLS, begin the URL with rediss:",
    ]);
  });
}

Deno.test("inWords() says of a certificate that it has expired", () => {
  const error = inWords("the server", new Error("invalid peer certificate: Expired")) as QueueError;
  assertEquals(error.message, "Cannot use the server: its certificate has expired");
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
