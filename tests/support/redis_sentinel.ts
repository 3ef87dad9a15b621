// A Sentinel, which wants a password, and two Redis servers: the master that it watches, and another
// one, which may become that.
import type { CertificateFiles } from "./certificates.ts";
import { freePort } from "./free_port.ts";
import { type RedisServer, startRedis } from "./redis_server.ts";
import { ErrorReply, Wire } from "../../src/stores/redis/driver.ts";
import { startGuarded } from "./guarded_server.ts";
import { waitUntil } from "./wait_until.ts";

export interface WatchedRedis {
  readonly first: RedisServer;
  readonly other: RedisServer;
  /** The port of the Sentinel. */
  readonly port: number;
  /** What it calls the master. */
  readonly master: string;
  readonly password: string;
  /** The other one becomes the master, and the Sentinel says so. */
  failOver(): Promise<void>;
}

const START = `start() {
  redis-server "$dir/sentinel.conf" --sentinel >>"$dir/log" 2>&1 &
  server=$!
}`;

/**
 * Undefined where none can be had: then a test that is ignored says so.
 * @param tls all of them have TLS with this certificate, want one of their clients, and do without none
 */
export async function startWatchedRedis(
  tls?: CertificateFiles,
): Promise<WatchedRedis | undefined> {
  const ports = [freePort(), freePort()] as const;
  const ofTls = tls === undefined ? [] : [
    ["tls-cert-file", tls.cert],
    ["tls-key-file", tls.key],
    ["tls-ca-cert-file", tls.ca],
    ["tls-replication", "yes"],
  ];
  const startOn = (port: number) => {
    const settings = ["--repl-diskless-sync-delay", "0"];
    for (const [name, value] of ofTls) settings.push(`--${name}`, value!);
    if (tls === undefined) return startRedis({ port, settings });
    return startRedis({ settings: [...settings, "--tls-port", String(port)] });
  };
  const first = await startOn(ports[0]);
  const other = first && await startOn(ports[1]);
  if (first === undefined || other === undefined) return undefined;
  const [port, master, password] = [freePort(), "main", "any"];
  const dir = Deno.makeTempDirSync({ prefix: "queuectl-sentinel-" });
  const watch = (at: number) => [master, "127.0.0.1", String(at), "1"];
  Deno.writeTextFileSync(
    `${dir}/sentinel.conf`,
    [
      ...(tls === undefined ? [`port ${port}`] : ["port 0", `tls-port ${port}`]),
      ...ofTls.map((words) => words.join(" ")),
      "bind 127.0.0.1",
      `dir ${dir}`,
      `requirepass ${password}`,
      `sentinel monitor ${watch(ports[0]).join(" ")}`,
      "",
    ].join("\n"),
  );
  const command = async (...words: string[]) => {
    const address = { host: "127.0.0.1", port, tls: tls && tlsOf(tls) };
    const wire = await Wire.open(address, AbortSignal.timeout(60_000));
    const asked = [["AUTH", password], words].map((one) => wire.ask(one));
    return await Promise.all(asked).finally(() => wire.end());
  };
  const isUp = async () => {
    const answers = () => command("PING").then(() => true, (error) => error instanceof ErrorReply);
    await waitUntil(answers, "the Sentinel answers", 60_000);
  };
  await startGuarded({
    dir,
    start: START,
    args: [],
    signals: { stop: "SIGTERM", crash: "SIGKILL" },
    isUp,
  });
  const says = async (server: RedisServer, answer: string) =>
    String(await server.command("INFO", "replication")).includes(answer);
  return {
    first,
    other,
    port,
    master,
    password,
    failOver: async () => {
      await other.command("REPLICAOF", "127.0.0.1", String(ports[0]));
      await waitUntil(() => says(first, "state=online"));
      // As the Sentinel would do it, which takes half a minute to learn of replicas and of failures.
      await other.command("REPLICAOF", "NO", "ONE");
      await first.command("REPLICAOF", "127.0.0.1", String(ports[1]));
      await command("SENTINEL", "REMOVE", master);
      await command("SENTINEL", "MONITOR", ...watch(ports[1]));
    },
  };
}

function tlsOf({ ca, cert, key }: CertificateFiles) {
  const text = (path: string) => Deno.readTextFileSync(path);
  return { certificates: text(ca), client: { certificate: text(cert), key: text(key) } };
}
