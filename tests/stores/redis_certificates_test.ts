// A real Redis with TLS, and certificates that are as they should be or not.
import { assertEquals, assertRejects } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import type { Redis } from "../../src/stores/redis/connection.ts";
import type { ClientCertificate } from "../../src/stores/shared/handover.ts";
import { inWords } from "../../src/stores/redis/errors.ts";
import { makeCertificate } from "../support/certificates.ts";
import { freePort } from "../support/free_port.ts";
import { needing } from "../support/has_program.ts";
import { hasTls, type RedisServer, startRedis } from "../support/redis_server.ts";

const NEEDS = needing(["redis-server", "openssl"], "Redis with TLS");
let server: RedisServer | undefined;
if (NEEDS.ignore) Deno.test({ ...NEEDS, fn: () => {} });
else server = await startRedis();

if (server !== undefined && await hasTls(server, "Redis with TLS")) {
  const { folder, command, connect } = server;
  for (const name of ["localhost", "other.example"]) makeCertificate(folder, name);
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

  const text = (name: string) => Deno.readTextFileSync(file(name));
  /** What comes of it to ask a server whose certificate is for `name`, with that CA. */
  const ask = async <T>(
    name: string,
    ca: string,
    look: (redis: Redis) => Promise<T>,
    client?: ClientCertificate,
  ) => {
    await serve(name, "no");
    const tls = { certificates: text(`${ca}-ca.pem`), client };
    const redis = connect("q", { address: { host: "localhost", port, tls } });
    return await look(redis).finally(() => redis.close());
  };
  const clientOf = (name: string) => ({
    certificate: text(`${name}.pem`),
    key: text(`${name}.key`),
  });
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
      "Name the host as its certificate does; with Sentinel or a cluster, see docs/redis.md",
    ]);
  });

  /** What a server says that wants to know who its clients are. @param client what is shown to it */
  const wanted = (client?: ClientCertificate) =>
    ask("localhost", "localhost", async (redis) => {
      await serve("localhost", "yes");
      const { code, message, hint } = await assertRejects(() => redis.info(), QueueError);
      return [code, message, hint];
    }, client);

  Deno.test("Redis with TLS: a server that wants certificates of its clients gets one", async () => {
    const read = async (redis: Redis) => {
      await serve("localhost", "yes");
      assertEquals(await redis.read("EXISTS", "x"), 0);
    };
    await ask("localhost", "localhost", read, clientOf("localhost"));
    assertEquals(await wanted(), [
      "refused",
      "Cannot use the server: it wants a certificate of its clients",
      "Name one by cert=FILE&key=FILE in the URL, or set there tls-auth-clients no",
    ]);
  });

  Deno.test("Redis with TLS: what is wrong with a client's certificate is said", async () => {
    assertEquals(await wanted(clientOf("other.example")), [
      "refused",
      "Cannot use the server: it does not take the certificate that cert in the URL names (UnknownCA)",
      "It has to be of an authority (CA) that the server trusts, and valid now",
    ]);
    const { certificate, key } = clientOf("localhost");
    const why = async (client: ClientCertificate) => (await wanted(client))[1];
    assertEquals(
      await why({ certificate, key: text("other.example.key") }),
      "Cannot use the server: cert and key in the URL do not belong together",
    );
    assertEquals(
      await why({ certificate, key: certificate }),
      "Cannot use the server: the file that key in the URL names has no key",
    );
    assertEquals(
      await why({ certificate: key, key }),
      "Cannot use the server: the file that cert in the URL names has no certificate",
    );
  });

  Deno.test("Redis with TLS: a client with a certificate does not wait for ever", async () => {
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = {
      host: "127.0.0.1",
      port: silent.addr.port,
      tls: { certificates: text("localhost-ca.pem"), client: clientOf("localhost") },
    };
    const redis = connect("q", { address, patience: 300 });
    const { code } = await assertRejects(() => redis.info(), QueueError);
    assertEquals(code, "unavailable");
    await redis.close();
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
