// A failover of a Redis server while jobs run: its replica is promoted, and the way leads there.
import { assertEquals } from "@std/assert";
import { CutProxy } from "../support/cut_proxy.ts";
import { QueueProgram } from "../support/queue_program.ts";
import { type RedisServer, startRedis } from "../support/redis_server.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { waitUntil } from "../support/wait_until.ts";

const settings = ["--repl-diskless-sync-delay", "0", "--repl-timeout", "3600"];
const one = await startRedis({ settings });
const other = one && await startRedis({ settings });

interface Stage {
  readonly queue: QueueProgram;
  readonly dir: string;
  /** The way of the replica to its master. */
  readonly replication: CutProxy;
  failOver(): Promise<void>;
}

if (one !== undefined && other !== undefined) {
  /** @param parameters of the URL */
  const failoverTest = (says: string, parameters: string, test: (stage: Stage) => Promise<void>) =>
    Deno.test(`Redis, failover: ${says}`, () =>
      withTempDir(async (dir) => {
        const info = (server: RedisServer) => server.command("INFO", "replication").then(String);
        const [front, replication] = [one, one].map(({ folder }) => new CutProxy(`${folder}/s`));
        await Promise.all([one, other].map((server) => server.command("FLUSHALL")));
        await other.command("REPLICAOF", "127.0.0.1", String(replication!.port));
        await waitUntil(async () => (await info(one)).includes("state=online"));
        const url = `redis://127.0.0.1:${front!.port}${parameters}`;
        const queue = QueueProgram.at(url, dir);
        let hasCrashed = false;
        const failOver = async () => {
          hasCrashed = true;
          await one.tell("crash");
          await other.command("REPLICAOF", "NO", "ONE");
          front!.leadTo(`${other.folder}/s`);
        };
        try {
          await queue.ok("config", "--key", "lease", "--value", "5");
          await queue.start();
          await test({ queue, dir, replication: replication!, failOver });
        } finally {
          await queue.end();
          await Promise.all([front!.close(), replication!.close()]);
          await other.command("REPLICAOF", "NO", "ONE");
          if (hasCrashed) await one.tell("start");
        }
      }));

  const untilThere = (dir: string, name: string) =>
    `until [ -f ${dir}/${name} ]; do sleep 0.1; done`;

  failoverTest(
    "a job runs on, and its end is recorded at the new server",
    "?replicas=1",
    async (stage) => {
      const { queue, dir, failOver } = stage;
      await queue.ok("enqueue", "--job-id", "long", untilThere(dir, "go"));
      await queue.ok("enqueue", "--job-id", "next", "true");
      await queue.waitForState("long", "processing");
      await failOver();
      Deno.writeTextFileSync(`${dir}/go`, "");
      await queue.waitForState("next", "completed");
      const { state, history } = await queue.json("job", "show", "long");
      assertEquals([state, history.length], ["completed", 1]);
    },
  );

  failoverTest("a job whose end is lost runs again, and not for ever", "", async (stage) => {
    const { queue, dir, replication, failOver } = stage;
    await queue.ok("enqueue", "--job-id", "a", `echo run >>${dir}/runs; ${untilThere(dir, "go")}`);
    await queue.waitForState("a", "processing");
    await waitUntil(async () =>
      String(await other.command("HGET", "{queuectl}:running", "a")).includes("worker-1")
    );
    replication.cut();
    Deno.writeTextFileSync(`${dir}/go`, "");
    await queue.waitForState("a", "completed");
    await failOver();
    await queue.waitForState("a", "completed");
    assertEquals(Deno.readTextFileSync(`${dir}/runs`), "run\nrun\n");
  });
}
