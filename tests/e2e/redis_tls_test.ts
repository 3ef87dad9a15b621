// A queue on Redis servers with TLS that want a certificate of their clients, as a Sentinel does that
// watches over them: it is followed, and the key of that certificate is seen nowhere.
import { assert, assertEquals } from "@std/assert";
import { makeCertificate } from "../support/certificates.ts";
import { needing } from "../support/has_program.ts";
import { QueueProgram } from "../support/queue_program.ts";
import { startWatchedRedis } from "../support/redis_sentinel.ts";
import { hasTls, type RedisServer, startRedis } from "../support/redis_server.ts";
import { withTempDir } from "../support/temp_dir.ts";

const NAME = "Redis with TLS and Sentinel";
const NEEDS = needing(["redis-server", "openssl"], NAME);
if (NEEDS.ignore) Deno.test({ ...NEEDS, fn: () => {} });
else await testTls((await startRedis())!);

async function testTls(plain: RedisServer): Promise<void> {
  if (!await hasTls(plain, NAME)) return;
  const files = makeCertificate(plain.folder, "localhost");
  const watched = (await startWatchedRedis(files))!;
  const { ca, cert, key } = files;
  const { port, master, password } = watched;
  const url = `rediss://127.0.0.1:${port}?sentinel=${master}&cacert=${ca}&cert=${cert}&key=${key}`;

  Deno.test({
    name: "Redis with TLS and Sentinel: the queue is followed, and no job sees the client's key",
    ignore: Deno.build.os !== "linux",
    fn: () =>
      withTempDir(async (dir) => {
        const queue = QueueProgram.at(url, dir, { QUEUECTL_STORE_PASSWORD: password });
        try {
          await queue.start();
          await queue.ok(
            "enqueue",
            "--job-id",
            "before",
            "env; tr '\\0' '\\n' </proc/$PPID/environ",
          );
          await queue.waitForState("before", "completed");
          const { pid } = (await queue.workers())[0]!;
          const seen = {
            job: await queue.ok("job", "logs", "before"),
            ps: Deno.readTextFileSync(`/proc/${pid}/cmdline`),
            environment: Deno.readTextFileSync(`/proc/${pid}/environ`),
          };
          const [, secret] = Deno.readTextFileSync(key).split("\n");
          for (const [where, text] of Object.entries(seen)) assert(!text.includes(secret!), where);
          await watched.failOver();
          await queue.ok("enqueue", "--job-id", "after", "true");
          await queue.waitForState("after", "completed");
          assertEquals(await queue.state("before"), "completed");
        } finally {
          await queue.end();
        }
      }),
  });
}
