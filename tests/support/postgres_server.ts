// A PostgreSQL server that lives as long as a file of tests: on a socket of its own, without a
// password, its data in a folder that goes with it. Started at the top of the file, before the tests
// are declared, so that it counts as no test's leak.
import { Database, type ServerConfig } from "../../src/stores/postgres/connection.ts";
import { postgresPrograms, tempFolder } from "./postgres_programs.ts";
import { startGuarded } from "./guarded_server.ts";

/** A server does not run as root. */
const NOBODY = 65534;

const START = `bin=$1 port=$2; shift 2
"$bin/initdb" -D "$dir/data" -U queuectl -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 || exit
start() {
  "$bin/postgres" -D "$dir/data" -k "$dir" -p "$port" "$@" >>"$dir/log" 2>&1 &
  server=$!
}`;

export interface PostgresServer {
  /** Where its data and its socket are. */
  readonly folder: string;
  /** How the driver reaches a database of it. */
  config(database?: string): ServerConfig;
  /** The same as a URL. */
  url(database?: string): string;
  /** `stop`: connections are ended, all is written. `crash`: neither. */
  tell(word: "start" | "stop" | "crash"): Promise<void>;
}

export interface ServerOptions {
  /** Also on this port of 127.0.0.1. */
  readonly port?: number;
  /** Settings, such as `["fsync=on"]`. */
  readonly settings?: readonly string[];
}

/** A server; undefined, with a word on stderr, where none can be had. */
export async function startPostgres(
  { port, settings = ["fsync=off"] }: ServerOptions = {},
): Promise<PostgresServer | undefined> {
  const programs = await postgresPrograms();
  if ("missing" in programs) {
    Deno.stderr.writeSync(
      new TextEncoder().encode(`No PostgreSQL, so its tests are skipped: ${programs.missing}\n`),
    );
    return undefined;
  }
  const dir = Deno.makeTempDirSync({ dir: tempFolder(), prefix: "queuectl-pg-" });
  const isRoot = Deno.uid() === 0;
  if (isRoot) Deno.chownSync(dir, NOBODY, NOBODY);
  const options = [`listen_addresses=${port === undefined ? "" : "127.0.0.1"}`, ...settings];
  const isUp = async () => {
    const database = new Database({
      name: "the server",
      server: server.config(),
      patience: 60_000,
    });
    await database.query("select 1").finally(() => database.close());
  };
  const server: PostgresServer = {
    folder: dir,
    config: (database = "postgres") => ({
      host: dir,
      port: port ?? 5432,
      user: "queuectl",
      database,
    }),
    url: (database = "postgres") =>
      `postgres://queuectl@${encodeURIComponent(dir)}:${port ?? 5432}/${database}`,
    tell: (word) => tell(word),
  };
  const tell = await startGuarded({
    dir,
    start: START,
    args: [programs.bin, String(port ?? 5432), ...options.flatMap((one) => ["-c", one])],
    signals: { stop: "SIGINT", crash: "SIGQUIT" },
    ...(isRoot && { as: { uid: NOBODY, gid: NOBODY } }),
    isUp,
  });
  return server;
}
