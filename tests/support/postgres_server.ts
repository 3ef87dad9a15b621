// A PostgreSQL server that lives as long as a file of tests: on a socket of its own, without a
// password, its data in a folder that goes with it. Started at the top of the file, before the tests
// are declared, so that it counts as no test's leak.
import { Database, type ServerConfig } from "../../src/stores/postgres/connection.ts";
import { postgresPrograms, tempFolder } from "./postgres_programs.ts";

/** A server does not run as root. */
const NOBODY = 65534;

/** Ends with the process that started it, whatever that one dies of: then its input ends. */
const GUARD = `
# Ctrl-C at a terminal reaches this, too: it goes on until its input ends, and clears away.
trap '' INT TERM HUP
bin=$1 dir=$2 port=$3; shift 3
end() { [ -z "$server" ] || { kill "-$1" "$server"; wait "$server"; server=; }; }
"$bin/initdb" -D "$dir/data" -U queuectl -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 || exit
start() {
  "$bin/postgres" -D "$dir/data" -k "$dir" -p "$port" "$@" >>"$dir/log" 2>&1 &
  server=$!
}
start "$@"
echo started
while read -r word; do
  case $word in
    start) start "$@" ;;
    stop) end INT ;;
    crash) end QUIT ;;
  esac
  echo "$word"
done
end QUIT
rm -rf "$dir"
`;

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
  const guard = new Deno.Command("/bin/sh", {
    args: ["-c", GUARD, "sh", programs.bin, dir, String(port ?? 5432)]
      .concat(options.flatMap((one) => ["-c", one])),
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    stdin: "piped",
    stdout: "piped",
    cwd: "/",
  }).spawn();
  const input = guard.stdin.getWriter();
  const answers = guard.stdout.pipeThrough(new TextDecoderStream()).getReader();
  guard.unref();
  const isUp = async () => {
    const database = new Database({
      name: "the server",
      server: server.config(),
      patience: 60_000,
    });
    await database.query("select 1").finally(() => database.close());
  };
  const answer = async () => {
    guard.ref();
    const { done } = await answers.read();
    guard.unref();
    if (!done) return;
    throw new Error(`No server: ${Deno.readTextFileSync(`${dir}/log`)}`);
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
    tell: async (word) => {
      await input.write(new TextEncoder().encode(`${word}\n`));
      await answer();
      if (word === "start") await isUp();
    },
  };
  await answer();
  await isUp();
  return server;
}
