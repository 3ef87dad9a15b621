// A real PostgreSQL that knows its clients by certificates, and real processes.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Database } from "../../src/stores/postgres/connection.ts";
import { makeCertificate } from "../support/certificates.ts";
import { freePort } from "../support/free_port.ts";
import { needing } from "../support/has_program.ts";
import { type PostgresServer, startPostgres } from "../support/postgres_server.ts";
import { QueueProgram } from "../support/queue_program.ts";
import { withTempDir } from "../support/temp_dir.ts";

const NOBODY = 65534;
const NEEDS = needing(["openssl"], "PostgreSQL with certificates of clients");
const port = freePort();
const server = NEEDS.ignore ? undefined : await startPostgres({ port });
if (NEEDS.ignore) Deno.test({ ...NEEDS, fn: () => {} });
else if (server !== undefined) await knowByCertificates(server);

/**
 * Makes an authority (`ca.pem`), and by it certificates of the server and of its user `queuectl`; and
 * one of that user by another authority (`other.pem`). From then on the server wants one.
 */
async function knowByCertificates({ folder, config }: PostgresServer): Promise<void> {
  makeCertificate(folder, "server", { subject: "localhost", ca: "ca" });
  makeCertificate(folder, "client", { subject: "queuectl", ca: "ca" });
  makeCertificate(folder, "other", { subject: "queuectl", ca: "other-ca" });
  const script = `set -e; cd "$1"
    openssl pkcs8 -topk8 -passout pass:x -in client.key -out locked.key
    chmod 600 locked.key
    echo "local all all trust" >data/pg_hba.conf
    echo "hostssl all all 127.0.0.1/32 cert" >>data/pg_hba.conf`;
  const { success, stderr } = new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", folder],
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  if (Deno.uid() === 0) {
    for (const name of ["server.key", "data/pg_hba.conf"]) {
      Deno.chownSync(`${folder}/${name}`, NOBODY, NOBODY);
    }
  }
  const database = new Database({ name: "the server", server: config() });
  const files = { cert: "server.pem", key: "server.key", ca: "ca.pem" };
  for (const [what, name] of Object.entries(files)) {
    await database.query(`alter system set ssl_${what}_file = '${folder}/${name}'`);
  }
  await database.query("alter system set ssl = on");
  await database.query("select pg_reload_conf()");
  await database.close();
}

if (server !== undefined) {
  const file = (name: string) => `${server.folder}/${name}`;
  /** @param names of the certificate and of its key */
  const urlWith = (...names: [certificate: string, key: string] | []) => {
    const [certificate, key] = names.map(file);
    const client = certificate === undefined ? "" : `&sslcert=${certificate}&sslkey=${key}`;
    return `postgres://queuectl@localhost:${port}/postgres?sslmode=verify-full` +
      `&sslrootcert=${file("ca.pem")}${client}`;
  };
  const withQueue = (url: string, test: (queue: QueueProgram) => Promise<void>) =>
    withTempDir(async (dir) => {
      const queue = QueueProgram.at(url, dir);
      try {
        await test(queue);
      } finally {
        await queue.end();
      }
    });

  Deno.test({
    name:
      "a server that wants a certificate gets that of the URL, also from workers, and its key is shown nowhere",
    ignore: Deno.build.os !== "linux",
    fn: () =>
      withQueue(urlWith("client.pem", "client.key"), async (queue) => {
        await queue.start();
        const id = await queue.ok("enqueue", "env; cat /proc/$PPID/environ");
        await queue.waitForState(id, "completed");
        const [{ pid } = { pid: 0 }] = await queue.workers();
        const key = Deno.readTextFileSync(file("client.key")).split("\n")[1]!;
        const seen = [
          await queue.ok("job", "logs", id),
          await queue.ok("status", "--verbose"),
          Deno.readTextFileSync(`/proc/${pid}/environ`),
          Deno.readTextFileSync(`/proc/${pid}/cmdline`),
        ];
        assertStringIncludes(seen[0]!, "sslkey=");
        for (const text of seen) assert(!text.includes(key), text);
        await queue.ok("stop");
      }),
  });

  const refusals: [names: [string, string] | [], says: string, hint: string][] = [
    [[], "connection requires a valid client certificate\n", "Give one: sslcert=FILE"],
    [["other.pem", "other.key"], "UnknownCA\n", "the server does not take that certificate"],
    [["client.pem", "other.key"], "Cannot use postgres://", "or sslkey is not its key"],
    [["client.pem", "locked.key"], "(sslkey): it is encrypted\n", "without a passphrase"],
    [["client.pem", "none.key"], "(sslkey): it can't be read\n", ""],
    [["client.pem", "public.key"], "(sslkey): others may read it\n", "chmod 600"],
    [["client.pem", "not.key"], "(sslkey): it is no private key in the format PEM\n", ""],
    [["client.key", "client.key"], "(sslcert): it is not in the format PEM\n", ""],
    [["none.pem", "client.key"], "Cannot read the certificates in", "none.pem (sslcert)"],
  ];
  for (const [names, says, hint] of refusals) {
    Deno.test(`what is wrong with ${names.join(" and ") || "no certificate"} is told at once`, () =>
      withQueue(urlWith(...names), async (queue) => {
        Deno.copyFileSync(file("client.key"), file("public.key"));
        Deno.chmodSync(file("public.key"), 0o644);
        Deno.writeTextFileSync(file("not.key"), "a key\n", { mode: 0o600 });
        const { code, stderr } = await queue.run(["enqueue", "true"]);
        assertEquals(code, 1);
        assertStringIncludes(stderr, says);
        assertStringIncludes(stderr, hint);
      }));
  }
}
