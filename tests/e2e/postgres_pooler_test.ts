// A real pooler between the program and its database. In transaction mode nothing is told there, and
// each statement may reach another session; in statement mode there are no transactions.
import { assert, assertEquals } from "@std/assert";
import { Database } from "../../src/stores/postgres/connection.ts";
import { needing } from "../support/has_program.ts";
import { startPostgres } from "../support/postgres_server.ts";
import { QueueProgram } from "../support/queue_program.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

const server = await startPostgres();
const NOBODY = 65534;
const PORT = 6432;

/** Runs pgbouncer on a socket in `dir` as long as `use` takes. */
async function withPooler(
  dir: string,
  differing: Record<string, string | number>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const { host, port } = server!.config();
  const settings = {
    listen_addr: "",
    listen_port: PORT,
    unix_socket_dir: dir,
    auth_type: "any",
    pool_mode: "transaction",
    default_pool_size: 3,
    ...differing,
  };
  Deno.writeTextFileSync(
    `${dir}/pooler.ini`,
    `[databases]\npostgres = host=${host} port=${port} user=queuectl\n[pgbouncer]\n` +
      Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`).join(""),
  );
  const isRoot = Deno.uid() === 0; // as whom it refuses to run
  if (isRoot) {
    for (const path of [dir, `${dir}/pooler.ini`]) {
      Deno.chownSync(path, NOBODY, NOBODY);
    }
  }
  const pooler = new Deno.Command("pgbouncer", {
    args: ["--quiet", `${dir}/pooler.ini`],
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    const isThere = () => Array.from(Deno.readDirSync(dir)).some(({ name }) => /PGSQL/.test(name));
    await waitUntil(isThere, "the pooler listens");
    await use(`postgres://queuectl@${encodeURIComponent(dir)}:${PORT}/postgres?schema=pooled`);
  } finally {
    pooler.kill("SIGKILL");
    await pooler.status;
  }
}

/** The program behind a pooler. */
function testBehind(
  says: string,
  settings: Record<string, string | number>,
  body: (queue: QueueProgram, url: string) => Promise<void>,
): void {
  Deno.test({
    ...needing(["pgbouncer"], says),
    ...(server === undefined || Deno.build.os === "windows" ? { ignore: true } : {}),
    fn: () =>
      withTempDir(async (dir) => {
        const sockets = `${dir}/sockets`;
        Deno.mkdirSync(sockets);
        Deno.chmodSync(dir, 0o755);
        await withPooler(sockets, settings, async (url) => {
          const queue = QueueProgram.at(url, dir);
          try {
            await body(queue, url);
          } finally {
            await queue.end();
          }
        });
      }),
  });
}

testBehind(
  "behind a pooler in transaction mode all works, by looking for news",
  {},
  async (queue) => {
    // More workers than the pooler has connections.
    await queue.start("--count", "4");
    for (const id of ["a", "b", "c", "d", "e"]) {
      await queue.ok("enqueue", "--job-id", id, "--max-retries", "0", `echo ${id} said it`);
    }
    await queue.ok("job", "wait", "a", "b", "c", "d", "e", "--timeout", "30");
    assertEquals(await queue.ok("job", "logs", "c"), "c said it");
    const followed = await queue.run([
      "enqueue",
      "--max-retries",
      "0",
      "--follow",
      "echo followed; exit 3",
    ]);
    assertEquals([followed.code, followed.stdout], [3, "followed\n"]);
    await queue.ok("enqueue", "--job-id", "long", "sleep 600");
    await queue.waitForState("long", "processing");
    await queue.ok("job", "cancel", "long");
    await queue.waitForState("long", "cancelled");
    assertEquals((await queue.run(["storage", "check"])).code, 0);
    assert(/Stopped 4 workers/.test((await queue.run(["stop"])).stderr));
  },
);

testBehind("a pooler in statement mode is refused, and what to set is told", {
  pool_mode: "statement",
}, async (queue, url) => {
  const why = `queuectl: Cannot use ${url}: its pooler has no transactions\n` +
    "Set pool_mode = transaction there, or name the server itself in the URL\n";
  await queue.ok("status", "--store", `${server!.url()}?schema=pooled`); // which makes the tables
  for (const args of [["start", "--drain"], ["queue", "pause", "q"], ["status", "--verbose"]]) {
    const { code, stderr } = await queue.run(args);
    assertEquals([args, code, stderr], [args, 1, why]);
  }
  const { code, stderr } = await queue.run(["status", "--store", `${url}_new`]);
  assertEquals([code, stderr], [1, why.replace(url, `${url}_new`)]);
});

testBehind("a pooler without a free connection is said to have none, and nothing is left unclear", {
  default_pool_size: 1,
  query_wait_timeout: 1,
}, async (queue, url) => {
  const { hostname, port, pathname } = new URL(url);
  const holder = new Database({
    name: "it",
    server: {
      host: decodeURIComponent(hostname),
      port: Number(port),
      user: "queuectl",
      database: pathname.slice(1),
    },
  });
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  const { promise: isBusy, resolve: begin } = Promise.withResolvers<void>();
  const holding = holder.transaction(async (sql) => {
    await sql.query("select 1");
    begin();
    await isOver;
  }, { once: true });
  await isBusy;
  const { code, stderr } = await queue.run(["enqueue", "true"]);
  assertEquals([code, stderr], [
    1,
    `queuectl: Cannot reach ${url}: all connections of its pooler are in use (query_wait_timeout)\n`,
  ]);
  end();
  await holding;
  await holder.close();
});
